"""One sentence that says what most likely explains the results of two runs or steps."""

from collections.abc import Sequence
from typing import Any

from harness.evidence.differences import Comparison, Difference

#: Said beside every comparison of numbers.
PROMISE = "PyTorch promises no equal results across releases, platforms or devices."
_LONGEST = 60  # characters of a value
_FEW = 3  # steps that are named


def suspect(comparison: Comparison) -> Difference | None:
    """The most likely cause: the first in rank that is in force where the outputs first differ."""
    explaining = (one for one in comparison.differences if one.explains)
    return next(explaining, next(iter(comparison.differences), None))


def explanation(comparison: Comparison) -> str:
    """The sentence."""
    first = suspect(comparison)
    diverging = comparison.diverging
    if first is None:
        return _without_difference(comparison)
    if diverging is None and comparison.equal_scores is not False:
        what = "scores and outputs are" if comparison.equal_scores else "outputs are"
        return f"The {what} equal: {_count(comparison.differences)} changed none of them."
    if comparison.equal_scores:
        return (
            f"The scores are equal, though the outputs of {diverging} differ. "
            f"Most likely that comes from {describe(first)}."
        )
    where = f" The outputs of {diverging} are the first to differ." if diverging else ""
    return f"Most likely: {describe(first)}.{where}"


def describe(difference: Difference) -> str:
    """A difference in words: `seed: 1 → 2 (option, parameter or seed)`."""
    sides = f"{show(difference.left)} → {show(difference.right)}"
    return f"{difference.fact} {sides} ({difference.kind.title})"


def show(value: Any) -> str:
    """A value of a fact, cut if it is long."""
    if value is None:
        return "absent"
    words = isinstance(value, list) and all(isinstance(one, str) for one in value)
    text = ", ".join(value) if words else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def show_sides(left: Any, right: Any) -> tuple[str, str]:
    """Both values of a difference; of two lists only what the other does not have."""
    if isinstance(left, list) and isinstance(right, list):
        fewer = [one for one in left if one not in right], [one for one in right if one not in left]
        if any(fewer):
            left, right = fewer
    return show(left), show(right)


def show_steps(steps: Sequence[str]) -> str:
    """The steps in which something differs, the first few by name."""
    more = f" and {len(steps) - _FEW} more" if len(steps) > _FEW else ""
    return ", ".join(steps[:_FEW]) + more if steps else "whole run"


def _without_difference(comparison: Comparison) -> str:
    if comparison.diverging is not None:
        return (
            f"Nothing that was recorded differs, yet the outputs of {comparison.diverging} do: "
            "it is not deterministic, or depends on something that no record holds."
        )
    return "Nothing that was recorded differs, and the outputs are equal."


def _count(differences: Sequence[Difference]) -> str:
    return "the one difference" if len(differences) == 1 else f"{len(differences)} differences"

"""Compare what a chain reached from an anchor with the known scores, in order of stages."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.manifest.model import Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One known score beside the one found, in percent."""

    score: str
    metric: str
    stage: int
    expected: float
    tolerance: float
    found: float | None  # None: its step did not finish
    source: str

    @property
    def agrees(self) -> bool:
        """Whether it was found within the tolerance."""
        return self.found is not None and abs(self.found - self.expected) <= self.tolerance


def compare(
    anchor: Anchor, scores: Mapping[str, Mapping[str, float]], stages: Mapping[str, int]
) -> tuple[Compared, ...]:
    """The anchor's expectations in order of their stages.

    `scores` and `stages` are by label; scores are in percent.
    """
    found = [
        Compared(
            score=one.score,
            metric=one.metric,
            stage=stages[one.score],
            expected=one.value,
            tolerance=one.tolerance,
            found=scores.get(one.score, {}).get(one.metric),
            source=one.source,
        )
        for one in anchor.expect
    ]
    return tuple(sorted(found, key=lambda one: one.stage))


def conclude(rows: tuple[Compared, ...]) -> str:
    """One sentence: all agree, or which stage deviates first and which agreed before it."""
    wrong = next((at for at, one in enumerate(rows) if not one.agrees), None)
    if wrong is None:
        return "every known score was reached: environment, data and code hold from the anchor on"
    one = rows[wrong]
    found = "was not reached" if one.found is None else f"is {one.found:.2f}"
    text = f"stage {one.stage} deviates first: {one.metric} of {one.score} {found}, "
    text += f"expected {one.expected:g} ± {one.tolerance:g}"
    if wrong == 0:
        return f"{text}; nothing before it was checked: look at every step since the anchor"
    before = rows[wrong - 1]
    return f"{text}; {before.score} (stage {before.stage}) still agreed: look at the steps between"

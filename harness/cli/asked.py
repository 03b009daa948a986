"""What the user asks for, read from the options' texts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.names import choose

if TYPE_CHECKING:
    from harness.plan.make import Ask

_ALL = "all"


def read_ask(
    *,
    losses: str = "all",
    seeds: int | None = None,
    seed: str | None = None,
    scale: str | None = None,
    runtime: str = "docker",
    option: Sequence[str] | None = None,
    until: str | None = None,
    **same: Any,
) -> "Ask":
    """What the user asks for, methods left out. Raises UsageError, naming the option."""
    from harness.plan.make import Ask

    if seeds is not None and seed is not None:
        raise UsageError("--seeds and --seed together", hint="give a count or the seeds, not both")
    return Ask(
        losses=parse_losses(losses),
        seeds=seeds,
        seed=_seed_list(seed),
        scale=parse_scale(scale),
        runtime=parse_runtime(runtime),
        options=dict(_pair(text) for text in option or ()),
        until=() if until is None else (_not_empty(until, "--until"),),
        **same,
    )


def parse_losses(text: str) -> tuple[Any, ...]:
    """Return the Losses of these names, separated by commas, or all."""
    from harness.manifest.model import Losses

    return tuple(
        dict.fromkeys(
            losses
            for word in text.split(",")
            for losses in (Losses if word.strip() == _ALL else [_one_loss(word.strip())])
        )
    )


def _one_loss(word: str) -> Any:
    """The Losses of that name, in whichever order its parts are: fsl+isl is isl+fsl."""
    from harness.manifest.model import Losses

    parts = sorted(word.split("+"))
    same = (one for one in Losses if sorted(one.value.split("+")) == parts)
    return next(same, None) or _member(Losses, word, "--losses")


def parse_scale(text: str | None) -> Any:
    """Return the Scale of that name; None where none was named."""
    from harness.manifest.model import Scale

    return None if text is None else _member(Scale, text, "--scale")


def parse_runtime(text: str) -> Any:
    """Return the RuntimeName of that name."""
    from harness.manifest.model import RuntimeName

    return _member(RuntimeName, text, "--runtime")


def _member(kind: Any, text: str, option: str) -> Any:
    return kind(choose(text, [member.value for member in kind], f"{option} {text}: unknown"))


def _seed_list(text: str | None) -> tuple[int, ...]:
    from harness.manifest.model import MOST_SEED

    if text is None:
        return ()
    try:
        seeds = tuple(int(number) for number in text.split(","))
    except ValueError:
        raise UsageError(f"--seed {text}: not a list of numbers", hint="--seed 1,2") from None
    for seed in seeds:
        if not 0 <= seed <= MOST_SEED:
            raise UsageError(f"--seed {seed}: not from 0 to {MOST_SEED}", hint="--seed 1,2")
    return seeds


def _not_empty(text: str, option: str) -> str:
    if not text:  # a variable of the shell that is not set
        raise UsageError(f"{option}: empty", hint=f"leave {option} out, or name what it is to be")
    return text


def _pair(text: str) -> tuple[str, str]:
    name, sign, choice = text.partition("=")
    if not sign:
        raise UsageError(f"--option {text}: no '='", hint="--option NAME=CHOICE")
    return name, choice

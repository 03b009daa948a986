"""What a plan takes on other numbers of GPUs: nothing is fetched, built or run."""

from collections.abc import Sequence

from harness.commands.forecast import Forecast
from harness.errors import UsageError
from harness.measured.simulation import Simulation, simulate
from harness.plan.needs import Todo
from harness.plan.plan import Plan

_MOST_GPUS = 65536


def parse_fleets(text: str) -> tuple[int, ...]:
    """Numbers of GPUs: `1,2,8`, or `1-256`, which doubles from the first on. Raises UsageError."""
    return tuple(count for part in text.split(",") for count in _range(part.strip(), text))


def simulation(plan: Plan, todo: Todo, ahead: Forecast, fleets: Sequence[int]) -> Simulation:
    """Replay what is to do on each of these numbers of GPUs. Raises UsageError."""
    if not plan.scale.judged:
        raise UsageError(
            f"--simulate at scale {plan.scale}: hours are known at scale paper only",
            hint="leave --scale out",
        )
    return simulate(plan, todo, ahead.figures, fleets)


def _range(part: str, text: str) -> tuple[int, ...]:
    first, dash, last = part.partition("-")
    counts = [_count(first, text)]
    end = _count(last, text) if dash else counts[0]
    if end < counts[0]:
        raise UsageError(
            f"--simulate {text}: {part} ends before it begins", hint="--simulate 1-256"
        )
    while 2 * counts[-1] < end:
        counts.append(2 * counts[-1])
    return tuple(dict.fromkeys((*counts, end)))


def _count(number: str, text: str) -> int:
    # int() would read signs, blanks, underscores and other scripts' digits as well
    if number.isascii() and number.isdigit() and 1 <= int(number) <= _MOST_GPUS:
        return int(number)
    raise UsageError(
        f"--simulate {text}: expected numbers of GPUs from 1 to {_MOST_GPUS}, found {number!r}",
        hint="--simulate 8, --simulate 1,2,8 or --simulate 1-256",
    )

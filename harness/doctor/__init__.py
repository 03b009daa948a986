"""Check whether this machine can run methods, line by line; changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.doctor import data, disk, engine, gpu, machine
from harness.doctor.check import Check, Line, Machine, Needs, State, unknown
from harness.doctor.finding import Finding, Unready, heading, told

__all__ = [
    "CHECKS",
    "Diagnosis",
    "Finding",
    "Line",
    "Machine",
    "Needs",
    "State",
    "Unready",
    "examine",
    "heading",
    "told",
]

_PLAN = ("plan",)
_ENGINE = ("engine",)
#: Each check, and the lines without which it can say nothing: theirs is the finding then.
CHECKS: Mapping[Check, tuple[str, ...]] = {
    engine.engine: (),
    data.plan: (),
    engine.limits: _ENGINE,
    engine.users: _ENGINE,
    gpu.driver: _PLAN,
    gpu.gpus: _PLAN,
    engine.toolkit: _ENGINE,
    disk.disk: _PLAN,
    disk.inodes: _PLAN,
    machine.memory: _PLAN,
    machine.shared_memory: _PLAN,
    machine.ulimits: (),
    machine.bubblewrap: (),
    machine.clock: (),
    machine.git: _PLAN,
    data.data: _PLAN,
    data.mirror: (),
    data.files: (*_PLAN, "mirror"),
}
_ABSENT = (State.MISSING, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Every line, and whether the methods asked for can run."""

    methods: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing is missing; without a method nothing is asked for."""
        return not self.methods or not self.missing

    @property
    def missing(self) -> tuple[Finding, ...]:
        """Everything that is missing, each once."""
        return self._findings(State.MISSING)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What is doubtful, but will do."""
        return self._findings(State.NOTE)

    def _findings(self, state: State) -> tuple[Finding, ...]:
        return tuple(one for line in self.lines if line.state is state for one in line.findings)


def examine(found: Machine, needs: Needs, checks: Sequence[Check] = tuple(CHECKS)) -> Diagnosis:
    """Check line by line. What follows from something missing is unknown, and no finding."""
    lines: dict[str, Line] = {}
    for check in checks:
        line = check(found, needs)
        first = [name for name in CHECKS[check] if name in lines and lines[name].state in _ABSENT]
        lines[line.name] = _after(line, first) if first else line
    return Diagnosis(needs.methods, tuple(lines.values()))


def _after(line: Line, first: Sequence[str]) -> Line:
    """A line as it is without `first`; without a plan even what is needed is not known."""
    if "plan" in first:
        return unknown(line.name, "-", *first)
    return line if line.state is State.NOT_NEEDED else unknown(line.name, line.needed, *first)

"""`harness doctor`: whether this machine can run a method, as a list of checks."""

from dataclasses import dataclass

from harness.commands.context import Context
from harness.commands.plan import Ask
from harness.doctor import data as inputs
from harness.doctor import engine, gpu, machine
from harness.doctor.check import Check, Facts, Line, Needs, State
from harness.doctor.gather import look
from harness.doctor.needs import needs_of

__all__ = ["CHECKS", "Facts", "Line", "Needs", "Report", "State", "examine"]

CHECKS: tuple[Check, ...] = (
    inputs.plan,
    engine.engine,
    engine.limits,
    engine.users,
    engine.toolkit,
    gpu.driver,
    gpu.gpus,
    machine.disk,
    machine.inodes,
    machine.memory,
    machine.shared_memory,
    machine.ulimits,
    machine.bubblewrap,
    machine.clock,
    inputs.data,
    inputs.mirror,
)


@dataclass(frozen=True, slots=True)
class Report:
    """Every line, and whether the method asked for can run."""

    method: str | None
    lines: tuple[Line, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing is missing; without a method nothing is asked for."""
        return self.method is None or all(line.state is not State.MISSING for line in self.lines)


def examine(context: Context, ask: Ask, gpus: str | None) -> Report:
    """Look at the machine and at what is asked for, once, and check line by line."""
    needs = needs_of(context, ask)
    facts = look(context, ask.runtime, context.gpus(gpus))
    return Report(needs.method, tuple(check(facts, needs) for check in CHECKS))

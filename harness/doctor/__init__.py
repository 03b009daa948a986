"""Check whether this machine can run a method, line by line; changes nothing."""

from dataclasses import dataclass

from harness.commands.context import Context
from harness.doctor import data, engine, gpu, machine
from harness.doctor.check import Check, Line, Machine, Needs, State
from harness.doctor.gather import look
from harness.doctor.needs import needs_of
from harness.plan.make import Ask

__all__ = ["CHECKS", "Diagnosis", "Line", "Machine", "Needs", "State", "examine"]

CHECKS: tuple[Check, ...] = (
    data.plan,
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
    data.data,
    data.mirror,
    data.files,
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Every line, and whether the method asked for can run."""

    method: str | None
    lines: tuple[Line, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing is missing; without a method nothing is asked for."""
        return self.method is None or all(line.state is not State.MISSING for line in self.lines)


def examine(context: Context, ask: Ask, gpus: str | None) -> Diagnosis:
    """Look at the machine and at what is asked for, once, and check line by line."""
    needs = needs_of(context, ask)
    found = look(context, ask.runtime, context.gpus(gpus))
    return Diagnosis(needs.method, tuple(check(found, needs) for check in CHECKS))

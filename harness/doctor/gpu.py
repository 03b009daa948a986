"""Checks of driver and GPUs against the stacks of the plan."""

from collections.abc import Sequence

from harness.doctor.check import Line, Machine, Needs, State, line
from harness.manifest.catalogue import Stack
from harness.plan.compatibility import (
    Gpu,
    doubts,
    driver_suffices,
    refusals,
    working_stacks,
)

_NO_GPUS = "none: no step that is to do asks for a GPU"
_RESTART = "see whether nvidia-smi works; after an update of the driver restart the machine"


def driver(machine: Machine, needs: Needs) -> Line:
    """Whether there is a driver, whole and new enough for the CUDA of the stacks."""
    stacks = _stacks(needs)
    minima = [
        f"{stack.driver.minimum} or newer for {name}"
        for name, stack in stacks.items()
        if stack.driver is not None
    ]
    needed = ", ".join(minima) if needs.gpus else _NO_GPUS
    if isinstance(machine.gpus, str):
        state = State.MISSING if needs.gpus else State.NOTE
        return Line(check="driver", state=state, found=machine.gpus, needed=needed, fix=_RESTART)
    if not machine.gpus:
        return line(
            "driver",
            good=not needs.gpus,
            bad=State.MISSING,
            found="no NVIDIA driver, or no GPU that may be used",
            needed=needed,
            fix="install NVIDIA's driver, see CUDA_VISIBLE_DEVICES; --scale smoke needs no GPU",
        )
    version = machine.gpus[0].driver
    return line(
        "driver",
        good=not needs.gpus or all(driver_suffices(one, version) for one in stacks.values()),
        bad=State.MISSING,
        found=version,
        needed=needed,
        fix="update the driver" + _or_stack(needs, machine.gpus),
    )


def gpus(machine: Machine, needs: Needs) -> Line:
    """Whether the stacks drive enough cards that are large enough."""
    cards = machine.gpus if isinstance(machine.gpus, tuple) else ()
    found = "; ".join(gpu.title + _driven(needs, gpu) for gpu in cards) or "none"
    on_gpus = [step for step in needs.steps if step.resources.gpus]
    if not on_gpus:
        return Line(check="gpus", state=State.OK, found=found, needed=_NO_GPUS)
    largest = max((step.resources for step in on_gpus), key=lambda one: one.gpu_memory_gb or 0.0)
    measured = largest.gpu_memory_measured
    reasons = refusals(on_gpus, needs.stacks, needs.offered, cards)
    warnings = doubts(on_gpus, cards)
    return line(
        "gpus",
        good=not reasons and not warnings,
        bad=State.MISSING if reasons else State.NOTE,
        found=found,
        needed=f"{needs.gpus} of up to {largest.gpu_memory_gb or 0.0:g} GB "
        f"({f'measured on {measured}' if measured else 'estimate'}), "
        f"driven by {' and '.join(_stacks(needs))}",
        fix="; ".join(reasons or [*warnings, f"harness rehearse {needs.method} measures it"]),
    )


def _stacks(needs: Needs) -> dict[str, Stack]:
    names = dict.fromkeys(step.stack for step in needs.steps if step.resources.gpus)
    return {name: needs.stacks[name] for name in names}


def _driven(needs: Needs, gpu: Gpu) -> str:
    able = working_stacks(needs.stacks, needs.stacks, [gpu])
    return f" driven by {', '.join(able) or 'no stack'}"


def _or_stack(needs: Needs, cards: Sequence[Gpu]) -> str:
    offered = dict.fromkeys(name for names in needs.offered.values() for name in names)
    able = working_stacks(needs.stacks, offered, cards, needs.gpus)
    return "".join(f", or use --stack {name}" for name in able)

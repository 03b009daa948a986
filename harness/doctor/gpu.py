"""Checks of driver and GPUs against the stacks of the plan."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.doctor.check import Line, Machine, Needs, State, line, not_needed, unknown
from harness.doctor.finding import Finding
from harness.manifest.catalogue import Stack
from harness.manifest.model import RuntimeName
from harness.plan.compatibility import (
    Gpu,
    doubts,
    driver_suffices,
    refusals,
    working_stacks,
)

_NO_GPUS = "no step that is to do asks for a GPU"
_RESTART = "see whether nvidia-smi works; after an update of the driver restart the machine"
_NEWEST = "99999"  # no stack needs a newer driver


def driver(machine: Machine, needs: Needs) -> Line:
    """Whether the driver works and is new enough for the CUDA of the stacks."""
    if not needs.gpus:
        return _driver_without_need(machine)
    stacks = _stacks(needs)
    minima = [
        f"{stack.driver.minimum} or newer for {name}"
        for name, stack in stacks.items()
        if stack.driver is not None
    ]
    needed = ", ".join(minima) or "any"
    if isinstance(machine.gpus, str):
        broken = Finding(name="driver", what=machine.gpus, steps=(_RESTART,))
        return line(
            "driver", found="it does not work", needed=needed, bad=State.MISSING, findings=[broken]
        )
    if not machine.gpus:
        return unknown("driver", needed, "gpus")
    version = machine.gpus[0].driver
    old = Finding(
        name="driver",
        what=f"{version} is installed; {needed}",
        steps=("update NVIDIA's driver",),
        instead=_other_stacks(needs, machine.gpus),
    )
    enough = all(driver_suffices(one, version) for one in stacks.values())
    findings = [] if enough else [old]
    return line("driver", found=version, needed=needed, bad=State.MISSING, findings=findings)


def gpus(machine: Machine, needs: Needs) -> Line:
    """Whether the stacks drive enough cards that are large enough."""
    cards = machine.gpus if isinstance(machine.gpus, tuple) else ()
    found = "; ".join(gpu.title + _driven(needs, gpu) for gpu in cards) or "none"
    if not needs.gpus:
        return not_needed("gpus", _NO_GPUS, found)
    needed = _wanted(needs)
    if isinstance(machine.gpus, str):
        return unknown("gpus", needed, "driver")
    lacks = list(_lacks(needs, machine, needed))
    return line(
        "gpus",
        found=found,
        needed=needed,
        bad=State.MISSING if lacks else State.NOTE,
        findings=lacks or list(_doubtful(needs, cards)),
    )


def _driver_without_need(machine: Machine) -> Line:
    """A broken driver is worth a look even where no step needs a GPU."""
    if isinstance(machine.gpus, str):
        broken = Finding(name="driver", what=machine.gpus, steps=(_RESTART,))
        found = "it does not work"
        return line("driver", found=found, needed=_NO_GPUS, bad=State.NOTE, findings=[broken])
    return not_needed("driver", _NO_GPUS, machine.gpus[0].driver if machine.gpus else "none")


def _lacks(needs: Needs, machine: Machine, needed: str) -> Iterator[Finding]:
    """Why these cards cannot do the steps, whatever their driver's version, which is checked."""
    cards = machine.gpus if isinstance(machine.gpus, tuple) else ()
    smoke = f"harness reproduce {needs.names} --scale smoke --seeds 1{_runtime(machine, needs)}"
    without = (f"{smoke} (proves the wiring without a GPU)",)
    if not cards:
        yield Finding(
            name="gpus",
            what=f"no NVIDIA GPU that may be used here{_hidden(machine)}; needed: {needed}",
            steps=("use a machine with such a GPU and NVIDIA's driver",),
            instead=without,
        )
        return
    newest = [replace(card, driver=_NEWEST) for card in cards]
    on_gpus = [step for step in needs.steps if step.resources.gpus]
    for reason in refusals(on_gpus, needs.stacks, needs.offered, newest):
        what, _, advice = reason.partition("; use ")
        steps = (f"use {advice}",) if advice else ("use a machine with such GPUs",)
        yield Finding(name="gpus", what=what, steps=steps, instead=without)


def _runtime(machine: Machine, needs: Needs) -> str:
    """The option for the asked-for runtime; for processes where no engine answers."""
    silent = needs.in_containers and isinstance(machine.engine, str)
    runtime = RuntimeName.PROCESS if silent else needs.runtime
    return "" if runtime is RuntimeName.DOCKER else f" --runtime {runtime}"


def _doubtful(needs: Needs, cards: Sequence[Gpu]) -> Iterator[Finding]:
    on_gpus = [step for step in needs.steps if step.resources.gpus]
    command = f"harness rehearse {needs.names}"
    for doubt in doubts(on_gpus, cards):
        steps = ("measure what it takes:",)
        yield Finding(name="gpus", what=doubt, steps=steps, command=command)


def _hidden(machine: Machine) -> str:
    """That CUDA_VISIBLE_DEVICES may be why no card is left."""
    hidden = machine.visible_devices
    return "" if hidden is None else f" (CUDA_VISIBLE_DEVICES is {hidden!r})"


def _wanted(needs: Needs) -> str:
    on_gpus = [step.resources for step in needs.steps if step.resources.gpus]
    largest = max(on_gpus, key=lambda one: one.gpu_memory_gb or 0.0)
    measured = largest.gpu_memory_measured
    source = f"measured on {measured}" if measured else "estimate"
    size = f"{needs.gpus} of up to {largest.gpu_memory_gb or 0.0:g} GB ({source})"
    return f"{size}, driven by {' and '.join(_stacks(needs))}"


def _stacks(needs: Needs) -> dict[str, Stack]:
    names = dict.fromkeys(step.stack for step in needs.steps if step.resources.gpus)
    return {name: needs.stacks[name] for name in names}


def _driven(needs: Needs, gpu: Gpu) -> str:
    able = working_stacks(needs.stacks, needs.stacks, [gpu])
    return f" driven by {', '.join(able) or 'no stack'}"


def _other_stacks(needs: Needs, cards: Sequence[Gpu]) -> tuple[str, ...]:
    offered = dict.fromkeys(name for names in needs.offered.values() for name in names)
    able = working_stacks(needs.stacks, offered, cards, needs.gpus)
    return tuple(f"use --stack {name}" for name in able)

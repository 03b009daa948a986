"""GPUs, and which of them a software stack can drive: a rule over plain values.

A wheel carries machine code (`sm_86`) for some architectures and perhaps PTX (`compute_90`), from
which the driver compiles for newer ones. Machine code runs on cards of the same major architecture
and the same or a later minor one; PTX on its own architecture and every later one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.manifest.catalogue import Stack
from harness.manifest.model import Resources
from harness.plan.plan import BoundStep

_ARCH = re.compile(r"(?:sm|compute)_(\d+)(\d)([af]?)")
#: Cards report up to 8 % less memory than they are sold with (error correction, the driver's own).
REPORTED = 0.92


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A card, or an instance of a card in MIG mode, as the driver reports it."""

    uuid: str
    index: int  # the card's, as nvidia-smi counts
    name: str
    memory_gb: float
    capability: tuple[int, int]
    driver: str

    @property
    def title(self) -> str:
        """For messages."""
        kind = "MIG instance of GPU" if self.is_mig else "GPU"
        major, minor = self.capability
        return f"{kind} {self.index} ({self.name}, {self.memory_gb:.1f} GB, {major}.{minor})"

    @property
    def is_mig(self) -> bool:
        """Whether it is an instance of a card."""
        return self.uuid.startswith("MIG-")


def drives(stack: Stack, capability: tuple[int, int]) -> bool:
    """Whether the stack's torch has code for cards of this compute capability."""
    return any(_runs_on(arch, capability) for arch in stack.archs) or (
        stack.ptx is not None and _compiles_for(stack.ptx, capability)
    )


def driver_suffices(stack: Stack, driver: str) -> bool:
    """Whether a driver of this version can run the stack's CUDA."""
    return stack.driver is None or _version(driver) >= _version(stack.driver.minimum)


def misfit(name: str, stack: Stack, gpu: Gpu) -> str | None:
    """Why the stack of that name cannot drive the card; None if it can."""
    if not drives(stack, gpu.capability):
        carried = ", ".join([*stack.archs, *([f"PTX {stack.ptx}"] if stack.ptx else [])])
        return f"stack {name} has no code for {gpu.title}: its torch carries {carried or 'none'}"
    if not driver_suffices(stack, gpu.driver):
        needed = stack.driver.minimum if stack.driver else "?"
        return f"driver {gpu.driver} is too old for stack {name}, which needs {needed} or newer"
    return None


def has_memory(need: Resources, gpu: Gpu) -> bool:
    """Whether the card has the memory that a step was measured to take; estimates refuse none."""
    return need.gpu_memory_measured is None or probably_has_memory(need, gpu)


def probably_has_memory(need: Resources, gpu: Gpu) -> bool:
    """Whether the card has the memory that a step was measured, or is estimated, to take."""
    if need.gpu_memory_gb is None:
        return True
    slack = 1.0 if need.gpu_memory_measured else REPORTED
    return gpu.memory_gb >= slack * need.gpu_memory_gb


def suits(need: Resources, stack: Stack | None, gpu: Gpu) -> bool:
    """Whether a step on this stack can run on the card."""
    able = stack is None or (drives(stack, gpu.capability) and driver_suffices(stack, gpu.driver))
    return able and has_memory(need, gpu)


def suitable(need: Resources, stack: Stack | None, gpus: Sequence[Gpu]) -> list[Gpu]:
    """The cards a step may be given: those that are probably large enough, if these suffice."""
    able = [gpu for gpu in gpus if suits(need, stack, gpu)]
    large = [gpu for gpu in able if probably_has_memory(need, gpu)]
    return large if len(large) >= need.gpus else able


def doubts(steps: Iterable[BoundStep], gpus: Sequence[Gpu]) -> list[str]:
    """A line for each step that these cards are probably too small for, by its estimate."""
    lines: dict[str, None] = {}
    for step in steps:
        need = step.resources
        if not need.gpu_memory_measured and (small := _too_small(need, gpus)):
            titles = ", ".join(gpu.title for gpu in small)
            needed = f"{need.gpu_memory_gb:g} GB of GPU memory (estimate), more than {titles}"
            lines[f"step {step.name} of {step.method} probably needs {needed}"] = None
    return list(lines)


def _too_small(need: Resources, gpus: Sequence[Gpu]) -> list[Gpu]:
    """The cards that are probably too small; none if enough others are left."""
    small = [gpu for gpu in gpus if not probably_has_memory(need, gpu)]
    return small if len(gpus) - len(small) < need.gpus else []


def refusals(
    steps: Iterable[BoundStep],
    stacks: Mapping[str, Stack],
    offered: Mapping[str, Sequence[str]],
    gpus: Sequence[Gpu],
) -> list[str]:
    """Why these cards cannot do these steps, a line for each distinct reason; empty if they can.

    `offered` lists the stacks a method runs on: one of them may drive the cards.
    """
    lines: dict[str, None] = {}
    for step in steps:
        need, stack = step.resources, stacks.get(step.stack)
        if sum(suits(need, stack, gpu) for gpu in gpus) < need.gpus:
            lines |= dict.fromkeys(_reasons(step, stacks, offered[step.method], gpus))
    return list(lines)


def working_stacks(
    stacks: Mapping[str, Stack], names: Iterable[str], gpus: Sequence[Gpu], count: int = 1
) -> tuple[str, ...]:
    """Those of the named stacks that can drive at least `count` of the cards."""
    return tuple(
        name
        for name in names
        if sum(misfit(name, stacks[name], gpu) is None for gpu in gpus) >= max(1, count)
    )


def _reasons(
    step: BoundStep, stacks: Mapping[str, Stack], names: Sequence[str], gpus: Sequence[Gpu]
) -> list[str]:
    need, stack = step.resources, stacks[step.stack]
    if len(gpus) < need.gpus:
        return [f"GPU: {need.gpus} needed, {len(gpus)} found"]
    misfits = [text for gpu in gpus if (text := misfit(step.stack, stack, gpu))]
    able = [gpu for gpu in gpus if misfit(step.stack, stack, gpu) is None]
    if len(able) < need.gpus:
        others = working_stacks(stacks, names, gpus, need.gpus)
        return [f"{text}; {_advice(step.method, others)}" for text in misfits]
    return [
        f"step {step.name} of {step.method} needs {need.gpus} GPU(s) with "
        f"{need.gpu_memory_gb:g} GB of memory (measured on {need.gpu_memory_measured}); "
        f"too small: {gpu.title}"
        for gpu in able
        if not has_memory(need, gpu)
    ]


def _advice(method: str, working: Sequence[str]) -> str:
    if working:
        return f"use {' or '.join(f'--stack {name}' for name in working)}"
    return f"no stack of {method} can drive it"


def _runs_on(arch: str, capability: tuple[int, int]) -> bool:
    """Machine code: same major, minor not above the card's; of kind `a` on that very card only."""
    own, kind = _read(arch)
    if kind == "a":
        return own == capability
    return own[0] == capability[0] and own[1] <= capability[1]


def _compiles_for(ptx: str, capability: tuple[int, int]) -> bool:
    """PTX: the card not older; of kind `a` on that very card only, of `f` within its major."""
    own, kind = _read(ptx)
    return own <= capability if not kind else _runs_on(ptx, capability)


def _read(arch: str) -> tuple[tuple[int, int], str]:
    """`sm_86` as ((8, 6), ""); manifests are checked for the form."""
    found = _ARCH.fullmatch(arch)
    assert found is not None, arch
    return (int(found[1]), int(found[2])), found[3]


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))

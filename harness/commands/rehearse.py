"""The verb `rehearse`: run every step on a few pictures, and say what each of them took."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.commands.context import Context
from harness.commands.reproduce import Result
from harness.execution.outcome import Outcome
from harness.gpus.leases import GpuLeases
from harness.manifest.model import Scale
from harness.manifest.smoke_steps import made_asset
from harness.plan.plan import BoundStep, Plan

_GB = 2**30
#: What a rehearsal on a CPU leaves open.
_NOT_SHOWN = (
    "GPU memory, seconds per iteration and picture, and so GPU-hours",
    "the paper's batches, loader workers and walk: manifests give smaller ones for rehearsal-cpu",
    "CUDA, cuDNN, mixed precision, and trainings on several GPUs",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedStep:
    """How one step of a rehearsal ended, and what it took."""

    step: BoundStep
    outcome: Outcome
    seconds: float | None  # of the attempt that made the outputs, even if that was another call
    peak_memory_gb: float | None
    peak_gpu_memory_gb: float | None  # of the card with the most
    disk_gb: float | None  # of all outputs when they were made


def scale_here(gpus: GpuLeases) -> Scale:
    """The scale of a rehearsal on this machine. Raises NotReadyError if the driver is broken."""
    return Scale.REHEARSAL if gpus.cards else Scale.REHEARSAL_CPU


def notes(plan: Plan) -> Iterator[str]:
    """What a rehearsal does, what stands in for missing data, and what it cannot show."""
    size = plan.runs[0].run.rehearsal
    if size is not None:
        yield f"{size.images} pictures in each list, {size.iterations} iterations of each training"
    made = [asset for step in plan.steps.values() if (asset := made_asset(step.name))]
    if made:
        yield f"not on this machine, so drawn or random: {', '.join(dict.fromkeys(made))}"
    if plan.scale.on_cpu:
        yield "no GPU was found, so steps run on the CPU. This cannot show:"
        yield from (f"  - {what}" for what in _NOT_SHOWN)


def rehearsed_steps(context: Context, result: Result) -> list[RehearsedStep]:
    """Every step of the plan, in order, with what its record tells."""
    return [
        _rehearsed(step, result.outcomes[key], context.store.record(key) or {})
        for key, step in result.plan.steps.items()
    ]


def _rehearsed(step: BoundStep, outcome: Outcome, record: Mapping[str, Any]) -> RehearsedStep:
    use = record.get("use", {})
    outputs = record.get("outputs", {}).values()
    return RehearsedStep(
        step=step,
        outcome=outcome,
        seconds=record["time"]["seconds"] if record else None,
        peak_memory_gb=use.get("peak_memory_gb"),
        peak_gpu_memory_gb=max((use.get("peak_gpu_memory_gb") or {}).values(), default=None),
        disk_gb=sum(one["bytes"] for one in outputs) / _GB if record else None,
    )

"""What is known of each step of a plan: measured where a rehearsal measured it, else estimated."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.measured.choice import Shelf
from harness.measured.extrapolate import paper_disk_gb, paper_hours
from harness.measured.measurement import Measurement
from harness.plan.plan import BoundStep, Plan, Run

ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Hours, GPU memory and disk of one step at paper scale; each with where it is from."""

    hours: float
    at_most: bool = False  # the hours are an upper bound
    gpu_memory_gb: float | None  # that a card should have
    least_gpu_memory_gb: float | None = None  # without which no card can do; measured or nothing
    disk_gb: Mapping[str, float]  # by output
    hours_from: str = ESTIMATE
    gpu_memory_from: str = ESTIMATE
    disk_from: str = ESTIMATE

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the figures are from, each source once."""
        return tuple(dict.fromkeys((self.hours_from, self.gpu_memory_from, self.disk_from)))


def figures_of(plan: Plan, shelf: Shelf) -> dict[str, Figures]:
    """The figures of every step, by key."""
    runs = _runs(plan)
    return {key: step_figures(step, runs[key], shelf) for key, step in plan.steps.items()}


def step_figures(step: BoundStep, run: Run, shelf: Shelf) -> Figures:
    """The figures of one step of a run; at other scales than the paper's, measured memory only."""
    figures = Figures(
        hours=step.resources.hours,
        gpu_memory_gb=step.resources.gpu_memory_gb,
        disk_gb=step.disk_gb,
    )
    timed, written = shelf.timed(step, run), shelf.written(step, run)
    if timed is not None:
        figures = _with_gpu_memory(figures, timed, step)
    if timed is not None and step.scale.full:
        figures = _with_hours(figures, timed, step)
    disk = paper_disk_gb(written, step) if written is not None and step.scale.full else {}
    if written is not None and disk:
        disk_gb = {**figures.disk_gb, **disk}
        figures = replace(figures, disk_gb=disk_gb, disk_from=written.source)
    return figures


def with_gpu_memory(plan: Plan, figures: Mapping[str, Figures]) -> Plan:
    """The plan with measured GPU memory: what refuses cards that are too small."""
    steps = {}
    for key, step in plan.steps.items():
        least = figures[key].least_gpu_memory_gb
        if least is not None:
            source = figures[key].gpu_memory_from.removeprefix("measured on ")
            resources = replace(step.resources, gpu_memory_gb=least, gpu_memory_measured=source)
            steps[key] = replace(step, resources=resources)
        else:
            steps[key] = step
    return replace(plan, steps=steps)


def with_figures(plan: Plan, figures: Mapping[str, Figures]) -> Plan:
    """The plan with these hours and disk, to be looked at: what is executed has estimates."""
    return replace(
        plan, steps={key: _shown(step, figures[key]) for key, step in plan.steps.items()}
    )


def _shown(step: BoundStep, figures: Figures) -> BoundStep:
    if figures.sources == (ESTIMATE,):
        return step
    outputs = {
        name: replace(output, disk_gb=figures.disk_gb[name])
        for name, output in step.outputs.items()
    }
    resources = replace(step.resources, hours=figures.hours, disk_gb=sum(figures.disk_gb.values()))
    return replace(step, outputs=outputs, resources=resources)


def _with_hours(figures: Figures, measured: Measurement, step: BoundStep) -> Figures:
    hours = paper_hours(measured, step.work)
    if hours is None or measured.rate is None:
        return figures
    # The start of an evaluation of few pictures counts for each of many.
    at_most = measured.rate.at_most or step.work.evaluations > 0
    return replace(figures, hours=hours, at_most=at_most, hours_from=measured.source)


def _with_gpu_memory(figures: Figures, measured: Measurement, step: BoundStep) -> Figures:
    if not step.resources.gpus or measured.peak_gpu_memory_gb is None:
        return figures
    return replace(
        figures,
        # The driver is asked every two seconds, so it may miss a peak that the allocator knows.
        gpu_memory_gb=max(measured.peak_gpu_memory_gb, measured.reserved_gb or 0.0),
        least_gpu_memory_gb=measured.least_gpu_memory_gb,
        gpu_memory_from=measured.source,
    )


def _runs(plan: Plan) -> dict[str, Run]:
    """For each step the run that asks most of it: of those that share it, the last."""
    return {key: planned.run for planned in plan.runs for key in planned.steps.values()}

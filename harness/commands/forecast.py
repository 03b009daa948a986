"""What a plan will take, by what rehearsals measured and else by estimates."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.commands.context import Context
from harness.errors import NotReadyError
from harness.gpus.leases import GpuLeases
from harness.measured.choice import Shelf
from harness.measured.figures import Figures, figures_of, with_gpu_memory
from harness.measured.outlook import Outlook, outlook_of
from harness.plan.needs import Todo
from harness.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Forecast:
    """The figures of every step of a plan by key, and the totals of what is to do."""

    figures: Mapping[str, Figures]
    outlook: Outlook


def forecast(context: Context, plan: Plan, todo: Todo, leases: GpuLeases | None = None) -> Forecast:
    """Hours, memory and disk; of several measurements those on a card like one of `leases`."""
    kept = context.measured
    figures = figures_of(plan, Shelf.of(kept.measurements, _cards(leases)))
    return Forecast(figures, outlook_of(plan, todo.open, figures, kept.damage))


def with_measured_memory(context: Context, plan: Plan) -> Plan:
    """The plan with the GPU memory that rehearsals measured, for which cards are refused."""
    kept = context.measured.measurements
    return with_gpu_memory(plan, figures_of(plan, Shelf.of(kept))) if kept else plan


def _cards(leases: GpuLeases | None) -> tuple[str, ...]:
    try:
        return tuple(card.name for card in leases.cards) if leases else ()
    except NotReadyError:  # a broken driver is named by whoever needs it
        return ()

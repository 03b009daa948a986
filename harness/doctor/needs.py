"""What a method needs, read from its plan."""

from dataclasses import replace

from harness.commands.context import Context
from harness.commands.fetch import can_download
from harness.commands.forecast import forecast
from harness.commands.plan import look, plan
from harness.doctor.check import Needs
from harness.doctor.upstream_files import upstream_files
from harness.errors import NotReadyError
from harness.manifest.catalogue import Repository
from harness.manifest.model import Scale
from harness.measured.text import source, time_lines
from harness.plan.make import Ask, scale_of
from harness.plan.plan import BoundStep


def needs_of(context: Context, ask: Ask) -> Needs:
    """The needs of the one method asked for, of none if there is none.

    Raises UsageError or ManifestError for what cannot be asked for.
    """
    needs = Needs(
        runtime=ask.runtime,
        scale=_scale(context, ask),
        method=" ".join(ask.methods) or None,
        stacks=context.catalogue.stacks,
        mirror=context.mirror,
    )
    if needs.method is None:
        return needs
    try:
        planned = plan(context, ask)
    except NotReadyError as error:
        return replace(needs, unplanned=str(error), unplanned_fix=error.hint)
    todo = look(context, planned)
    steps = todo.steps(planned)
    outlook = forecast(context, planned, todo).outlook
    assets = {name for step in steps for name in step.assets}
    repositories = _repositories(context, steps)
    return replace(
        needs,
        steps=steps,
        peak_disk_gb=outlook.peak_disk_gb if steps else 0.0,
        disk_source=source(outlook.disk_measured, outlook.steps),
        ahead=tuple(time_lines(outlook)),
        offered=context.offered(steps),
        assets=[one for one in context.assets.status() if one.name in assets],
        downloadable=frozenset(name for name in assets if can_download(context, name)),
        repositories=repositories,
        files=() if needs.scale.on_cpu else upstream_files(context, needs.method, repositories),
    )


def _scale(context: Context, ask: Ask) -> Scale:
    """The scale asked for, else the full one of the method, if any is asked for."""
    if not ask.methods:
        return ask.scale or Scale.PAPER
    return scale_of(context.method(ask.methods[0]), ask.scale)


def _repositories(context: Context, steps: list[BoundStep]) -> dict[str, Repository]:
    """Those that come from elsewhere."""
    names = dict.fromkeys(name for step in steps for name, _ in step.sources)
    known = context.catalogue.repositories
    return {name: known[name] for name in names if known[name].embedded is None}

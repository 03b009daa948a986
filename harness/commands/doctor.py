"""The verb `doctor`: what is missing here for what was asked; `reproduce` refuses by the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harness.commands.context import Context
from harness.commands.forecast import Forecast, forecast
from harness.commands.plan import expand, look, plan
from harness.doctor import CHECKS, Diagnosis, Finding, Needs, Unready, examine, gather
from harness.doctor.check import Check
from harness.doctor.upstream_files import upstream_files
from harness.errors import NotReadyError
from harness.gpus.leases import GpuLeases
from harness.manifest.catalogue import Repository
from harness.manifest.model import Scale
from harness.measured.figures import with_figures
from harness.measured.text import source, time_lines
from harness.plan.make import Ask, scale_of
from harness.plan.needs import Todo
from harness.plan.plan import Plan

_LISTING_FILES = 11_000  # of an output with a file per image, at paper scale


def diagnose(context: Context, ask: Ask, leases: GpuLeases) -> Diagnosis:
    """Look at the machine and at what is asked for, once, and check line by line.

    Raises UsageError or ManifestError for what cannot be asked for.
    """
    return examined(context, needs_of_ask(context, ask), leases=leases)


def missing(
    context: Context,
    plan_: Plan,
    todo: Todo,
    leases: GpuLeases,
    ahead: Forecast | None = None,
) -> tuple[Finding, ...]:
    """Everything without which what is to do of the plan cannot run here; nothing if all is done.

    Raises UsageError for GPUs by `--gpus` that are not there.
    """
    if not todo.open:
        return ()
    return examined(context, needs_of_plan(context, plan_, todo, ahead), leases=leases).missing


def refuse_missing(context: Context, plan_: Plan, todo: Todo, leases: GpuLeases) -> None:
    """Raise Unready, which lists everything that is missing, before hours are spent."""
    refuse(missing(context, plan_, todo, leases), _asked(plan_))


def refuse(missing_: Sequence[Finding], asked: Mapping[str, str] | None = None) -> None:
    """Raise Unready if anything is missing; `asked` is what `doctor` is asked for the same."""
    if missing_:
        raise Unready(missing_, hint="`harness doctor` shows every check", asked=asked)


def _asked(plan_: Plan) -> dict[str, str]:
    """What `doctor` is asked for the same, where a command has no option for it."""
    anchor = plan_.runs[0].run.anchor
    if anchor is not None:
        return {"anchor": anchor}
    scale = {} if plan_.scale.full else {"scale": plan_.scale.value}
    return {**scale, "seeds": str(len({one.run.seed for one in plan_.runs}))}


def examined(
    context: Context,
    needs: Needs,
    checks: Sequence[Check] = tuple(CHECKS),
    leases: GpuLeases | None = None,
) -> Diagnosis:
    """Look at the machine once and check line by line; without `leases` at no GPU."""
    cards = leases or GpuLeases(context.cache)
    found = gather.look(context.layout.root, context.cache.root, needs.runtime, cards)
    return examine(found, needs, checks)


def needs_of_ask(context: Context, ask: Ask) -> Needs:
    """What the methods asked for need, as far as they can be planned; without one no plan."""
    methods = expand(context, ask.methods)
    needs = Needs(
        runtime=ask.runtime,
        scale=_scale(context, methods, ask.scale),
        methods=methods,
        stacks=context.catalogue.stacks,
        mirror=context.mirror,
    )
    if not needs.methods:
        return needs
    try:
        planned = plan(context, ask)
    except NotReadyError as error:
        return replace(needs, unplanned=error)
    return needs_of_plan(context, planned, look(context, planned))


def _scale(context: Context, methods: Sequence[str], asked: Scale | None) -> Scale:
    """The scale asked for, else the full one of the methods, if any is asked for."""
    if not methods:
        return asked or Scale.PAPER
    return scale_of(context.method(methods[0]), asked)


def needs_of_plan(
    context: Context, planned: Plan, todo: Todo, ahead: Forecast | None = None
) -> Needs:
    """What the steps need that are to do; `ahead` is what they take, if that is known already."""
    steps = todo.steps(planned)
    methods = tuple(dict.fromkeys(one.run.method for one in planned.runs))
    ahead = ahead or forecast(context, planned, todo)
    assets = {name for step in steps for name in step.assets}
    sources = (name for step in steps for name, _ in step.sources)
    repositories = repositories_of(context, sources)
    shown = with_figures(planned, ahead.figures)
    listing = _LISTING_FILES if planned.scale is Scale.PAPER else 1
    return Needs(
        runtime=planned.runtime,
        scale=planned.scale,
        methods=methods,
        stacks=context.catalogue.stacks,
        mirror=context.mirror,
        done=not steps,
        steps=steps,
        peak_disk_gb=shown.peak_disk_gb(todo=todo.open),
        peak_files=planned.peak_files(todo.open, listing),
        disk_source=source(ahead.outlook.disk_measured, ahead.outlook.steps),
        ahead=tuple(time_lines(ahead.outlook))[:1],
        offered=context.offered(steps),
        assets=[one for one in context.assets.status() if one.name in assets],
        repositories=repositories,
        files=()
        if planned.scale.on_cpu
        else upstream_files(context, " ".join(methods), repositories),
    )


def repositories_of(context: Context, names: Iterable[str]) -> dict[str, Repository]:
    """Those of these repositories that come from elsewhere."""
    known = context.catalogue.repositories
    return {name: known[name] for name in dict.fromkeys(names) if known[name].embedded is None}

"""What a method needs, read from its plan."""

from dataclasses import replace

from harness.commands import reproduce as verbs
from harness.commands.context import Context
from harness.commands.plan import Ask
from harness.doctor.check import Needs
from harness.errors import NotReadyError
from harness.manifest.catalogue import Repository
from harness.plan.plan import BoundStep


def needs_of(context: Context, ask: Ask) -> Needs:
    """The needs of the one method asked for, of none if there is none.

    Raises UsageError or ManifestError for what cannot be asked for.
    """
    needs = Needs(
        runtime=ask.runtime,
        scale=ask.scale,
        method=" ".join(ask.methods) or None,
        stacks=context.catalogue.stacks,
        mirror=context.mirror,
    )
    if needs.method is None:
        return needs
    try:
        plan = verbs.plan(context, ask)
    except NotReadyError as error:
        return replace(needs, unplanned=str(error), unplanned_mend=error.hint)
    steps = verbs.undone(context, plan)
    assets = {name for step in steps for name in step.assets}
    return replace(
        needs,
        steps=steps,
        peak_disk_gb=plan.peak_disk_gb() if steps else 0.0,
        offered={step.method: context.method(step.method).stacks for step in steps},
        assets=[one for one in context.assets.status() if one.name in assets],
        downloadable=frozenset(name for name in assets if verbs.has_address(context, name)),
        repositories=_repositories(context, steps),
    )


def _repositories(context: Context, steps: list[BoundStep]) -> dict[str, Repository]:
    """Those that come from elsewhere."""
    names = dict.fromkeys(step.repo for step in steps if step.repo)
    names |= dict.fromkeys(i.ref for s in steps for i in s.inputs.values() if i.kind == "repo")
    known = context.catalogue.repositories
    return {name: known[name] for name in names if known[name].embedded is None}

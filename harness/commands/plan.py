"""The verb `plan`: what a command would do; nothing is fetched, built or run."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from harness.commands.context import Context
from harness.errors import NotReadyError
from harness.gpus.leases import GpuLeases
from harness.manifest.load import method_names
from harness.manifest.model import Method, Scale
from harness.manifest.references import parse_reference, possible, used_assets
from harness.manifest.smoke_steps import StandIns
from harness.names import choose
from harness.plan import keys
from harness.plan.bind import Digests
from harness.plan.make import Ask, make_plan, scale_of, stack_of
from harness.plan.needs import Todo, needs_of, todo_of
from harness.plan.plan import Plan


def plan(context: Context, ask: Ask) -> Plan:
    """Read the manifests, find the content addresses, bind. Raises UsageError."""
    methods = [context.method(name) for name in expand(context, ask.methods)]
    ask = replace(ask, usual_stack=context.usual_stack)
    made = make_plan(methods, context.catalogue, ask, partial(_digests, context, ask))
    if not context.measured.measurements:
        return made
    from harness.commands.forecast import with_measured_memory

    return with_measured_memory(context, made)


def expand(context: Context, names: Sequence[str]) -> tuple[str, ...]:
    """The methods that are meant: `all` is every one of the paper that has a manifest, no demo.

    Raises UsageError for a word that is no method and not the beginning of only one.
    """
    if "all" not in names:
        return tuple(dict.fromkeys(find_method(context, name) for name in names))
    return tuple(name for name in method_names(context.project) if name != "demo")


def find_method(context: Context, word: str) -> str:
    """The method that `word` is, or of which alone it is the beginning. Raises UsageError."""
    unknown = f"no method {word!r}: {context.project.method(word)} does not exist"
    return choose(word, method_names(context.project), unknown, listed="methods that can be run")


def look(context: Context, plan_: Plan) -> Todo:
    """What the plan needs now, by the files of the store."""
    return todo_of(needs_of(plan_), context.store)


def refuse_gpus(context: Context, plan_: Plan, todo: Todo, leases: GpuLeases) -> None:
    """Raise NotReadyError if the GPUs cannot do what is to do."""
    steps = todo.steps(plan_)
    reasons = leases.refusals(steps, context.offered(steps))
    if reasons:
        raise NotReadyError(
            "not on these GPUs:\n" + "\n".join(f"  - {line}" for line in reasons),
            hint="choose other cards by --gpus, or leave it out to plan for any machine",
        )


def stand_ins(context: Context, scale: Scale) -> StandIns:
    """Which assets are made at this scale: for a rehearsal those that are not on this machine."""
    assets = context.catalogue.assets
    there = context.assets.status() if scale.rehearsed else ()
    return StandIns(assets, scale, frozenset(one.name for one in there if one.path is None))


def read_unpatched(context: Context, method: Method, scale: Scale) -> set[str]:
    """The repositories whose unpatched files steps (and makers of stand-ins) read."""
    references = [
        reference
        for step in method.steps
        for text in step.inputs.values()
        for reference in possible(text, method.options)
    ]
    made = stand_ins(context, scale)
    for name in made.behind(used_assets(method)):
        maker = made.maker(name)
        references += map(parse_reference, maker.inputs.values() if maker else ())
    return {reference.name for reference in references if reference.kind == "repos"}


def _digests(context: Context, ask: Ask, method: Method) -> Digests:
    stack = stack_of(method, ask)
    environments = context.environments(ask.runtime, stack)
    scale = scale_of(method, ask.scale)
    made = stand_ins(context, scale)
    used = made.behind(used_assets(method))
    if ask.anchor:
        used.add(method.anchors[ask.anchor].asset)
    return Digests(
        environment=environments.identify(method.method, stack),
        assets={name: context.assets.digest(name) for name in used},
        sources={
            name: _identity(context, name, patches) for name, patches in method.repositories.items()
        },
        pristine={
            name: _identity(context, name, ()) for name in read_unpatched(context, method, scale)
        },
        packages=context.packages,
        absent=made.absent,
    )


def _identity(context: Context, name: str, patches: Sequence[str]) -> dict[str, Any]:
    repository = context.catalogue.repositories[name]
    identity: dict[str, Any] = keys.plain(context.sources.identify(name, repository, patches))
    return identity

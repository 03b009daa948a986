"""From what the user typed to a request and the content addresses that a plan is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.commands.context import Context
from harness.errors import UsageError
from harness.manifest.model import Losses, Method, RuntimeName, Scale
from harness.manifest.references import parse_reference, possible, used_assets
from harness.plan import keys
from harness.plan.bind import Facts
from harness.plan.make import Request, make_plan, merge
from harness.plan.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the user typed."""

    methods: tuple[str, ...]
    backbone: str | None = None
    losses: tuple[Losses, ...] = tuple(Losses)
    seeds: int | None = 5
    seed: tuple[int, ...] = ()
    scale: Scale = Scale.PAPER
    stack: str | None = None
    runtime: RuntimeName = RuntimeName.DOCKER
    options: Mapping[str, str] = field(default_factory=dict)
    until: tuple[str, ...] = ()
    with_test: bool = False
    anchor: str | None = None


def plan_methods(context: Context, ask: Ask, methods: Sequence[Method]) -> Plan:
    """Bind methods as asked for; an option goes to each method that has it.

    Raises UsageError for an option that none of them has.
    """
    for name in ask.options:
        if not any(name in method.options for method in methods):
            known = sorted({option for method in methods for option in method.options})
            raise UsageError(
                f"{' and '.join(method.method for method in methods)}: no option {name!r}",
                hint=f"options: {', '.join(known) or 'none'}",
            )
    return merge([_plan_method(context, ask, method) for method in methods])


def _plan_method(context: Context, ask: Ask, method: Method) -> Plan:
    request = _request(method, ask)
    facts = _facts(context, method, request)
    return make_plan(method, context.catalogue, request, facts)


def _request(method: Method, ask: Ask) -> Request:
    backbones = method.backbones if ask.backbone is None else (ask.backbone,)
    if ask.backbone is not None and ask.backbone not in method.backbones:
        raise UsageError(
            f"{method.method} has no backbone {ask.backbone!r}",
            hint=f"its backbones: {', '.join(method.backbones)}",
        )
    stack = ask.stack or method.stacks[0]
    if stack not in method.stacks:
        raise UsageError(
            f"{method.method} does not run on stack {stack!r}",
            hint=f"its stacks: {', '.join(method.stacks)}",
        )
    return Request(
        method=method.method,
        backbones=backbones,
        losses=tuple(dict.fromkeys(ask.losses)),
        seeds=_seeds(method, ask),
        scale=ask.scale,
        stack=stack,
        runtime=ask.runtime.value,
        options={name: choice for name, choice in ask.options.items() if name in method.options},
        until=ask.until,
        with_test=ask.with_test,
        anchor=ask.anchor,
    )


def _seeds(method: Method, ask: Ask) -> tuple[int, ...]:
    if ask.seed:
        return tuple(dict.fromkeys(ask.seed))
    count = 5 if ask.seeds is None else ask.seeds
    if not 1 <= count <= len(method.seeds):
        raise UsageError(
            f"--seeds {count}: {method.method} lists {len(method.seeds)} seeds",
            hint=f"ask for 1 to {len(method.seeds)}, or name them with --seed A,B",
        )
    return method.seeds[:count]


def _facts(context: Context, method: Method, request: Request) -> Facts:
    environments = context.environments(RuntimeName(request.runtime))
    return Facts(
        environment=environments.identify(method.method, request.stack),
        assets={name: context.assets.digest(name) for name in _assets(method, request)},
        sources={
            name: _identity(context, name, patches) for name, patches in method.repositories.items()
        },
        pristine={
            name: _identity(context, name, ())
            for name in read_unpatched(context, method, request.scale)
        },
        packages=context.packages,
    )


def _assets(method: Method, request: Request) -> set[str]:
    anchor = {method.anchors[request.anchor].asset} if request.anchor else set()
    return used_assets(method) | anchor


def read_unpatched(context: Context, method: Method, scale: Scale) -> set[str]:
    """The repositories whose unpatched files steps (and makers of smoke assets) read."""
    references = [
        reference
        for step in method.steps
        for text in step.inputs.values()
        for reference in possible(text, method.options)
    ]
    for name in used_assets(method) if scale is Scale.SMOKE else ():
        made = context.catalogue.assets[name].smoke
        references += map(parse_reference, made.inputs.values() if made else ())
    return {reference.name for reference in references if reference.kind == "repos"}


def _identity(context: Context, name: str, patches: Sequence[str]) -> dict[str, Any]:
    repository = context.catalogue.repositories[name]
    identity: dict[str, Any] = keys.plain(context.sources.identify(name, repository, patches))
    return identity

"""From manifests and a request to a plan: pure, no clock, no disk, no network."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import UsageError
from harness.manifest.catalogue import Catalogue
from harness.manifest.model import Losses, Method, Scale
from harness.plan.bind import Binder, Facts
from harness.plan.plan import BoundStep, Plan, PlannedRun, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one command asks for."""

    method: str
    backbones: tuple[str, ...]
    losses: tuple[Losses, ...]
    seeds: tuple[int, ...]
    scale: Scale
    stack: str
    runtime: str
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    until: tuple[str, ...] = ()  # names of steps, labels of scores; empty: everything
    with_test: bool = False
    anchor: str | None = None


def make_plan(method: Method, catalogue: Catalogue, request: Request, facts: Facts) -> Plan:
    """Bind every run that `request` asks for."""
    options = chosen_options(method, request.options)
    runs: list[PlannedRun] = []
    steps: dict[str, BoundStep] = {}
    for backbone in request.backbones:
        for seed in request.seeds:
            for losses in request.losses:
                run = Run(
                    method=method.method,
                    backbone=backbone,
                    losses=losses,
                    seed=seed,
                    scale=request.scale,
                    stack=request.stack,
                    runtime=request.runtime,
                    options=options,
                    anchor=request.anchor,
                )
                binder = Binder(method, catalogue, facts, run, with_test=request.with_test)
                bound = binder.bind(request.until)
                runs.append(
                    PlannedRun(run=run, steps={name: step.key for name, step in bound.items()})
                )
                steps |= {step.key: step for step in bound.values()}
    return Plan(runs=tuple(runs), steps=steps)


def merge(plans: Sequence[Plan]) -> Plan:
    """One plan of several methods."""
    steps: dict[str, BoundStep] = {}
    for plan in plans:
        steps |= plan.steps
    return Plan(runs=tuple(run for plan in plans for run in plan.runs), steps=steps)


def chosen_options(method: Method, asked: Mapping[str, str]) -> dict[str, str]:
    """Every option's choice: the asked one or the default."""
    for name, choice in asked.items():
        if name not in method.options:
            raise UsageError(
                f"{method.method} has no option {name!r}",
                hint=f"its options: {', '.join(sorted(method.options)) or 'none'}",
            )
        if choice not in method.options[name].choices:
            raise UsageError(
                f"option {name}={choice}: no such choice",
                hint=f"choices: {', '.join(method.options[name].choices)}",
            )
    return {name: asked.get(name, option.default) for name, option in method.options.items()}

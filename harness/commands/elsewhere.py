"""What is done of a plan in another setting: another runtime or stack, or for fewer seeds."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from harness.commands.context import Context
from harness.commands.plan import look
from harness.commands.plan import plan as make
from harness.manifest.model import Losses, RuntimeName
from harness.plan import keys
from harness.plan.make import Ask
from harness.plan.needs import Todo, todo_of
from harness.plan.plan import Plan
from harness.store.plans import SavedPlan, SavedRun, saved_plans

_SAME = ("method", "backbone", "losses", "seed", "scale", "options", "anchor", "rehearsal")

Setting = tuple[str, str]  # runtime, stack
Arm = tuple[str, str, str]  # method, backbone, losses
Seeds = dict[Arm, set[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What to ask for instead so that every step is done."""

    ask: Ask
    runs: int


def done_elsewhere(context: Context, ask: Ask, plan: Plan, todo: Todo) -> list[Elsewhere]:
    """The settings in which runs asked for are done, the most runs first; each was planned to see.

    Nothing if all that was asked for is done, or none of it anywhere.
    """
    found = []
    for other in _candidates(context, ask, plan) if todo.open else ():
        planned = make(context, other)
        if not look(context, planned).open:
            found.append(Elsewhere(ask=other, runs=len(planned.runs)))
    return sorted(found, key=lambda one: -one.runs)


def _candidates(context: Context, ask: Ask, plan: Plan) -> Iterator[Ask]:
    """What was asked for, narrowed to what is done in each setting."""
    for (runtime, stack), done in _done(context, plan).items():
        arms = _largest(done)
        backbones = {backbone for _, backbone, _ in arms}
        yield replace(
            ask,
            methods=tuple(dict.fromkeys(method for method, _, _ in arms)),
            backbone=backbones.pop() if len(backbones) == 1 else None,
            losses=tuple(one for one in Losses if one.value in {losses for _, _, losses in arms}),
            seeds=None,
            seed=tuple(sorted(set.intersection(*(done[arm] for arm in arms)))),
            runtime=RuntimeName(runtime),
            stack=stack,
        )


def _largest(done: Seeds) -> list[Arm]:
    """The arms that are done for one seed, the seed with most of them."""
    every = sorted(set().union(*done.values()))
    blocks = ([arm for arm, seeds in done.items() if seed in seeds] for seed in every)
    return max(blocks, key=len)


def _done(context: Context, plan: Plan) -> dict[Setting, Seeds]:
    """The runs asked for that are done, by the setting in which they are."""
    asked = {_identity(keys.plain(one.run)): one.steps.keys() for one in plan.runs}
    found: dict[Setting, Seeds] = {}
    for saved in saved_plans(context.layout):
        for run in _done_of(context, saved, asked):
            one = run.asked
            arm = (one["method"], one["backbone"], one["losses"])
            seeds = found.setdefault((one["runtime"], one["stack"]), {})
            seeds.setdefault(arm, set()).add(one["seed"])
    return found


def _done_of(
    context: Context, saved: SavedPlan, asked: Mapping[str, AbstractSet[str]]
) -> Iterator[SavedRun]:
    """The runs of a saved plan that are done, with all the steps asked for."""
    runs = [(run, asked.get(_identity(run.asked))) for run in saved.runs]
    same = [run for run, steps in runs if steps is not None and run.steps.keys() >= steps]
    open_ = todo_of(saved.needs, context.store).open if same else frozenset()
    yield from (run for run in same if open_.isdisjoint(run.steps.values()))


def _identity(run: Mapping[str, Any]) -> str:
    """What a run is, whatever it runs on."""
    return keys.canonical_plain([run.get(name) for name in _SAME])

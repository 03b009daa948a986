"""Execute the steps of a plan that is fetched and built: the engine's parts, put together."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from threading import Event

from harness.commands.context import Context
from harness.execution.faults import Retries
from harness.execution.keeper import Keeper
from harness.execution.runner import Outcome, Ready, StepRunner
from harness.execution.schedule import Tokens, Watch, run_plan
from harness.execution.shards import split_step
from harness.manifest.model import RuntimeName, Scale
from harness.plan.plan import BoundStep, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How to execute a plan."""

    jobs: int
    tokens: Tokens
    stopping: Callable[[], AbstractContextManager[Event]]  # catches Ctrl-C while steps run
    watch: Watch
    retries: Retries = field(default_factory=Retries)
    detach: bool = False  # a stop leaves containers running, for the next call to follow
    shards: int = 1  # parts into which steps are split, at most
    keep: bool = False  # drop nothing
    say: Callable[[str], None] = lambda _: None


def execute(
    context: Context,
    runtime_name: RuntimeName,
    scale: Scale,
    ready: Ready,
    keeper: Keeper,
    work: Work,
) -> Mapping[str, Outcome]:
    """Run what is not done yet, side by side, and drop what nobody needs any more."""
    runtime = context.runtime(runtime_name, scale, detaches=work.detach)
    runner = StepRunner(
        context.store,
        runtime,
        ready,
        is_done=keeper.is_done,
        retries=work.retries,
        labels=lambda step: labels(context, keeper.plan, step),
        tell=work.say,
    )

    def split(step: BoundStep) -> Sequence[BoundStep]:
        if work.shards == 1 or step.shards is None or keeper.is_done(step):
            return ()
        inputs = ready.inputs(step, context.layout)
        return split_step(context.store, step, inputs, work.shards)

    keeper.sweep()  # what somebody died over
    with work.stopping() as stop:
        return run_plan(
            keeper.plan,
            keeper.sweeping(runner.execute),
            replace(work.tokens, gpus=work.tokens.gpus.beside(runtime.survivors)),
            work.jobs,
            stop,
            work.watch,
            is_done=keeper.is_done,
            split=split,
        )


def set_aside_damaged(context: Context, plan: Plan, say: Callable[[str], None]) -> None:
    """Move finished steps whose outputs are not as large as recorded aside: they are made again."""
    for step in plan.steps.values():
        if context.store.record(step.key) is None or not _damage(context, step):
            continue
        with context.store.leases.try_hold(step.key) as held:
            found = _damage(context, step) if held else None
            if found:
                aside = context.store.quarantine(step.key)
                say(f"{step.title} is made again, its output was set aside in {aside}: {found}")


def labels(context: Context, plan: Plan, step: BoundStep) -> dict[str, str]:
    """What an execution carries besides its key, so that people and gc know whose it is."""
    run = next(planned.id for planned in plan.runs if step.whole in planned.steps.values())
    owner = context.store.leases.owner
    return {
        "harness.runs": str(context.layout.root),
        "harness.plan": plan.id,
        "harness.run": run,  # the first of those that share the step
        "harness.owner": f"{owner.host} {owner.pid} {owner.start}",
    }


def _damage(context: Context, step: BoundStep) -> str | None:
    return context.store.damage(context.layout.entry(step.key), step.outputs)

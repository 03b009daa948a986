"""The verb `reproduce`: fetch, build, run what is not done yet, score."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from threading import Event

from harness.commands.context import Context, Notify, refuse_detaching
from harness.commands.plan import look
from harness.contracts import imports_of
from harness.contracts.confined import CONFINED
from harness.errors import Interrupted, MismatchError
from harness.execution.faults import Retries
from harness.execution.keeper import Keeper
from harness.execution.outcome import Outcome, Ready, Status
from harness.execution.schedule import Progress, Tokens, run_plan
from harness.execution.shards import split_step
from harness.plan.needs import Todo
from harness.plan.plan import BoundStep, Plan, PlannedRun
from harness.plan.settle import settle
from harness.store import records
from harness.store.verification import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How to execute a plan."""

    jobs: int
    tokens: Tokens
    stopping: Callable[[], AbstractContextManager[Event]]  # catches Ctrl-C while steps run
    progress: Progress
    retries: Retries = field(default_factory=Retries)
    detach: bool = False  # a stop leaves containers running, for the next call to follow
    shards: int = 1  # into how many shards a step is split, at most
    keep: bool = False  # drop nothing
    trust_store: bool = False  # read stored files of the right number and size unhashed
    notify: Notify = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One run's end."""

    planned: PlannedRun
    status: str
    scores: Mapping[str, Mapping[str, float]]  # by label: cam, pseudo, final


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What `reproduce` did."""

    plan: Plan
    outcomes: Mapping[str, Outcome]
    runs: tuple[RunResult, ...]

    @property
    def finished(self) -> bool:
        """Whether a run is done."""
        return any(one.status == Status.DONE for one in self.runs)

    @property
    def nothing_ran(self) -> bool:
        """Whether every step was done before."""
        return all(one.status is Status.CACHED for one in self.outcomes.values())

    @property
    def exit_code(self) -> int:
        """0 when every run is done; else of the gravest outcome."""
        codes = {outcome.exit_code for outcome in self.outcomes.values()}
        stopped = Interrupted.exit_code
        return stopped if stopped in codes else max(codes, default=0)


def reproduce(context: Context, planned: Plan, work: Work) -> Result:
    """Bring every step of the plan into the store, and read the scores of its runs."""
    verifier = Verifier(context.store, trust=work.trust_store)
    quarantine_damaged(verifier, planned, work.notify)
    todo = look(context, planned)
    if todo.open:
        refuse_unready(context, planned, todo, work)
    plan = settled(context, planned, todo, verifier, work.notify)
    keeper = Keeper(context.store, plan, keep=work.keep, notify=work.notify)
    with keeper.registered():
        steps = keeper.todo().steps(plan)  # looked up anew: only now nobody drops what they need
        if steps:
            ready = prepare(context, plan, steps, work.notify)
            outcomes = execute(context, ready, keeper, verifier, work)
        else:
            outcomes = conclude(keeper, work)
    runs = tuple(summarise(context, verifier, plan, one, outcomes) for one in plan.runs)
    return Result(plan=plan, outcomes=outcomes, runs=runs)


def refuse_unready(context: Context, planned: Plan, todo: Todo, work: Work) -> None:
    """Raise Unready if anything is missing for what is to do; name what is doubtful."""
    from harness.commands.doctor import refuse_missing

    refuse_missing(context, planned, todo, work.tokens.gpus)
    for doubt in work.tokens.gpus.doubts(todo.steps(planned)):
        work.notify(doubt)


def quarantine_damaged(verifier: Verifier, plan: Plan, notify: Notify) -> None:
    """Move finished steps aside that are not as recorded, to be run again."""
    store = verifier.store
    for step in plan.steps.values():
        if store.unrecorded(step.key):
            continue  # moved aside when the step is executed
        if verifier.damage(step.key) is None:
            continue
        with store.leases.try_hold(step.key) as held:
            damage = verifier.damage(step.key) if held else None
            if damage:
                aside = store.quarantine(step.key)
                notify(f"{step.title} runs again, its outputs were moved to {aside}: {damage}")


def settled(context: Context, plan: Plan, todo: Todo, verifier: Verifier, notify: Notify) -> Plan:
    """The plan with its final keys: assets that nobody has hashed yet are fetched and hashed."""
    steps = [step for step in todo.steps(plan) if step.provisional]
    if not steps:
        return plan
    names = dict.fromkeys(name for step in steps for name in step.assets)
    for name in names:
        notify(f"fetch and hash {name}")
        context.assets.fetch(name)
    final = settle(plan, {name: context.assets.digest(name) for name in names})
    quarantine_damaged(verifier, final, notify)
    return final


def prepare(context: Context, plan: Plan, steps: Sequence[BoundStep], notify: Notify) -> Ready:
    """Fetch and build what these steps of a plan need."""
    from harness.commands.build import build
    from harness.commands.fetch import fetch

    contracts = [output.contract for step in steps for output in step.outputs.values()]
    CONFINED.start(*imports_of(contracts))  # imported while sources are fetched
    fetched = fetch(context, steps, notify)
    return build(context, plan.runtime, steps, fetched, notify)


def conclude(keeper: Keeper, work: Work) -> Mapping[str, Outcome]:
    """How the steps of a plan ended of which nothing is left to do."""
    refuse_detaching(keeper.plan.runtime, detaches=work.detach)
    keeper.sweep()  # what somebody died over
    work.progress.planned(keeper.plan)
    outcomes = {key: keeper.done(step) for key, step in keeper.plan.steps.items()}
    for key, outcome in outcomes.items():
        work.progress.ended(keeper.plan.steps[key], outcome)
    return outcomes


def execute(
    context: Context, ready: Ready, keeper: Keeper, verifier: Verifier, work: Work
) -> Mapping[str, Outcome]:
    """Run what is not done yet, side by side, and drop what nobody needs any more."""
    from harness.commands.step import step_function

    plan = keeper.plan
    runtime = context.runtime(plan.runtime, plan.scale, detaches=work.detach)
    run_step = step_function(
        context, runtime, ready, keeper, verifier, retries=work.retries, notify=work.notify
    )

    def split(step: BoundStep) -> Sequence[BoundStep]:
        if work.shards == 1 or step.shards is None or keeper.is_done(step):
            return ()
        inputs = ready.inputs(step, context.layout)
        return split_step(context.store, step, inputs, work.shards)

    keeper.sweep()  # what somebody died over
    with work.stopping() as stop:
        return run_plan(
            plan,
            run_step,
            replace(work.tokens, gpus=work.tokens.gpus.beside(runtime.survivors)),
            work.jobs,
            stop,
            work.progress,
            cached=keeper.cached,
            split=split,
        )


def summarise(
    context: Context,
    verifier: Verifier,
    plan: Plan,
    planned: PlannedRun,
    outcomes: Mapping[str, Outcome],
) -> RunResult:
    """One run's status and scores, also written as its record unless that says so already.

    Raises MismatchError if a score was damaged since it was written.
    """
    store = verifier.store
    statuses = {outcomes[key].status for key in planned.steps.values()}
    grave = (Status.INTERRUPTED, Status.FAILED, Status.BLOCKED)
    status = next((one.value for one in grave if one in statuses), "done")
    scores: dict[str, Mapping[str, float]] = {}
    scored_by: dict[str, str] = {}
    for name, key in planned.steps.items():
        step = plan.steps[key]
        if step.score is not None and store.has(key, step.outputs):
            if damage := verifier.damage(key):
                raise MismatchError(f"{step.title}: {damage}", hint="run the same command again")
            from harness.execution.runner import read_scores

            entry = store.layout.entry(key)
            scores[step.score] = read_scores(entry, step.outputs["scores"].path)
            scored_by[step.score] = name
    steps = {
        name: {
            "key": key,
            "status": outcomes[key].status.value,
            "error": outcomes[key].error,
            "made": records.made_by(store.record(key)),
        }
        for name, key in planned.steps.items()
    }
    file, nothing_ran = store.layout.run(planned.id), statuses == {Status.CACHED}
    record = records.run_record(planned, status, steps, scores, scored_by, plan=plan.id)
    if not (nothing_ran and records.tells(file, record)):
        records.write_record(file, {**record, "code": context.code})
    return RunResult(planned=planned, status=status, scores=scores)

"""The commands as lists of verbs: each takes what the one before gave."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

from harness.asking import Ask, plan_methods, read_unpatched
from harness.context import Context
from harness.core.gpus import refusals
from harness.core.manifest import method_names
from harness.core.model import Method, RuntimeName, Scale
from harness.core.plan import BoundStep, Plan, PlannedRun
from harness.core.ports import Environment
from harness.core.references import used_assets
from harness.engine import records
from harness.engine.faults import Retries
from harness.engine.gpu_leases import GpuLeases
from harness.engine.runner import Outcome, Ready, Status, StepRunner, read_scores
from harness.engine.schedule import Tokens, Watch, run_plan
from harness.engine.sources import Finding
from harness.engine.store import write_json
from harness.errors import Interrupted, NotReadyError


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
    def exit_code(self) -> int:
        """0 when every run is done; else of the gravest outcome."""
        codes = {outcome.exit_code for outcome in self.outcomes.values()}
        stopped = Interrupted.exit_code
        return stopped if stopped in codes else max(codes, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How to execute a plan."""

    jobs: int
    tokens: Tokens
    stopping: Callable[[], AbstractContextManager[Event]]  # catches Ctrl-C while steps run
    watch: Watch
    retries: Retries = field(default_factory=Retries)
    detach: bool = False  # a stop leaves containers running, for the next call to follow
    say: Callable[[str], None] = lambda _: None


def plan(context: Context, ask: Ask) -> Plan:
    """Read manifests, find the content addresses, bind: nothing is fetched, built or run."""
    names = expand(context, ask.methods)
    return plan_methods(context, ask, [context.method(name) for name in names])


def reproduce(context: Context, ask: Ask, plan_: Plan, work: Work) -> Result:
    """Fetch, build, run what is not done yet, and score."""
    set_aside_damaged(context, plan_, work.say)
    refuse_unready(context, plan_, work.tokens)
    fetched = fetch(context, plan_, work.say)
    final = plan(context, ask) if any(s.provisional for s in plan_.steps.values()) else plan_
    ready = build(context, ask.runtime, final, fetched, work.say)
    write_json(context.layout.plan(final.id), final.document())
    runtime = context.runtime(ask.runtime, ask.scale, detaches=work.detach)
    runner = StepRunner(
        context.store,
        runtime,
        ready,
        retries=work.retries,
        labels=lambda step: labels(context, final, step),
        tell=work.say,
    )
    tokens = replace(work.tokens, gpus=work.tokens.gpus.beside(runtime.survivors))
    with work.stopping() as stop:
        outcomes = run_plan(
            final,
            runner.execute,
            tokens,
            work.jobs,
            stop,
            work.watch,
            is_done=lambda step: context.store.is_done(step.key, step.outputs),
        )
    results = tuple(summarise(context, final, planned, outcomes) for planned in final.runs)
    return Result(plan=final, outcomes=outcomes, runs=results)


def set_aside_damaged(context: Context, plan_: Plan, say: Callable[[str], None]) -> None:
    """Move finished steps whose outputs are not as large as recorded aside: they are made again."""
    for step in plan_.steps.values():
        if context.store.record(step.key) is None or not _damage(context, step):
            continue
        with context.store.leases.try_hold(step.key) as held:
            found = _damage(context, step) if held else None
            if found:
                aside = context.store.quarantine(step.key)
                say(f"{step.title} is made again, its output was set aside in {aside}: {found}")


def labels(context: Context, plan_: Plan, step: BoundStep) -> dict[str, str]:
    """What an execution carries besides its key, so that people and gc know whose it is."""
    run = next(planned.id for planned in plan_.runs if step.key in planned.steps.values())
    owner = context.store.leases.owner
    return {
        "harness.runs": str(context.layout.root),
        "harness.plan": plan_.id,
        "harness.run": run,  # the first of those that share the step
        "harness.owner": f"{owner.host} {owner.pid} {owner.start}",
    }


def expand(context: Context, names: Sequence[str]) -> tuple[str, ...]:
    """`all` as every method of the paper that has a manifest; the demo only by name."""
    if "all" not in names:
        return tuple(dict.fromkeys(names))
    return tuple(name for name in method_names(context.project) if name != "demo")


def refuse_unready(context: Context, plan_: Plan, tokens: Tokens) -> None:
    """Raise NotReadyError naming everything that is missing before hours are spent."""
    todo = undone(context, plan_)
    missing = gpu_refusals(context, todo, tokens.gpus)
    wanted = {name for step in todo for name in step.assets}
    missing += [
        f"asset {asset.name} ({asset.title}): {asset.how}"
        for asset in context.assets.status()
        if asset.name in wanted and asset.path is None and not has_address(context, asset.name)
    ]
    if missing:
        raise NotReadyError(
            "not ready:\n" + "\n".join(f"  - {line}" for line in missing),
            hint="prove the wiring on this machine with --scale smoke",
        )


def gpu_refusals(context: Context, steps: Sequence[BoundStep], leases: GpuLeases) -> list[str]:
    """Why the GPUs at hand cannot do these steps. Raises NotReadyError if the driver is broken."""
    needing = [step for step in steps if step.resources.gpus]
    if not needing:
        return []
    offered = {step.method: context.method(step.method).stacks for step in needing}
    return refusals(needing, context.catalogue.stacks, offered, leases.cards)


def has_address(context: Context, asset: str) -> bool:
    """Whether harness can download the asset by itself."""
    return bool(context.catalogue.assets[asset].urls)


def fetch(
    context: Context, plan_: Plan, say: Callable[[str], None]
) -> tuple[dict[tuple[str, tuple[str, ...]], Any], dict[str, Any]]:
    """Check out every source and locate or download every asset the plan's open steps read."""
    checkouts: dict[tuple[str, tuple[str, ...]], Any] = {}
    located: dict[str, Any] = {}
    for step in undone(context, plan_):
        wanted = [(step.repo, step.patches)] if step.repo else []
        wanted += [(one.ref, ()) for one in step.inputs.values() if one.kind == "repo"]
        for name, patches in wanted:
            if (name, patches) not in checkouts:
                say(f"fetch {name}" + (f" + {', '.join(patches)}" if patches else ""))
                checkouts[name, patches] = context.sources.checkout(
                    name, context.catalogue.repositories[name], patches, scale=step.scale
                )
        for name in step.assets:
            if name not in located:
                say(f"fetch {name}")
                located[name] = context.assets.fetch(name)
    return checkouts, located


def build(
    context: Context,
    runtime: RuntimeName,
    plan_: Plan,
    fetched: tuple[Mapping[tuple[str, tuple[str, ...]], Any], Mapping[str, Any]],
    say: Callable[[str], None],
) -> Ready:
    """Make the environments of the plan's open steps."""
    made: dict[tuple[str, str], Environment] = {}
    for step in undone(context, plan_):
        wanted = (step.method, step.stack)
        if wanted not in made:
            made[wanted] = _environment(context, runtime, step.method, step.stack, say)
    return Ready(checkouts=fetched[0], assets=fetched[1], environments=made)


def undone(context: Context, plan_: Plan) -> list[BoundStep]:
    """The steps that the store does not hold yet."""
    return [s for s in plan_.steps.values() if not context.store.is_done(s.key, s.outputs)]


def summarise(
    context: Context, plan_: Plan, planned: PlannedRun, outcomes: Mapping[str, Outcome]
) -> RunResult:
    """One run's status and scores, also written as its record."""
    statuses = {outcomes[key].status for key in planned.steps.values()}
    status = next(
        (s.value for s in (Status.INTERRUPTED, Status.FAILED, Status.BLOCKED) if s in statuses),
        "done",
    )
    scores: dict[str, Mapping[str, float]] = {}
    for key in planned.steps.values():
        step = plan_.steps[key]
        if step.score is not None and context.store.is_done(key, step.outputs):
            entry = context.layout.entry(key)
            scores[step.score] = read_scores(entry, step.outputs["scores"].path)
    steps = {
        name: {"key": key, "status": outcomes[key].status.value, "error": outcomes[key].error}
        for name, key in planned.steps.items()
    }
    record = records.run_record(planned, status, steps, scores)
    write_json(context.layout.run(planned.run.id), record)
    return RunResult(planned=planned, status=status, scores=scores)


def fetch_methods(
    context: Context, names: Sequence[str], scale: Scale, say: Callable[[str], None]
) -> list[dict[str, str]]:
    """Check out the sources and fetch the assets of methods, whatever is done already."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for name in expand(context, names):
        method = context.method(name)
        wanted = dict(method.repositories) | dict.fromkeys(
            read_unpatched(context, method, scale), ()
        )
        for repository, patches in wanted.items():
            say(f"fetch {repository}")
            pinned = context.catalogue.repositories[repository]
            found = context.sources.checkout(repository, pinned, patches, scale=scale)
            rows["repository", repository] = _row("repository", repository, found.path)
        for asset in sorted(_fetched_assets(context, method, scale)):
            say(f"fetch {asset}")
            rows["asset", asset] = _row("asset", asset, context.assets.fetch(asset))
    return list(rows.values())


def build_methods(
    context: Context,
    names: Sequence[str],
    stack: str | None,
    runtime: RuntimeName,
    say: Callable[[str], None],
) -> list[dict[str, str]]:
    """Build the environments of methods."""
    rows = []
    for name in expand(context, names):
        chosen = stack or context.method(name).stacks[0]
        made = _environment(context, runtime, name, chosen, say)
        row = {"method": name, "stack": chosen, "id": made.id, "handle": made.handle}
        rows.append(row)
    return rows


def verify(context: Context) -> list[Finding]:
    """Pins exist, patches apply to exactly the blobs they name, checkouts are what they were."""
    patched: dict[str, set[Sequence[str]]] = {}
    for method in method_names(context.project):
        for name, patches in context.method(method).repositories.items():
            patched.setdefault(name, set()).add(patches)
    return context.sources.verify(context.catalogue.repositories, patched)


def _damage(context: Context, step: BoundStep) -> str | None:
    return context.store.damage(context.layout.entry(step.key), step.outputs)


def _environment(
    context: Context, runtime: RuntimeName, method: str, stack: str, say: Callable[[str], None]
) -> Environment:
    say(f"build {runtime} environment of {method} on {stack}")
    log = context.layout.build_log(f"{method}-{stack}-{runtime}")
    log.parent.mkdir(parents=True, exist_ok=True)
    return context.environments(runtime).ensure(method, stack, log)


def _row(kind: str, name: str, path: Path) -> dict[str, str]:
    return {"kind": kind, "name": name, "path": str(path)}


def _fetched_assets(context: Context, method: Method, scale: Scale) -> set[str]:
    assets, used = context.catalogue.assets, used_assets(method, by_default=True)
    made = {name for name in used if assets[name].smoke is not None}
    return used - (made if scale is Scale.SMOKE else set())

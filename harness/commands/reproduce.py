"""The commands as lists of verbs: each takes what the one before gave."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.commands.context import Context
from harness.commands.executing import Work, execute, set_aside_damaged
from harness.commands.plan import Ask, plan_methods, read_unpatched
from harness.errors import Interrupted, NotReadyError
from harness.execution.keeper import Keeper, open_steps
from harness.execution.runner import Outcome, Ready, Status, read_scores
from harness.execution.schedule import Tokens
from harness.files import write_json
from harness.gpus.leases import GpuLeases
from harness.manifest.load import method_names
from harness.manifest.model import Method, RuntimeName, Scale
from harness.manifest.references import used_assets
from harness.plan.compatibility import refusals
from harness.plan.needs import needs_of
from harness.plan.plan import BoundStep, Plan, PlannedRun
from harness.runtimes.runtime import Environment
from harness.sources.sources import Finding
from harness.store import records


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


def plan(context: Context, ask: Ask) -> Plan:
    """Read manifests, find the content addresses, bind: nothing is fetched, built or run."""
    names = expand(context, ask.methods)
    return plan_methods(context, ask, [context.method(name) for name in names])


def reproduce(context: Context, ask: Ask, plan_: Plan, work: Work) -> Result:
    """Fetch, build, run what is not done yet, and score."""
    set_aside_damaged(context, plan_, work.say)
    refuse_unready(context, ask.runtime, plan_, work.tokens)
    final = settled(context, ask, plan_, work.say)
    if final is not plan_:  # other keys
        set_aside_damaged(context, final, work.say)
    keeper = Keeper(context.store, final, keep=work.keep, tell=work.say)
    with keeper.registered():
        todo = undone(context, final)
        fetched = fetch(context, todo, work.say)
        ready = build(context, ask.runtime, todo, fetched, work.say)
        outcomes = execute(context, ask.runtime, ask.scale, ready, keeper, work)
    results = tuple(summarise(context, final, planned, outcomes) for planned in final.runs)
    return Result(plan=final, outcomes=outcomes, runs=results)


def settled(context: Context, ask: Ask, plan_: Plan, say: Callable[[str], None]) -> Plan:
    """The plan with its final keys: assets that nobody has hashed yet are fetched and hashed."""
    if not any(step.provisional for step in plan_.steps.values()):
        return plan_
    for name in dict.fromkeys(name for step in undone(context, plan_) for name in step.assets):
        say(f"fetch and hash {name}")
        context.assets.fetch(name)
    return plan(context, ask)


def expand(context: Context, names: Sequence[str]) -> tuple[str, ...]:
    """`all` as every method of the paper that has a manifest; the demo only by name."""
    if "all" not in names:
        return tuple(dict.fromkeys(names))
    return tuple(name for name in method_names(context.project) if name != "demo")


def refuse_unready(context: Context, runtime: RuntimeName, plan_: Plan, tokens: Tokens) -> None:
    """Raise NotReadyError naming everything that is missing before hours are spent."""
    todo = undone(context, plan_)
    missing = gpu_refusals(context, todo, tokens.gpus)
    if any(step.resources.gpus for step in todo):
        obstacle = context.gpu_obstacle(runtime)
        missing += [obstacle] if obstacle else []
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


def refuse_gpus(context: Context, plan_: Plan, leases: GpuLeases) -> None:
    """Raise NotReadyError if the GPUs cannot do what is to do."""
    reasons = gpu_refusals(context, undone(context, plan_), leases)
    if reasons:
        raise NotReadyError(
            "not on these GPUs:\n" + "\n".join(f"  - {line}" for line in reasons),
            hint="choose other cards by --gpus, or leave it out to plan for any machine",
        )


def has_address(context: Context, asset: str) -> bool:
    """Whether harness can download the asset by itself."""
    return bool(context.catalogue.assets[asset].urls)


def fetch(
    context: Context, steps: Sequence[BoundStep], say: Callable[[str], None]
) -> tuple[dict[tuple[str, tuple[str, ...]], Any], dict[str, Any]]:
    """Check out every source and locate or download every asset that the steps read."""
    checkouts: dict[tuple[str, tuple[str, ...]], Any] = {}
    located: dict[str, Any] = {}
    for step in steps:
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
    steps: Sequence[BoundStep],
    fetched: tuple[Mapping[tuple[str, tuple[str, ...]], Any], Mapping[str, Any]],
    say: Callable[[str], None],
) -> Ready:
    """Make the environments of the steps."""
    made: dict[tuple[str, str], Environment] = {}
    for step in steps:
        wanted = (step.method, step.stack)
        if wanted not in made:
            made[wanted] = environment(context, runtime, step.method, step.stack, say)
    return Ready(checkouts=fetched[0], assets=fetched[1], environments=made)


def undone(context: Context, plan_: Plan) -> list[BoundStep]:
    """The steps that are not done: not finished yet, or an output is needed that was dropped."""
    todo = open_steps(context.layout, needs_of(plan_))
    return [step for key, step in plan_.steps.items() if key in todo]


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
        for asset in sorted(needed_assets(context, method, scale)):
            say(f"fetch {asset}")
            rows["asset", asset] = _row("asset", asset, context.assets.fetch(asset))
    return list(rows.values())


def verify(context: Context) -> list[Finding]:
    """Pins exist, patches apply to exactly the blobs they name, checkouts are what they were."""
    patched: dict[str, set[Sequence[str]]] = {}
    for method in method_names(context.project):
        for name, patches in context.method(method).repositories.items():
            patched.setdefault(name, set()).add(patches)
    return context.sources.verify(context.catalogue.repositories, patched)


def environment(
    context: Context, runtime: RuntimeName, method: str, stack: str, say: Callable[[str], None]
) -> Environment:
    """One environment, built unless it is there."""
    say(f"build {runtime} environment of {method} on {stack}")
    log = context.layout.build_log(f"{method}-{stack}-{runtime}")
    log.parent.mkdir(parents=True, exist_ok=True)
    return context.environments(runtime).ensure(method, stack, log)


def _row(kind: str, name: str, path: Path) -> dict[str, str]:
    return {"kind": kind, "name": name, "path": str(path)}


def needed_assets(context: Context, method: Method, scale: Scale) -> set[str]:
    """The assets that a method reads at a scale and that no step makes."""
    assets, used = context.catalogue.assets, used_assets(method, by_default=True)
    made = {name for name in used if assets[name].smoke is not None}
    return used - (made if scale is Scale.SMOKE else set())

"""What --json prints and what tables show, as plain values."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.commands.context import Context
from harness.commands.forecast import Forecast
from harness.commands.inspect import State, states_of
from harness.commands.rebuild import Rebuilt
from harness.commands.record import StepRow
from harness.commands.rehearse import RehearsedStep
from harness.commands.reproduce import Result
from harness.commands.scores import Found
from harness.commands.verify import StoreFinding
from harness.errors import HarnessError, NotReadyError
from harness.evidence.backgrounds import Background
from harness.evidence.differences import Comparison, Difference
from harness.evidence.evidence import Evidence, RunEvidence, StepEvidence
from harness.evidence.facts import run_facts, step_facts
from harness.evidence.groups import METRICS, Group, Spread
from harness.evidence.suspects import explanation, show, suspect
from harness.execution.runner import Outcome, Status
from harness.gpus.leases import GpuLeases
from harness.manifest.load import method_names
from harness.measured.text import outlook_lines
from harness.plan import keys
from harness.plan.needs import Todo
from harness.plan.plan import BoundStep, Plan
from harness.sources.sources import Finding


def plan_document(context: Context, plan: Plan, todo: Todo, ahead: Forecast) -> dict[str, Any]:
    """`plan --json`: runs, steps with their keys, states, what they will take."""
    document = plan.document()
    document["states"] = states(context, plan, todo)
    document["disk_gb"] = round(ahead.outlook.disk_gb, 1)
    document["peak_disk_gb"] = ahead.outlook.peak_disk_gb
    document["peak_disk_kept_gb"] = ahead.outlook.peak_disk_kept_gb
    document["outlook"] = keys.plain(ahead.outlook)
    document["figures"] = keys.plain(ahead.figures)
    return document


def states(context: Context, plan: Plan, todo: Todo) -> dict[str, str]:
    """The state of each step, as `status` calls it, with the reason if there is one."""
    found = states_of(context, plan.steps, todo)
    return {key: _state(context, step, found[key]) for key, step in plan.steps.items()}


def _state(context: Context, step: BoundStep, state: State) -> str:
    if state is not State.TODO:
        return state.value
    if context.store.recorded(step.key):
        return f"{state}: an output was dropped"
    return f"{state}: an asset is not hashed yet" if step.provisional else state.value


def plan_notes(context: Context, plan: Plan, todo: Todo, ahead: Forecast) -> list[str]:
    """What sharing saves, disk, GPU-hours, missing assets, options in force."""
    steps = todo.steps(plan)
    size = f"{len(plan.runs)} runs, {len(plan.steps)} distinct steps, {len(steps)} to do"
    notes = [f"{size}; sharing saves {plan.shared} step executions"]
    if not plan.scale.rehearsed:  # whose steps have the paper's estimates
        notes += outlook_lines(ahead.outlook)
    wanted = {name for step in steps for name in step.assets}
    missing = [s.name for s in context.assets.status() if s.name in wanted and s.path is None]
    if missing:
        notes.append(f"missing assets: {', '.join(missing)}")
    for method in dict.fromkeys(planned.run.method for planned in plan.runs):
        options = next(p.run.options for p in plan.runs if p.run.method == method)
        if options:
            chosen = ", ".join(f"{name}={choice}" for name, choice in options.items())
            notes.append(f"options of {method}: {chosen}")
    return notes


def gpu_notes(context: Context, plan: Plan, todo: Todo, leases: GpuLeases) -> list[str]:
    """What the GPUs at hand mean for the plan; nothing where it needs none or none is at hand."""
    steps = [step for step in todo.steps(plan) if step.resources.gpus]
    try:
        if not steps or not leases.cards:
            return []
        refused = leases.refusals(steps, context.offered(steps))
        doubtful = leases.doubts(steps)
    except NotReadyError as error:
        return [f"GPUs at hand cannot be used: {error} ({error.hint})"]
    if refused:
        return [f"not on the GPUs at hand: {reason}" for reason in refused]
    if doubtful:
        return [f"perhaps not on the GPUs at hand: {reason}" for reason in doubtful]
    return [f"fits the GPUs at hand: {', '.join(gpu.title for gpu in leases.cards)}"]


def report(result: Result) -> dict[str, Any]:
    """`reproduce --json`."""
    runs = []
    for one in result.runs:
        run = one.planned.run
        steps = one.planned.steps.values()
        runs.append(
            {
                "id": run.id,
                "method": run.method,
                "backbone": run.backbone,
                "losses": run.losses.value,
                "seed": run.seed,
                "scale": run.scale.value,
                "stack": run.stack,
                "runtime": run.runtime.value,
                "options": dict(run.options),
                "status": one.status,
                "scores": one.scores.get("final", {}),
                "stage_scores": {k: v for k, v in one.scores.items() if k != "final"},
                "steps": [step_row(result.plan.steps[key], result.outcomes[key]) for key in steps],
            }
        )
    return {"plan": result.plan.id, "runs": runs}


def step_row(step: BoundStep, outcome: Outcome) -> dict[str, Any]:
    """One step as `reproduce --json` prints it and as run records hold it."""
    return {
        "name": step.name,
        "stage": step.stage,
        "repo": step.repo,
        "status": "done" if outcome.status is Status.CACHED else outcome.status.value,
        "cached": outcome.status is Status.CACHED,
        "seconds": outcome.seconds,
        "key": step.key,
        "error": outcome.error,
        "remade": list(outcome.remade),
    }


def rehearsed_row(one: RehearsedStep) -> dict[str, Any]:
    """One step as `rehearse --json` prints it."""
    return {
        "method": one.step.method,
        **step_row(one.step, one.outcome),
        "seconds": one.seconds,
        "peak_memory_gb": one.peak_memory_gb,
        "peak_gpu_memory_gb": one.peak_gpu_memory_gb,
        "disk_gb": one.disk_gb,
    }


def rehearsed_cells(one: RehearsedStep) -> tuple[str, ...]:
    """One step as `rehearse` prints it for people."""
    numbers = (one.seconds, one.peak_memory_gb, one.peak_gpu_memory_gb, one.disk_gb)
    patterns = ("{:.0f}", "{:.1f} GB", "{:.1f} GB", "{:.3f} GB")
    cells = ("" if n is None else p.format(n) for n, p in zip(numbers, patterns, strict=True))
    ended = one.outcome.error or one.outcome.status.value
    return (one.step.method, one.step.name, *cells, ended)


def score_groups(result: Result) -> list[tuple[tuple[str, ...], dict[str, list[float]]]]:
    """J, F, J&F per method, backbone, losses and scored stage; one number a seed."""
    groups: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for one in result.runs:
        run = one.planned.run
        for label, scores in one.scores.items():
            name = (run.method, run.backbone, run.losses.value, label)
            group = groups.setdefault(name, {"J": [], "F": [], "JF": []})
            for metric, number in scores.items():
                group[metric].append(number)
    # By stage first, so that the four losses of one stage can be compared at a glance.
    labels = list(dict.fromkeys(name[3] for name in groups))
    return sorted(groups.items(), key=lambda item: (*item[0][:2], labels.index(item[0][3])))


def seed_rows(groups: Iterable[Group]) -> list[tuple[str, ...]]:
    """J, F, J&F of every seed, stage by stage, each followed by mean and spread."""
    rows: list[tuple[str, ...]] = []
    for group, label in by_stage(groups):
        name = (group.method, group.backbone, group.losses.value, label)
        spreads = [group.spread(label, metric) for metric in METRICS]
        rows += [
            (*name, str(seed), *(f"{one.by_seed[seed]:.2f}" for one in spreads))
            for seed in spreads[0].by_seed
        ]
        rows.append((*name, f"mean of {len(spreads[0].by_seed)}", *(one.text for one in spreads)))
    return rows


def class_rows(groups: Iterable[Group]) -> list[tuple[str, ...]]:
    """J and F of every class, mean and spread over the seeds; the background has no F."""
    rows = []
    for group, label in by_stage(groups):
        asked = (group.method, group.backbone, group.losses.value, label)
        for name in group.classes(label):
            both = [group.class_spread(label, name, metric) for metric in ("J", "F")]
            rows.append((*asked, name, *(one.text if one else "-" for one in both)))
    return rows


def by_stage(groups: Iterable[Group]) -> list[tuple[Group, str]]:
    """Every group with each of its labels; within a row the losses of one stage are together."""
    rows: dict[str, list[Group]] = {}
    for group in groups:
        rows.setdefault(group.row, []).append(group)
    return [
        (group, label)
        for members in rows.values()
        for label in dict.fromkeys(label for group in members for label in group.labels)
        for group in members
        if label in group.labels
    ]


def final(scores: tuple[float, float] | None) -> dict[str, float] | None:
    """The final J and F of a run as `status --json` prints them."""
    return None if scores is None else {"J": scores[0], "F": scores[1]}


def scores_document(found: Found, *, classes: bool) -> dict[str, Any]:
    """`scores --json`."""
    return {
        "ddof": 1,
        "groups": [
            {**_group_document(group, classes=classes), "cam_background": _background(background)}
            for group, background in zip(found.groups, found.backgrounds, strict=True)
        ],
        "unfinished": {run.id: run.status for run in found.unfinished},
        "damage": list(found.damage),
    }


def background_lines(found: Found) -> list[str]:
    """J of CAMs at a fixed background score and at the best, a line for each group that has one."""
    return [
        f"{group.row} {group.losses.value}: {one.option} {one.choice}: J of CAMs {one.text}"
        for group, one in zip(found.groups, found.backgrounds, strict=True)
        if one is not None
    ]


def _background(one: Background | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "option": one.option,
        "choice": one.choice,
        "threshold": one.threshold,
        "J": _spread(one.J),
        "best_J": _spread(one.best),
        "best_threshold": {str(seed): at for seed, at in one.best_thresholds.items()},
    }


def _group_document(group: Group, *, classes: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "method": group.method,
        "backbone": group.backbone,
        "losses": group.losses.value,
        "scale": group.setting.scale.value,
        "stack": group.setting.stack,
        "runtime": group.setting.runtime,
        "options": dict(group.setting.options),
        "runs": {str(run.seed): run.id for run in group.runs},
        "scores": {
            label: {metric: _spread(group.spread(label, metric)) for metric in METRICS}
            for label in group.labels
        },
    }
    if classes:
        document["per_class"] = {label: _classes(group, label) for label in group.labels}
    return document


def _classes(group: Group, label: str) -> dict[str, Any]:
    return {
        name: {
            metric: _spread(one) if one else None
            for metric in ("J", "F")
            for one in (group.class_spread(label, name, metric),)
        }
        for name in group.classes(label)
    }


def _spread(spread: Spread) -> dict[str, Any]:
    by_seed = {str(seed): value for seed, value in spread.by_seed.items()}
    return {"mean": spread.mean, "sd": spread.sd, "n": len(by_seed), "by_seed": by_seed}


def finding_row(finding: Finding) -> dict[str, Any]:
    """One line of `verify --json`."""
    row: dict[str, Any] = keys.plain(finding)
    return row


def damage_row(finding: StoreFinding) -> dict[str, Any]:
    """One thing that `verify --store --json` found damaged."""
    return {
        "kind": finding.kind,
        "name": finding.name,
        "path": str(finding.path),
        "damage": finding.damage,
        "moved_to": str(finding.moved_to) if finding.moved_to else None,
    }


def method_rows(context: Context) -> list[dict[str, Any]]:
    """`methods --json`."""
    rows = []
    for name in method_names(context.project):
        method = context.method(name)
        rows.append(
            {
                "method": name,
                "title": method.title,
                "backbones": list(method.backbones),
                "stacks": list(method.stacks),
                "seeds": list(method.seeds),
                "steps": len(method.steps),
                "options": {
                    key: {"default": option.default, "choices": list(option.choices)}
                    for key, option in method.options.items()
                },
            }
        )
    return rows


def run_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """`record list`: the runs, when and where their steps really ran, and their final scores."""
    rows = []
    for run in evidence.runs:
        records = [step.record for step in run.steps.values() if step.record]
        final = run.scores.get("final")
        rows.append(
            {
                "id": run.id,
                "status": run.status,
                "steps": len(run.steps),
                "start": min((one["time"]["start"] for one in records), default=None),
                "end": max((one["time"]["end"] for one in records), default=None),
                "hosts": sorted({one["host"]["name"] for one in records}),
                "J": final and final.J,
                "F": final and final.F,
            }
        )
    return rows


def record_rows(rows: Iterable[StepRow]) -> list[dict[str, Any]]:
    """`record list --steps`: each distinct step, when and where it really ran."""
    return [
        {
            "step": row.step.name,
            "stage": row.step.stage,
            "key": row.step.key,
            "run": row.run,
            "status": row.record.get("status", row.step.status),
            "start": row.record.get("time", {}).get("start"),
            "seconds": row.record.get("time", {}).get("seconds"),
            "host": row.record.get("host", {}).get("name"),
        }
        for row in rows
    ]


def about_rows(found: RunEvidence | StepEvidence) -> list[tuple[str, str]]:
    """`record show`: names and values, a line each."""
    if isinstance(found, RunEvidence):
        return list(_about_run(found))
    return list(_about_step(found.record or {}))


def _about_run(run: RunEvidence) -> Iterator[tuple[str, str]]:
    yield from ((name, show(value)) for name, value in run_facts(run.record).items())
    yield "status", run.status
    for label, scores in run.scores.items():
        yield f"score {label}", f"J {scores.J:.2f}  F {scores.F:.2f}"
    for name, step in run.steps.items():
        record = step.record
        ran = f"{record['time']['start']} on {record['host']['name']}" if record else "no record"
        yield f"step {name}", f"{step.status}, {ran}, key {step.key[:12]}"


def _about_step(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "key", record["identity"]["key"]
    yield "status", record["status"]
    for name in ("start", "end", "seconds"):
        yield name, show(record["time"][name])
    memory = record.get("use", {}).get("peak_memory_gb")
    yield "peak memory", "unknown" if memory is None else f"{memory:g} GB"
    for uuid, used in record.get("use", {}).get("peak_gpu_memory_gb", {}).items():
        yield f"peak memory of {uuid}", f"{used:g} GB"
    yield "exit", ", ".join(f"{k} {v}" for k, v in record["exit"].items() if v not in {None, ""})
    facts = step_facts(record)
    hidden = [name for name in facts if name.startswith("package.")]
    yield from ((name, show(facts[name])) for name in facts if name not in hidden)
    for name, one in record["outputs"].items():
        yield f"output {name}", f"{one['files']} files, {one['bytes']} bytes, {one['sha256']}"
    if record["error"]:
        yield "error", record["error"]


def comparison_document(found: Comparison) -> dict[str, Any]:
    """`record diff --json`."""
    first = suspect(found)
    return {
        "left": found.left,
        "right": found.right,
        "explanation": explanation(found),
        "suspect": first and first.fact,
        "diverging": found.diverging,
        "equal_scores": found.equal_scores,
        "scores": {
            label: [side and {"J": side[0], "F": side[1]} for side in sides]
            for label, sides in found.scores.items()
        },
        "unrecorded": list(found.unrecorded),
        "differences": [difference_row(one) for one in found.differences],
    }


def difference_row(one: Difference) -> dict[str, Any]:
    """One difference as JSON."""
    return {
        "kind": one.kind.title,
        "fact": one.fact,
        "left": one.left,
        "right": one.right,
        "steps": list(one.steps),
    }


def rebuilt_document(found: Rebuilt) -> dict[str, Any]:
    """`record rebuild --json`."""
    return {
        "run": found.recorded.id,
        "rebuilt": found.again.id,
        "identical": found.identical,
        "outputs": dict(found.outputs),
        "scores": {
            label: [side and {"J": side.J, "F": side.F} for side in sides]
            for label, sides in found.scores.items()
        },
    }


def explain(error: HarnessError) -> Mapping[str, Any]:
    """An error as `--json` prints it."""
    return {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}

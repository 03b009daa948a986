"""How a plan is shown: its document, its totals, the states of its steps, and notes."""

from collections.abc import Iterator, Sequence
from typing import Any

from harness.commands.context import Context
from harness.commands.forecast import Forecast
from harness.commands.inspect import State, states_of
from harness.commands.plan import expand
from harness.console import users
from harness.errors import NotReadyError
from harness.gpus.leases import GpuLeases
from harness.measured.summary import Arm, Job, Load, arms_of, jobs_of
from harness.measured.text import basis_values, outlook_values
from harness.plan import keys
from harness.plan.needs import Todo
from harness.plan.plan import BoundStep, Plan
from harness.verdict.outlook import Outlook, outlook_text

STEP_COLUMNS = ("method", "stage", "step", "repository", "runs", "key", "state")
_KEY_SHOWN = 12
_UNHASHED = "an asset is not hashed yet"


def plan_document(
    context: Context, plan: Plan, todo: Todo, ahead: Forecast, verdicts: Outlook | None
) -> dict[str, Any]:
    """`plan --json`: totals, rows, runs, steps with keys and states, what they take and lack."""
    outlook, document = ahead.outlook, plan.document()
    states, figures = state_texts(context, plan, todo), keys.plain(ahead.figures)
    return {
        "plan": plan.id,
        "runs": [
            {"name": run["id"], "run": run["run"], "steps": run["steps"]}
            for run in document["runs"]
        ],
        "steps": [
            {**step, "state": states[key], "figures": figures.get(key)}
            for key, step in document["steps"].items()
        ],
        "totals": {
            "runs": len(plan.runs),
            "steps": len(plan.steps),
            "done": len(plan.steps) - outlook.steps,
            "to_do": outlook.steps,
            "shared": plan.shared,
        },
        "arms": [_arm_row(arm) for arm in arms_of(plan, todo.open, ahead.figures)],
        "jobs": [_job_row(job) for job in jobs_of(plan, todo.open, ahead.figures)],
        "missing": [
            {"name": name, "text": text} for name, text in missing_values(context, plan, todo)
        ],
        "disk_gb": round(outlook.disk_gb, 1),
        "peak_disk_gb": outlook.peak_disk_gb,
        "peak_disk_kept_gb": outlook.peak_disk_kept_gb,
        "outlook": keys.plain(outlook),
        "verdicts": keys.plain(verdicts),
    }


def total_values(plan: Plan, ahead: Forecast) -> list[tuple[str, str]]:
    """Runs, steps and what those to do take."""
    steps, todo = len(plan.steps), ahead.outlook.steps
    size = f"{len(plan.runs)}, of {steps} distinct steps: {steps - todo} done, {todo} to do"
    if not todo or plan.scale.rehearsed:  # whose steps have the paper's estimates
        return [("runs", size)]
    basis = basis_values(ahead.outlook, jobs_of(plan, (), ahead.figures))
    return [("runs", size), *outlook_values(ahead.outlook), *basis]


def missing_values(context: Context, plan: Plan, todo: Todo) -> list[tuple[str, str]]:
    """What this machine lacks for the steps to do, and the commands that get it."""
    wanted = {name for step in todo.steps(plan) for name in step.assets}
    missing = [s.name for s in context.assets.status() if s.name in wanted and s.path is None]
    if not missing:
        return []
    fetch = f"harness fetch {_methods_word(context, plan)}"
    return [
        ("missing", f"assets {', '.join(missing)}"),
        ("get them", fetch),
        ("by hand", "harness assets list shows what only a browser can download"),
    ]


def _methods_word(context: Context, plan: Plan) -> str:
    methods = methods_of(plan)
    every = expand(context, ("all",))
    return "all" if len(methods) > 1 and methods == every else " ".join(methods)


def option_values(context: Context, plan: Plan) -> Iterator[tuple[str, str]]:
    """The options in force; of several methods only those that are not at their defaults."""
    methods = methods_of(plan)
    for method in methods:
        declared = context.method(method).options
        chosen = next(p.run.options for p in plan.runs if p.run.method == method)
        shown = {
            name: choice
            for name, choice in chosen.items()
            if len(methods) == 1 or choice != declared[name].default
        }
        if shown:
            yield f"options of {method}", ", ".join(f"{n}={choice}" for n, choice in shown.items())


def methods_of(plan: Plan) -> tuple[str, ...]:
    """The methods of a plan."""
    return tuple(dict.fromkeys(planned.run.method for planned in plan.runs))


def step_cells(plan: Plan, states: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """Every distinct step, done or to do and why, unless the mark of its key says why."""
    for step in plan.steps.values():
        key = step.key[:_KEY_SHOWN] + ("?" if step.provisional else "")
        name = (step.method, str(step.stage), step.name, step.repo or "harness")
        yield (*name, users(plan, step), key, states[step.key].removesuffix(f": {_UNHASHED}"))


def reason_notes(states: dict[str, str]) -> list[str]:
    """Why keys are provisional, said once for all."""
    count = sum(state.endswith(_UNHASHED) for state in states.values())
    return [f"?: {count} keys may still change: {_UNHASHED}"] if count else []


def state_texts(context: Context, plan: Plan, todo: Todo) -> dict[str, str]:
    """The state of each step, as `status` calls it, with the reason if there is one."""
    found = states_of(context, plan.steps, todo)
    return {key: _state(context, step, found[key]) for key, step in plan.steps.items()}


def _state(context: Context, step: BoundStep, state: State) -> str:
    if state is not State.TODO:
        return state.value
    if context.store.recorded(step.key):
        return f"{state}: an output was dropped"
    return f"{state}: {_UNHASHED}" if step.provisional else state.value


def plan_values(
    context: Context,
    plan: Plan,
    todo: Todo,
    ahead: Forecast,
    notes: Sequence[tuple[str, str]] = (),
) -> list[tuple[str, str]]:
    """Totals, these notes, options in force, what is missing."""
    values = [*total_values(plan, ahead), *notes, *option_values(context, plan)]
    return [*values, *missing_values(context, plan, todo)]


def plan_notes(context: Context, plan: Plan, todo: Todo, ahead: Forecast) -> list[str]:
    """The same, a line each."""
    return [f"{name}: {value}" for name, value in plan_values(context, plan, todo, ahead)]


def verdict_values(verdicts: Outlook | None) -> list[tuple[str, str]]:
    """How many cells of the paper's tables the planned seeds can settle."""
    return [("verdicts", outlook_text(verdicts))] if verdicts else []


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


def _arm_row(arm: Arm) -> dict[str, Any]:
    return {
        "name": f"{arm.method} {arm.backbone} {arm.losses}",
        "method": arm.method,
        "backbone": arm.backbone,
        "losses": arm.losses,
        "runs": arm.runs,
        **_load_row(arm.load),
    }


def _job_row(job: Job) -> dict[str, Any]:
    return {
        "name": job.step,
        "method": job.method,
        "stage": job.stage,
        **_load_row(job.load),
        "hours_each": job.figures.hours,
        "gpus": job.gpus,
    }


def _load_row(load: Load) -> dict[str, Any]:
    return {
        "steps": load.steps,
        "done": load.done,
        "to_do": load.todo,
        "gpu_hours": load.gpu_hours,
        "disk_gb": load.disk_gb,
    }

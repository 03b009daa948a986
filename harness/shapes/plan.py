"""How a plan is shown: its document, the states of its steps, and notes."""

from typing import Any

from harness.commands.context import Context
from harness.commands.forecast import Forecast
from harness.commands.inspect import State, states_of
from harness.errors import NotReadyError
from harness.gpus.leases import GpuLeases
from harness.measured.text import outlook_lines
from harness.plan import keys
from harness.plan.needs import Todo
from harness.plan.plan import BoundStep, Plan


def plan_document(context: Context, plan: Plan, todo: Todo, ahead: Forecast) -> dict[str, Any]:
    """`plan --json`: runs, steps with their keys, states, what they will take."""
    document = plan.document()
    document["states"] = state_texts(context, plan, todo)
    document["disk_gb"] = round(ahead.outlook.disk_gb, 1)
    document["peak_disk_gb"] = ahead.outlook.peak_disk_gb
    document["peak_disk_kept_gb"] = ahead.outlook.peak_disk_kept_gb
    document["outlook"] = keys.plain(ahead.outlook)
    document["figures"] = keys.plain(ahead.figures)
    return document


def state_texts(context: Context, plan: Plan, todo: Todo) -> dict[str, str]:
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

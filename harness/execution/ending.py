"""Decide how an attempt ended: exit code 0 is not success."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from harness.errors import DiskFull, HarnessError, NotReadyError, StepError
from harness.execution.attempt import Attempt
from harness.execution.failure import Failure, ending_text
from harness.execution.faults import NO_SPACE, Fault, fault_of, find_cause
from harness.layout import StepFolder
from harness.manifest.model import RuntimeName
from harness.plan.plan import BoundStep
from harness.runtimes.runtime import Cause, Exit
from harness.store.machine import total_memory_gb
from harness.store.store import Store, snapshot

_LOG_LINES = 20

#: Describe each output of an attempt, or raise StepError; see `harness.execution.inspection`.
Inspect = Callable[[Attempt, Event], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ended: its exit with the cause found, and its outputs or its failure."""

    exit: Exit
    outputs: Mapping[str, Any] = field(default_factory=dict)
    failure: HarnessError | None = None


def ending_of(attempt: Attempt, exit_: Exit, store: Store, inspect: Inspect, stop: Event) -> Ending:
    """Describe each output if all is well; else the failure and whose fault it was."""
    step, folder = attempt.workspace.step, attempt.folder
    try:
        _refuse_changed_inputs(attempt, store)
        found = find_cause(exit_, folder.root, attempt.command.gpus, last_lines(folder.log))
        if found.cause is not Cause.DONE:
            return Ending(exit=found, failure=_failure(attempt, found))
        return Ending(exit=exit_, outputs=inspect(attempt, stop))
    except StepError as error:
        # An output may break its contract because there was no space for all of it.
        broken = Exit(cause=Cause.STEP, code=exit_.code)
        found = find_cause(broken, folder.root, (), "")
        if fault_of(found) is Fault.INFRASTRUCTURE:
            return Ending(exit=found, failure=_failure(attempt, found))
        return Ending(exit=exit_, failure=_placed(step, folder, error))
    except NotReadyError as error:
        return Ending(exit=exit_, failure=error)


def last_lines(log: Path, count: int = _LOG_LINES) -> str:
    """The end of a log, for an error message."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-count:])


def _refuse_changed_inputs(attempt: Attempt, store: Store) -> None:
    workspace, before = attempt.workspace, attempt.before
    after = snapshot(workspace.inputs.values())
    changed = sorted(path for path, state in after.items() if before.get(path) != state)
    missing = sorted(path for path in before if path not in after)
    if not changed and not missing:
        return
    for one in workspace.step.inputs.values():
        root = str(store.layout.entry(one.ref).root)
        if one.kind == "step" and any(path.startswith(root) for path in (*changed, *missing)):
            store.quarantine(one.ref)
    raise StepError(
        f"step {workspace.step.name} changed its inputs: {', '.join((changed + missing)[:3])}",
        hint="the inputs were set aside and are made again; run under an isolating runtime "
        "(docker, or process with bubblewrap)",
    )


def _placed(step: BoundStep, folder: StepFolder, error: StepError) -> StepError:
    reason, *lines = str(error).split("\n")
    if not reason.startswith("step "):
        reason = f"{step.title}: {reason}"
    failure = Failure(reason=reason, lines=tuple(lines), log=folder.log, kept=folder.root)
    return StepError(failure.text, hint=error.hint)


def _failure(attempt: Attempt, exit_: Exit) -> HarnessError:
    step, folder = attempt.workspace.step, attempt.folder
    bounded = attempt.intent.runtime != RuntimeName.PROCESS
    how = ending_text(
        exit_,
        limit_gb=step.resources.memory_gb if bounded else None,
        machine_gb=total_memory_gb(),
        hours=step.resources.time_limit_hours,
    )
    failure = Failure(
        reason=f"{step.title}: {how} [{exit_.cause}]",
        lines=tuple(last_lines(folder.log).splitlines()),
        log=folder.log,
        kept=folder.root,
    )
    if exit_.detail.startswith(NO_SPACE):
        hint = "free space (`harness gc --dry-run`), then run it again"
        return DiskFull(failure.text, hint=hint)
    return StepError(failure.text, hint=_hint(exit_, bounded=bounded))


def _hint(exit_: Exit, *, bounded: bool) -> str:
    if exit_.cause is Cause.OOM and bounded:
        return (
            "raise `memory_gb` of the step in its manifest, on a machine that has as much; "
            "the batch is never made smaller"
        )
    if exit_.cause is Cause.OOM:
        return "free memory or run fewer steps at a time (--jobs 1), then run the same command"
    if fault_of(exit_) is Fault.INFRASTRUCTURE:
        return "it was not the step's own doing; fix that, then run the same command again"
    return "read the log; the working directory was kept beside it; `harness shell` opens it"

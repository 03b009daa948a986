"""The unit of execution: lease, look into the store, run, check contracts, publish."""

import datetime as dt
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Any

from harness.core import keys
from harness.core.contract import Contract
from harness.core.layout import EntryLayout
from harness.core.plan import BoundStep
from harness.core.ports import Cause, Environment, Exit, Runtime
from harness.engine import packages, records
from harness.engine.contracts import check
from harness.engine.sources import Checkout
from harness.engine.store import Store, snapshot, write_json
from harness.engine.workspace import Workspace, inside
from harness.errors import HarnessError, Interrupted, NotReadyError, StepError

_LOG_LINES = 20


class Status(StrEnum):
    """How a step of a plan ended."""

    DONE = "done"
    CACHED = "cached"
    FAILED = "failed"
    BLOCKED = "blocked"  # a step it reads from did not finish
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One step's end, as a value; the exit code is made of all of them at the very end."""

    status: Status
    seconds: float = 0.0
    error: str | None = None
    hint: str | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """All that was fetched and built before the first step starts."""

    checkouts: Mapping[tuple[str, tuple[str, ...]], Checkout]  # (repository, patches)
    assets: Mapping[str, Path]
    environments: Mapping[tuple[str, str], Environment]  # (method, stack)


class StepRunner:
    """Executes bound steps on one runtime."""

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        ready: Ready,
        check_contract: Callable[[Contract, Path, Callable[[str], Path]], Any] = check,
    ) -> None:
        self.store, self.runtime, self.ready = store, runtime, ready
        self._check = check_contract

    def execute(self, step: BoundStep, stop: Event, gpus: tuple[str, ...] = ()) -> Outcome:
        """Bring `step` into the store. Every failure of the step comes back as an Outcome."""
        if self.store.is_done(step.key, step.outputs):
            return self._cached(step)
        try:
            with self.store.leases.hold(step.key, stop):
                if self.store.is_done(step.key, step.outputs):
                    return self._cached(step)
                return self._attempt(step, stop, gpus)
        except Interrupted as error:
            return Outcome(status=Status.INTERRUPTED, error=str(error), exit_code=130)
        except HarnessError as error:
            return Outcome(
                status=Status.FAILED, error=str(error), hint=error.hint, exit_code=error.exit_code
            )

    def _cached(self, step: BoundStep) -> Outcome:
        record = self.store.record(step.key) or {}
        return Outcome(status=Status.CACHED, seconds=record.get("time", {}).get("seconds", 0.0))

    def _attempt(self, step: BoundStep, stop: Event, gpus: tuple[str, ...]) -> Outcome:
        self.store.evict_incomplete(step.key)
        workspace = self._workspace(step)
        attempt = workspace.attempt
        environment = self.ready.environments[step.method, step.stack]
        workspace.prepare(self.runtime)
        command = workspace.command(self.runtime, environment, gpus)
        before = snapshot(workspace.inputs.values())
        started = dt.datetime.now(dt.UTC)
        exit_ = self.runtime.run(command, attempt.log, stop)
        ended = dt.datetime.now(dt.UTC)
        if exit_.cause is Cause.INTERRUPTED:
            shutil.rmtree(attempt.root, ignore_errors=True)
            raise Interrupted(f"step {step.name} stopped", hint="run the same command again")
        outputs, failure = self._judge(workspace, exit_, before)
        record = records.step_record(
            step,
            command=command,
            sources=self._sources(step),
            runtime=self.runtime.isolation(),
            started=started,
            ended=ended,
            exit_=exit_,
            outputs=outputs,
            error=str(failure) if failure else None,
        )
        write_json(attempt.record, record)
        shutil.rmtree(attempt.home, ignore_errors=True)
        if failure is not None:
            raise failure
        shutil.rmtree(attempt.work)
        self.store.publish(attempt, step.key)
        return Outcome(status=Status.DONE, seconds=record["time"]["seconds"])

    def _workspace(self, step: BoundStep) -> Workspace:
        inputs: dict[str, Path] = {}
        for name, one in step.inputs.items():
            match one.kind:
                case "step":
                    root = self.store.layout.entry(one.ref).out
                case "asset":
                    root = self.ready.assets[one.ref]
                case _:
                    root = self.ready.checkouts[one.ref, ()].path
            inputs[name] = inside(root, one)
        attempt = self.store.attempt(step.key)
        if step.repo is not None:
            self.ready.checkouts[step.repo, step.patches].copy_to(attempt.work)
        staged = packages.stage(self.store.layout, step.packages)
        return Workspace(step=step, attempt=attempt, inputs=inputs, packages=staged)

    def _judge(
        self, workspace: Workspace, exit_: Exit, before: Mapping[str, tuple[int, int]]
    ) -> tuple[dict[str, Any], HarnessError | None]:
        """Facts of each output, and the failure if there is one: exit code 0 is not success."""
        step, attempt = workspace.step, workspace.attempt
        try:
            self._refuse_changed_inputs(workspace, before)
            if exit_.cause is not Cause.DONE:
                raise _failure(step, attempt, exit_)
            facts: dict[str, Any] = {}
            for name, output in step.outputs.items():
                path = attempt.out / output.path
                found = self._check(output.contract, path, workspace.host_path)
                facts[name] = records.output_facts(path) | {"contract": found}
        except StepError as error:
            place = f"step {step.name} ({step.method}, stage {step.stage})"
            text = str(error) if str(error).startswith("step ") else f"{place}: {error}"
            return {}, StepError(
                f"{text}\nlog: {attempt.log}\nkept: {attempt.root}", hint=error.hint
            )
        except NotReadyError as error:
            return {}, error
        return facts, None

    def _refuse_changed_inputs(
        self, workspace: Workspace, before: Mapping[str, tuple[int, int]]
    ) -> None:
        changed = sorted(
            path
            for path, state in snapshot(workspace.inputs.values()).items()
            if before.get(path) != state
        )
        missing = sorted(path for path in before if not Path(path).exists())
        if not changed and not missing:
            return
        for one in workspace.step.inputs.values():
            root = str(self.store.layout.entry(one.ref).root)
            if one.kind == "step" and any(path.startswith(root) for path in (*changed, *missing)):
                self.store.quarantine(one.ref)
        raise StepError(
            f"step {workspace.step.name} changed its inputs: {', '.join((changed + missing)[:3])}",
            hint="the inputs were set aside and are made again; run under an isolating runtime "
            "(docker, or process with bubblewrap)",
        )

    def _sources(self, step: BoundStep) -> dict[str, Any]:
        wanted = [(step.repo, step.patches)] if step.repo else []
        wanted += [(one.ref, ()) for one in step.inputs.values() if one.kind == "repo"]
        return {
            f"{name}+{'+'.join(patches)}" if patches else name: self._source(name, patches)
            for name, patches in wanted
        }

    def _source(self, name: str, patches: tuple[str, ...]) -> dict[str, Any]:
        checkout = self.ready.checkouts[name, patches]
        identity: dict[str, Any] = keys.plain(checkout.identity)
        return identity | {"tree": checkout.tree, "missing": list(checkout.missing)}


def last_lines(log: Path, count: int = _LOG_LINES) -> str:
    """The end of a log, for an error message."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-count:])


def read_scores(entry: EntryLayout, path: str) -> dict[str, float]:
    """{"J", "F", "JF"} in percent, as a scoring step wrote them."""
    scores: dict[str, float] = json.loads((entry.out / path).read_text())["scores"]
    return scores


def _failure(step: BoundStep, attempt: EntryLayout, exit_: Exit) -> StepError:
    how = {
        Cause.STEP: f"exit code {exit_.code}",
        Cause.SIGNAL: f"killed by {exit_.signal}",
        Cause.OOM: "out of memory",
        Cause.TIMEOUT: f"ran past its limit of {step.resources.time_limit_hours:g} hours",
        Cause.INFRASTRUCTURE: f"infrastructure fault: {exit_.detail}",
    }.get(exit_.cause, exit_.cause.value)
    lines = last_lines(attempt.log)
    text = f"step {step.name} ({step.method}, stage {step.stage}): {how} [{exit_.cause}]"
    return StepError(
        f"{text}\n{lines}" if lines else text,
        hint="read the log; the working directory was kept beside it",
    )

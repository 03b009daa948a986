"""Attempt a step: publish, follow or remove what came before, else start anew."""

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from harness.contracts.failure import WARNINGS
from harness.errors import (
    Cancelled,
    DiskFull,
    EngineGone,
    Interrupted,
    LeftRunning,
    NotReadyError,
    StepError,
)
from harness.execution import shards
from harness.execution.attempt import Attempt
from harness.execution.ending import Ending, Inspect, ending_of
from harness.execution.faults import (
    Fault,
    Faulty,
    Retries,
    engine_fault,
    fault_of,
    storage_fault,
)
from harness.execution.gpu_memory import GpuMemoryPeak
from harness.execution.outcome import Outcome, Ready, Status
from harness.execution.stopping import StepStop
from harness.execution.surroundings import about
from harness.execution.workspace import Workspace
from harness.files import remove_tree
from harness.layout import StepFolder
from harness.plan.plan import BoundStep
from harness.runtimes.runtime import Cause, Command, Exit, Runtime
from harness.store import records
from harness.store.intent import Intent, execution_name, read_intent
from harness.store.restore import differing, put_back
from harness.store.store import Store
from harness.store.verification import Verifier, stamp
from harness.terminal import readable

_logger = logging.getLogger(__name__)
_Ended = TypeVar("_Ended", Exit, Exit | None)
#: Ends that a signal may have caused which came to all processes of a job at once: a cluster ends
#: jobs so, and the step may be quicker than harness, which is asked to stop as well.
_FAILED = {Cause.SIGNAL, Cause.STEP, Cause.INFRASTRUCTURE}
_TOGETHER_SECONDS = 0.5
Labels = Callable[[BoundStep], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Makes attempts at steps, under their leases."""

    store: Store
    runtime: Runtime
    ready: Ready
    inspect: Inspect
    verifier: Verifier
    retries: Retries
    labels: Labels
    notify: Callable[[str], None]

    def once(
        self, step: BoundStep, stop: StepStop, gpus: tuple[str, ...], faults: Sequence[Exit]
    ) -> Outcome:
        """Attempt the step after these `faults`. Raises Faulty for another, else HarnessError."""
        try:
            self._set_damaged_aside(step)
            return (
                self._publish_left(step, stop)
                or self._resume(step, stop, faults)
                or self._start(step, stop, gpus, faults)
            )
        except EngineGone as error:
            raise engine_fault(error) from error
        except OSError as error:
            fault = storage_fault(error, step.title)
            if fault is None:
                raise
            raise fault from error

    def _set_damaged_aside(self, step: BoundStep) -> None:
        aside = self.store.evict_unrecorded(step.key)
        if aside is not None:
            self.notify(f"{step.title} runs again, its record cannot be read: moved to {aside}")

    def _publish_left(self, step: BoundStep, stop: StepStop) -> Outcome | None:
        """Publish a good attempt of a harness that could not publish it, for want of disk space."""
        for attempt in self.store.attempts(step.key):
            record = self.store.record_of(attempt)
            if record is None or record["status"] != "done":
                continue
            whole = all((attempt.out / one.path).exists() for one in step.outputs.values())
            if whole and self.verifier.damage_of(attempt, stop=stop) is None:
                return self._publish(step, attempt, record, stop)
            remove_tree(attempt.root, quiet=True)
        return None

    def _resume(self, step: BoundStep, stop: StepStop, faults: Sequence[Exit]) -> Outcome | None:
        """Follow what a dead harness left running, or read its end; clear away what is dead."""
        unsettled = [
            one for one in self.store.attempts(step.key) if self.store.record_of(one) is None
        ]
        there = {one.name for one in self.runtime.survivors()} if unsettled else set()
        for folder in unsettled:
            intent = read_intent(folder)
            if intent is not None and intent.runtime != self.runtime.name:
                self.notify(f"{step.title}: {folder.root} may still run under {intent.runtime}")
                continue
            known = intent is not None and intent.name in there
            attempt = self._taken_up(step, folder, intent) if intent and known else None
            exit_ = attempt and self._watched(attempt, self.runtime.attach, stop)
            if attempt and exit_:
                return self._settle(attempt, exit_, stop, faults)
            if intent is None or intent.owner.is_on_machine_of(self.store.leases.owner):
                self.runtime.discard(execution_name(folder.root))
                remove_tree(folder.root, quiet=True)
        return None

    def _taken_up(self, step: BoundStep, folder: StepFolder, intent: Intent) -> Attempt | None:
        workspace = self._workspace(step, folder)
        command = workspace.command(self.runtime, self.ready.environment(step), intent.gpus)
        attempt = Attempt.resume(workspace, command, intent)
        if attempt is not None:
            self.notify(f"{step.title}: following {intent.name}, which {intent.owner} started")
        return attempt

    def _start(
        self, step: BoundStep, stop: StepStop, gpus: tuple[str, ...], faults: Sequence[Exit]
    ) -> Outcome:
        self._refuse_damaged(step, stop)
        workspace = self._workspace(step, self.store.attempt(step.key))
        self.ready.copy_source(step, workspace.attempt.work)
        workspace.prepare(self.runtime)
        attempt = Attempt.begin(
            workspace,
            workspace.command(self.runtime, self.ready.environment(step), gpus),
            runtime=self.runtime.name,
            started=dt.datetime.now(dt.UTC).isoformat(),
            owner=self.store.leases.owner,
        )
        merged = shards.merge(self.store, step, attempt.folder)
        exit_ = merged or self._watched(attempt, self.runtime.run, stop)
        return self._settle(attempt, exit_, stop, faults)

    @staticmethod
    def _watched(
        attempt: Attempt, follow: Callable[[Command, Path, Event], _Ended], stop: Event
    ) -> _Ended:
        """Follow an execution to its end, with an eye on its GPUs."""
        with GpuMemoryPeak(attempt.command.gpus) as memory:
            exit_ = follow(attempt.command, attempt.folder.log, stop)
        if exit_ is None:
            return exit_
        if exit_.cause in _FAILED and not exit_.lost and stop.wait(_TOGETHER_SECONDS):
            exit_ = replace(exit_, cause=Cause.INTERRUPTED)
        return replace(exit_, peak_gpu_memory_gb=memory.gb)

    def _refuse_damaged(self, step: BoundStep, stop: StepStop) -> None:
        """Verify what the step is about to read. Raises StepError after moving it aside."""
        read = [(one.ref, one.path) for one in step.inputs.values() if one.kind == "step"]
        read += [(key, ".") for key in shards.finished_shards(self.store, step)]
        for key, path in read:
            damage = self.verifier.damage(key, path, stop)
            if damage is not None:
                with self.store.leases.try_hold(key) as held:
                    aside = self.store.quarantine(key) if held else "nowhere yet"
                raise StepError(
                    f"{step.title} would read a damaged file: {damage}\nmoved to: {aside}",
                    hint="run the same command again: the damaged output is made again",
                )

    def _workspace(self, step: BoundStep, attempt: StepFolder) -> Workspace:
        return self.ready.workspace(step, attempt, self.store.layout, self.labels(step))

    def _settle(
        self, attempt: Attempt, exit_: Exit, stop: StepStop, faults: Sequence[Exit]
    ) -> Outcome:
        """Record how it ended; publish what is good, raise what is not."""
        step, folder = attempt.workspace.step, attempt.folder
        if exit_.cause is Cause.INTERRUPTED:
            raise self._interrupted(attempt, exit_, stop)
        if exit_.lost:
            hint = "start the engine and run the same command again: it follows what still runs"
            raise Faulty(exit_, EngineGone(f"{step.title}: {exit_.detail}", hint=hint))
        if faults and faults[-1].lost and exit_.cause in {Cause.STEP, Cause.SIGNAL}:
            exit_ = replace(exit_, cause=Cause.INFRASTRUCTURE, detail=faults[-1].detail)
        ending = ending_of(attempt, exit_, self.store, self.inspect, stop)
        remove_tree(folder.home, quiet=True)
        if isinstance(ending.failure, DiskFull):  # its half outputs take the record's space
            strip(folder)
        record = self._record(attempt, ending, faults)
        self._stored(step, stop, lambda: self._write_down(folder, record, ending))
        folder.intent.unlink()
        if ending.failure is None:
            self._warn(step, ending)
            return self._publish(step, folder, record, stop)
        self._discard(folder)
        if fault_of(ending.exit) is Fault.INFRASTRUCTURE:
            raise Faulty(ending.exit, ending.failure, kept=folder)
        raise ending.failure

    def _warn(self, step: BoundStep, ending: Ending) -> None:
        for name, output in ending.outputs.items():
            for text in output["contract"].get(WARNINGS, ()):
                self.notify(readable(f"{step.title}: output {name}: {text}"))

    @staticmethod
    def _write_down(folder: StepFolder, record: dict[str, Any], ending: Ending) -> None:
        written = records.write_record(folder.record, record)
        if ending.failure is not None:
            return
        marks = {name: one["fingerprint"] for name, one in ending.outputs.items()}
        stamp(folder, written, marks)

    def _interrupted(self, attempt: Attempt, exit_: Exit, stop: StepStop) -> Interrupted:
        step = attempt.workspace.step
        if exit_.lost and not stop.cancelled:
            return LeftRunning(
                f"{step.title} runs on as {attempt.intent.name}",
                hint="the same command follows it; `harness cancel` ends it",
            )
        self._discard(attempt.folder)
        remove_tree(attempt.folder.root, quiet=True)
        return stopped(step, stop)

    def _record(self, attempt: Attempt, ending: Ending, faults: Sequence[Exit]) -> dict[str, Any]:
        step = attempt.workspace.step
        tried = {
            "number": len(faults) + 1,
            "earlier": [{"cause": f.cause.value, "detail": f.detail} for f in faults],
            "reattached": attempt.intent.reattached,
            "owner": asdict(attempt.intent.owner),
        }
        record = records.step_record(
            step,
            command=attempt.command,
            sources=self.ready.sources(step),
            runtime=self.runtime.isolation(),
            about=about(self.ready, attempt),
            started=dt.datetime.fromisoformat(attempt.intent.started),
            ended=dt.datetime.now(dt.UTC),
            exit_=ending.exit,
            fault=fault_of(ending.exit),
            attempt=tried,
            outputs={
                name: {what: said for what, said in one.items() if what != "fingerprint"}
                for name, one in ending.outputs.items()
            },
            error=str(ending.failure) if ending.failure else None,
        )
        return shards.with_shards(record, attempt.folder)

    def _publish(
        self, step: BoundStep, attempt: StepFolder, record: Mapping[str, Any], stop: StepStop
    ) -> Outcome:
        remove_tree(attempt.work, quiet=True)
        if self._stored(step, stop, lambda: put_back(self.store, step, attempt, record)):
            self._discard(attempt)
            changed = differing(self.store.record(step.key))
            return Outcome(status=Status.DONE, seconds=record["time"]["seconds"], remade=changed)
        if self._stored(step, stop, lambda: self.store.publish(attempt, step.key)):
            self._discard(attempt)
        else:  # a host that was thought lost was quicker
            self._discard(attempt)
            records.write_record(attempt.record, {**record, "status": "discarded"})
            strip(attempt)
        return Outcome(status=Status.DONE, seconds=record["time"]["seconds"])

    def _stored(
        self, step: BoundStep, stop: StepStop, act: Callable[[], bool | None]
    ) -> bool | None:
        """Write to disk; if the disk refuses, try again within the limit, but run nothing again."""
        faults: list[Exit] = []
        while True:
            try:
                return act()
            except OSError as error:
                fault = storage_fault(error, f"publishing {step.title}", final=True)
                if fault is None:
                    raise
                faults.append(fault.exit)
                if not self.retries.allow(faults):
                    raise fault from error
                pause = self.retries.wait(faults)
                self.notify(f"{fault.error}; trying again in {pause:g} s")
                if stop.wait(pause):
                    raise stopped(step, stop) from error

    def _discard(self, attempt: StepFolder) -> None:
        """Forget an execution whose end was read; what an engine keeps for now, gc removes."""
        try:
            self.runtime.discard(execution_name(attempt.root))
        except NotReadyError as error:
            self.notify(str(error))


def strip(attempt: StepFolder) -> None:
    """Keep nothing of a settled attempt but its record and its log."""
    for folder in (attempt.work, attempt.out, attempt.home):
        remove_tree(folder, quiet=True)


def stopped(step: BoundStep, stop: StepStop) -> Interrupted:
    """The message for a step that had to stop."""
    if stop.cancelled:
        return Cancelled(f"{step.title} was cancelled", hint="run the command again to go on")
    return Interrupted(f"{step.title} stopped", hint="run the same command again")

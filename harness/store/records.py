"""One JSON record per step attempt and per run: what happened, with what, on what."""

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness import __version__
from harness.files import read_sealed, write_sealed
from harness.plan import keys
from harness.plan.plan import BoundStep, PlannedRun
from harness.runtimes.runtime import Command, Exit
from harness.store.machine import describe_machine

SCHEMA = 3
_KEPT_IN_MEMORY = 8192
#: Values of these variables do not affect a result and may be private.
_PRIVATE = ("TOKEN", "SECRET", "PASSWORD", "KEY")


def step_record(  # noqa: PLR0913 - a record is the one place where all of this meets
    step: BoundStep,
    *,
    command: Command,
    sources: Mapping[str, Any],
    runtime: Mapping[str, object],
    started: dt.datetime,
    ended: dt.datetime,
    exit_: Exit,
    fault: str | None,
    attempt: Mapping[str, Any],
    outputs: Mapping[str, Any],
    error: str | None,
) -> dict[str, Any]:
    """The record of one attempt."""
    status = "done" if error is None else "failed"
    return {
        "schema": SCHEMA,
        "harness": __version__,
        "identity": {
            "step": step.name,
            "stage": step.stage,
            "method": step.method,
            "stack": step.stack,
            "scale": step.scale.value,
            "key": step.key,
            "key_inputs": step.key_inputs,
            "parents": list(step.parents),
            **({"shard": keys.plain(step.shard)} if step.shard else {}),
        },
        "sources": sources,
        "command": {
            "argv": list(command.argv),
            "cwd": str(command.cwd),
            "env": _masked(command.env),
            "threads": step.threads,
            "workers": step.workers,
        },
        "seed": step.seed,
        "environment": {"id": command.environment.id, **command.environment.probe},
        "runtime": dict(runtime),
        "container": {
            "name": command.name,
            "mounts": [{"target": str(m.target), "writable": m.writable} for m in command.mounts],
            "gpus": list(command.gpus),
            "resources": keys.plain(command.resources),
        },
        "host": describe_machine(),
        "time": {
            "start": started.isoformat(),
            "end": ended.isoformat(),
            "seconds": round((ended - started).total_seconds(), 3),
        },
        "exit": {
            "cause": exit_.cause.value,
            "code": exit_.code,
            "signal": exit_.signal,
            "detail": exit_.detail,
            "fault": fault,
        },
        "attempt": dict(attempt),
        "status": status,
        "error": error,
        "outputs": outputs,
    }


def run_record(
    planned: PlannedRun,
    status: str,
    steps: Mapping[str, Any],
    scores: Mapping[str, Any],
    scored_by: Mapping[str, str],
) -> dict[str, Any]:
    """The record of one run; `scores`, and the steps that gave them, by label (cam, final ...)."""
    return {
        "schema": SCHEMA,
        "harness": __version__,
        "run": keys.plain(planned.run),
        "id": planned.run.id,
        "status": status,
        "steps": steps,
        "scores": scores,
        "scored_by": scored_by,
    }


def write_record(file: Path, record: Mapping[str, Any]) -> None:
    """Write a step or run record, sealed."""
    write_sealed(file, keys.plain(record))


def read_record(file: Path) -> Mapping[str, Any] | None:
    """A record; None if there is none. Raises DamagedFile if it is not as it was written."""
    try:
        state = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _read(file, state.st_ino, state.st_mtime_ns, state.st_ctime_ns)


@lru_cache(_KEPT_IN_MEMORY)
def _read(file: Path, inode: int, written_ns: int, changed_ns: int) -> Mapping[str, Any] | None:
    del inode, written_ns, changed_ns  # they make an unchanged file known
    return read_sealed(file)


def _masked(env: Mapping[str, str]) -> dict[str, str]:
    return {
        name: "***" if any(word in name.upper() for word in _PRIVATE) else value
        for name, value in env.items()
    }

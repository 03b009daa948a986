"""One JSON record per step attempt and per run: what happened, with what, on what."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import __version__
from harness.plan import keys
from harness.plan.plan import BoundStep, PlannedRun
from harness.runtimes.runtime import Command, Exit
from harness.store.machine import describe_machine

SCHEMA = 2
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
    planned: PlannedRun, status: str, steps: Mapping[str, Any], scores: Mapping[str, Any]
) -> dict[str, Any]:
    """The record of one run; `scores` by label (cam, pseudo, final ...)."""
    return {
        "schema": SCHEMA,
        "harness": __version__,
        "run": keys.plain(planned.run),
        "id": planned.run.id,
        "status": status,
        "steps": steps,
        "scores": scores,
    }


def describe_output(path: Path) -> dict[str, Any]:
    """Files, bytes and one sha256 of an output (of a folder: over names and file hashes)."""
    if path.is_file():
        return {"files": 1, "bytes": path.stat().st_size, "sha256": file_hash(path)}
    files = sorted(p for p in path.rglob("*") if p.is_file())
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(path).as_posix()}\0{file_hash(file)}\n".encode())
    size = sum(file.stat().st_size for file in files)
    return {"files": len(files), "bytes": size, "sha256": total.hexdigest()}


def file_hash(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _masked(env: Mapping[str, str]) -> dict[str, str]:
    return {
        name: "***" if any(word in name.upper() for word in _PRIVATE) else value
        for name, value in env.items()
    }

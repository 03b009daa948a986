"""One JSON record per step attempt and per run: what happened, with what, on what."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness import __version__
from harness.files import DamagedFile, read_sealed, write_sealed
from harness.plan import keys
from harness.plan.plan import BoundStep, PlannedRun
from harness.runtimes.runtime import Command, Exit
from harness.store.machine import describe_machine

SCHEMA = 4
_KEPT_IN_MEMORY = 8192
#: Values of these variables do not affect a result and may be private.
_PRIVATE = ("TOKEN", "SECRET", "PASSWORD", "KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a step record says of the surroundings of an attempt."""

    code: Mapping[str, Any] = field(default_factory=dict)  # `commit` and `dirty` of harness
    data: Mapping[str, Any] = field(default_factory=dict)  # by asset: sha256, files, bytes
    gpus: Sequence[Mapping[str, Any]] = ()  # the cards the step was given
    file_system: str | None = None  # of its working directory
    log: Mapping[str, Any] | None = None  # sha256 and bytes


def step_record(  # noqa: PLR0913 - a record is the one place where all of this meets
    step: BoundStep,
    *,
    command: Command,
    sources: Mapping[str, Any],
    runtime: Mapping[str, object],
    about: About,
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
        "code": dict(about.code),
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
        "asked": _asked(command.labels),
        "sources": sources,
        "data": about.data,
        "command": {
            "argv": list(command.argv),
            "cwd": str(command.cwd),
            "env": _masked(command.env),
            "threads": step.threads,
            "workers": step.workers,
        },
        "seed": step.seed,
        "determinism": determinism(command.env),
        "environment": {"id": command.environment.id, **command.environment.probe},
        "runtime": dict(runtime),
        "container": {
            "name": command.name,
            "mounts": [{"target": str(m.target), "writable": m.writable} for m in command.mounts],
            "gpus": list(command.gpus),
            "resources": keys.plain(command.resources),
        },
        "gpus": list(about.gpus),
        "host": {**describe_machine(), "file_system": about.file_system},
        "time": {
            "start": started.isoformat(),
            "end": ended.isoformat(),
            "seconds": round((ended - started).total_seconds(), 3),
        },
        "use": {
            "peak_memory_gb": exit_.peak_memory_gb,
            "peak_gpu_memory_gb": exit_.peak_gpu_memory_gb,
        },
        "log": about.log,
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


def determinism(env: Mapping[str, str]) -> dict[str, Any]:
    """What `harness.site` sets before a step's first line; a script may set it otherwise later."""
    return {
        "python_hash_seed": env.get("PYTHONHASHSEED"),
        "cudnn_deterministic": True,
        "cudnn_benchmark": False,
        "cudnn_tf32": True,
        "matmul_tf32": env.get("HARNESS_TF32") == "1",
        "cublas_workspace": env.get("CUBLAS_WORKSPACE_CONFIG"),
        "cpu_capability": env.get("ATEN_CPU_CAPABILITY"),
    }


def made_by(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """For a run record: for which run, when and where a step really ran; None without a record."""
    if record is None:
        return None
    asked = record.get("asked", {})  # records before schema 4 do not say
    times = {name: record["time"][name] for name in ("start", "end")}
    return {
        "run": asked.get("run"),
        "plan": asked.get("plan"),
        "host": record["host"]["name"],
    } | times


def run_record(
    planned: PlannedRun,
    status: str,
    steps: Mapping[str, Any],
    scores: Mapping[str, Any],
    scored_by: Mapping[str, str],
    *,
    plan: str,
) -> dict[str, Any]:
    """The record of one run; `scores`, and the steps that gave them, by label (cam, final ...).

    `code` is still to be added: to find it out takes longer than all the rest.
    """
    return {
        "schema": SCHEMA,
        "harness": __version__,
        "plan": plan,
        "run": keys.plain(planned.run),
        "id": planned.run.id,
        "status": status,
        "steps": steps,
        "scores": scores,
        "scored_by": scored_by,
    }


def tells(file: Path, record: Mapping[str, Any]) -> bool:
    """Whether the run record in a file says the same as this one, by whatever harness."""
    try:
        found = read_record(file)
    except DamagedFile:
        return False
    by = {"harness": None, "code": None}
    return found is not None and {**found, **by} == {**keys.plain(record), **by}


def write_record(file: Path, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write a step or run record, sealed; what a reader of it finds."""
    written: dict[str, Any] = keys.plain(record)
    write_sealed(file, written)
    return written


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


def _asked(labels: Mapping[str, str]) -> dict[str, str | None]:
    """The plan for which a step ran, and the first of its runs that share the step."""
    return {name: labels.get(f"harness.{name}") for name in ("plan", "run")}


def _masked(env: Mapping[str, str]) -> dict[str, str]:
    return {
        name: "***" if any(word in name.upper() for word in _PRIVATE) else value
        for name, value in env.items()
    }

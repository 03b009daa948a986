"""What a record says of the surroundings of an attempt: data, GPUs, file system, log."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.assets.hashing import file_digest
from harness.errors import NotReadyError
from harness.execution.attempt import Attempt
from harness.execution.outcome import Ready
from harness.plan.plan import BoundStep
from harness.store.machine import file_system
from harness.store.records import About
from harness.store.store import snapshot

_PLACES_KEPT = 256


def about(ready: Ready, attempt: Attempt) -> About:
    """The surroundings of an attempt whose end was read."""
    return About(
        code=ready.code,
        data=data_of(attempt.workspace.step, ready.assets),
        gpus=cards(attempt.command.gpus),
        file_system=file_system(attempt.folder.root.parent),  # looked up once for all attempts
        log=_described(attempt.folder.log),
    )


def data_of(step: BoundStep, places: Mapping[str, Path]) -> dict[str, Any]:
    """By asset that the step reads: its digest, and how many files and bytes it has here."""
    read = {
        one.ref: step.key_inputs["inputs"][name]["asset"]
        for name, one in step.inputs.items()
        if one.kind == "asset"
    }
    return {name: {"sha256": digest, **_size(places[name])} for name, digest in read.items()}


def cards(uuids: Sequence[str]) -> list[dict[str, Any]]:
    """The GPUs of these UUIDs as the driver reports them; by UUID alone if it does not."""
    from harness.gpus.nvml import Nvml

    if not uuids:
        return []
    try:
        known = {gpu.uuid: gpu for gpu in Nvml().gpus()}
    except NotReadyError:  # it may be what ended the step, whose record says so
        known = {}
    return [
        {
            "uuid": uuid,
            "name": known[uuid].name,
            "memory_gb": round(known[uuid].memory_gb, 1),
            "capability": "{}.{}".format(*known[uuid].capability),
            "driver": known[uuid].driver,
        }
        if uuid in known
        else {"uuid": uuid}
        for uuid in uuids
    ]


@lru_cache(_PLACES_KEPT)
def _size(place: Path) -> Mapping[str, int]:
    """Files and bytes at and below a place, counted once: data sets have many files."""
    sizes = [size for size, _ in snapshot([place]).values()]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _described(log: Path) -> dict[str, Any] | None:
    if not log.is_file():
        return None
    return {"sha256": file_digest(log), "bytes": log.stat().st_size}

"""Split a step into shards, give each its share of the lists, merge their outputs.

A shard is a step like any other, with a key of its own: it has its own lease, attempts and entry in
the store, and its outputs are checked against its own ids. `runs/shards/<key>.json` records the
shards of a step. Once all shards of one split are finished, executing the step merges them.
"""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import StepError
from harness.files import write_json
from harness.layout import StepFolder
from harness.manifest.placeholders import fill, placeholders
from harness.plan.plan import BoundStep
from harness.plan.split import cut, lists, split
from harness.readers.id_lists import ListError, read_entries, read_ids
from harness.runtimes.runtime import Cause, Exit
from harness.sources.worktree import copy_writable
from harness.store.split_record import note_split, splits
from harness.store.store import Store

#: What file systems answer that have no hard links, or not these.
_NO_LINKS = {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}


def split_step(
    store: Store, step: BoundStep, inputs: Mapping[str, Path], count: int
) -> tuple[BoundStep, ...]:
    """The shards to run before the step is merged, written down; none if there is nothing to split.

    Raises StepError if a list cannot be read, or if the step's lists name different ids.
    """
    if count == 1 or step.shards is None or finished_shards(store, step):
        return ()
    found = {template: _read_ids(step, template, inputs) for template in lists(step)}
    ids = found[step.shards.by]
    for template, others in found.items():
        if set(others) != set(ids):
            raise StepError(
                f"{step.title}: {template} names other ids than {step.shards.by}, by which it is "
                f"split: {', '.join(sorted(set(others) ^ set(ids))[:3])}",
                hint="run it without --shards, or fix `shards` in the method's manifest",
            )
    shards = split(step, ids, count)
    if shards:
        note_split(store.layout, step.key, [shard.key for shard in shards])
    return shards


def cut_inputs(step: BoundStep, attempt: StepFolder, inputs: Mapping[str, Path]) -> dict[str, Path]:
    """The inputs of a shard: those that hold lists are copies with its share of the lists."""
    assert step.shard is not None
    copies = {_input_of(template): attempt.lists / _input_of(template) for template in lists(step)}
    fresh = {name: path for name, path in copies.items() if not path.exists()}
    for name, copy in fresh.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        _copy(inputs[name], copy)
    for template in lists(step):
        if _input_of(template) in fresh:
            entries = read_entries(_place(template, inputs))
            path = _place(template, copies)
            path.unlink()
            path.write_text(cut(entries, step.shard.ids), "utf-8", "surrogateescape")
    return {**inputs, **copies}


def finished_shards(store: Store, step: BoundStep) -> tuple[str, ...]:
    """Keys of the shards of the newest split that is finished; none if there is none."""
    for keys in reversed(splits(store.layout, step.key)):
        if all(store.has(key, step.outputs) for key in keys):
            return keys
    return ()


def merge(store: Store, step: BoundStep, attempt: StepFolder) -> Exit | None:
    """Merge the outputs of finished shards, as if the step had written them; None without shards.

    Raises StepError if two shards wrote the same file.
    """
    keys = finished_shards(store, step)
    if step.shard is not None or not keys:
        return None
    with attempt.log.open("wb") as log:
        for key in keys:
            shard = store.layout.entry(key)
            for output in step.outputs.values():
                _link_tree(shard.out / output.path, attempt.out / output.path, step)
            log.write(f"--- shard {key[:16]}\n".encode())
            with shard.log.open("rb") as text:
                shutil.copyfileobj(text, log)
    write_json(attempt.merged, [_about(store.record(key) or {}) for key in keys])
    return Exit(cause=Cause.DONE, code=0)


def with_shards(record: dict[str, Any], attempt: StepFolder) -> dict[str, Any]:
    """The record with the shards that the attempt merged, if it merged any."""
    if not attempt.merged.exists():
        return record
    shards: list[dict[str, Any]] = json.loads(attempt.merged.read_text())
    time = record["time"]
    seconds = time["seconds"] + sum(shard["time"]["seconds"] for shard in shards)
    start = min(shard["time"]["start"] for shard in shards)
    return {
        **record,
        "time": {**time, "start": start, "seconds": round(seconds, 3)},
        "shards": shards,
    }


def _about(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": record["identity"]["key"],
        "ids": record["identity"]["shard"]["ids"],
        "time": record["time"],
        "host": record["host"]["name"],
        "gpus": record["container"]["gpus"],
    }


def _read_ids(step: BoundStep, template: str, inputs: Mapping[str, Path]) -> tuple[str, ...]:
    path = _place(template, inputs)
    try:
        return read_ids(path)
    except ListError as error:
        raise StepError(
            f"{step.title}: {template} cannot be split: {error}",
            hint="`shards.by` names a list of ids among the step's inputs",
        ) from error


def _place(template: str, inputs: Mapping[str, Path]) -> Path:
    return Path(fill(template, {f"in.{name}": str(path) for name, path in inputs.items()}.get))


def _input_of(template: str) -> str:
    """`lines` of `{in.lines}/trainaug.txt`."""
    return placeholders(template)[0].removeprefix("in.")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        copy_writable(source, target)
    else:
        shutil.copyfile(source, target)


def _link_tree(source: Path, target: Path, step: BoundStep) -> None:
    """Link every file below `source`, or copy it where links cannot be; shards stay whole."""
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir() and not path.is_symlink():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            raise StepError(
                f"{step.title}: two shards wrote {place.relative_to(target)}",
                hint="`shards` is for steps of one file per id; fix it in the method's manifest",
            )
        _link(path, place)


def _link(path: Path, place: Path) -> None:
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copy2(path, place, follow_symlinks=False)

"""Restore dropped outputs: only missing ones; what is there is not touched.

Others may be reading the outputs that stayed. So the entry is not replaced; its missing outputs are
moved into it, and its record notes when that was and whether the content is as before.
"""

import os
from collections.abc import Mapping
from typing import Any

from harness.files import remove_tree, sync_tree
from harness.layout import StepFolder
from harness.plan.plan import BoundStep
from harness.store.records import write_record
from harness.store.store import Store


def put_back(store: Store, step: BoundStep, attempt: StepFolder, record: Mapping[str, Any]) -> bool:
    """Move an entry's missing outputs into it from a good attempt; False if none is missing.

    False, too, if there is no entry. Call it under the key's lease.
    """
    entry = store.layout.entry(step.key)
    before = store.record(step.key)
    missing = [n for n, output in step.outputs.items() if not (entry.out / output.path).exists()]
    if before is None or not missing:
        return False
    sync_tree(attempt.out)
    # The record first: killed in between, outputs are still missing and are made once more.
    write_record(entry.record, _noted(before, record, missing))
    for name in missing:
        place = entry.out / step.outputs[name].path
        place.parent.mkdir(parents=True, exist_ok=True)
        os.rename(attempt.out / step.outputs[name].path, place)
    remove_tree(attempt.root)
    return True


def differing(record: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Outputs whose content was another when they were last made again."""
    remade = (record or {}).get("remade", [])
    outputs = remade[-1]["outputs"] if remade else {}
    return tuple(name for name, one in outputs.items() if one["before"] != one["after"])


def _noted(
    before: Mapping[str, Any], after: Mapping[str, Any], missing: list[str]
) -> dict[str, Any]:
    outputs = {
        name: {
            "before": output["sha256"],
            "after": after["outputs"][name]["sha256"],
            "put_back": name in missing,
        }
        for name, output in before["outputs"].items()
    }
    note = {
        "time": after["time"],
        "host": after["host"]["name"],
        "gpus": after["container"]["gpus"],
        "runtime": after["runtime"],
        "outputs": outputs,
    }
    outputs_now = {**before["outputs"], **{name: after["outputs"][name] for name in missing}}
    return {**before, "outputs": outputs_now, "remade": [*before.get("remade", []), note]}

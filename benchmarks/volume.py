"""What harness adds to the steps of the seven rows at the paper's volume.

Each step is leased, attempted, checked, hashed, flushed and published as ever, under its own
contracts, and what nobody reads any more is dropped as ever. Only computing is left out: drawn
outputs take the place of what a step would write.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from pydantic import TypeAdapter

from harness.contracts import content
from harness.contracts.confined import CONFINED
from harness.contracts.outputs import Declared, inspect_outputs
from harness.execution.keeper import Keeper
from harness.execution.outcome import Status
from harness.execution.runner import StepRunner
from harness.execution.shards import split_step
from harness.files import remove_tree, sync_tree
from harness.layout import RunLayout
from harness.manifest.contract import Contract
from harness.manifest.load import method_names
from harness.plan.plan import BoundStep
from harness.store.store import Store

from .drawn_outputs import Output, draw
from .drawn_steps import (
    PROJECT,
    TRAINAUG,
    Drawing,
    Ids,
    draw_data,
    draw_ids,
    drawing_process,
    paper_plan,
    ready,
)
from .peak import Peak

_QUICK = 300  # images
_SHARDS = 8
_SHARDED = {("seam", "infer-aff"), ("spatial-bce", "cam-phase1")}  # measured in shards too


def steps(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Go through every step of the seven rows with losses isl+fsl; yield one row each."""
    ids = draw_ids(_QUICK if quick else TRAINAUG)
    with tempfile.TemporaryDirectory() as name, drawing_process() as pool:
        pool.submit(draw_data, Path(name), ids).result()
        _start_reader()
        for method in method_names(PROJECT):
            if method != "demo":
                yield from _steps_of(method, Path(name), ids, pool)
    CONFINED.close()


def _steps_of(
    method: str, base: Path, ids: Ids, pool: ProcessPoolExecutor
) -> Iterator[dict[str, Any]]:
    """The steps of one method in a store of their own."""
    with tempfile.TemporaryDirectory(dir=base) as name:
        plan = paper_plan(method)
        store, drawing = Store(RunLayout(Path(name))), Drawing(pool, Path(name) / "drawn", ids)
        bench = _Bench(Keeper(store, plan), StepRunner(store, drawing, ready(base, plan)), drawing)
        with bench.keeper.registered():
            for step in plan.steps.values():
                if (method, step.name) in _SHARDED:
                    inputs = ready(base, plan).inputs(step, store.layout)
                    yield bench.measured(step, split_step(store, step, inputs, _SHARDS))
                    remove_tree(store.layout.entry(step.key).root)
                yield bench.measured(step)


@dataclass(frozen=True, slots=True)
class _Bench:
    """Executes steps and measures what that takes beside drawing."""

    keeper: Keeper
    runner: StepRunner
    drawing: Drawing

    def measured(self, step: BoundStep, shards: tuple[BoundStep, ...] = ()) -> dict[str, Any]:
        """Execute the step, after its shards if there are any, and drop what may go."""
        drawn = self.drawing.seconds
        with Peak() as peak:
            start = time.perf_counter()
            for one in (*shards, step):
                self._execute(one)
            self.keeper.sweep()
            seconds = time.perf_counter() - start - (self.drawing.seconds - drawn)
        record = self.runner.store.record(step.key)
        assert record is not None
        return {
            "step": f"{step.method} {step.name}",
            "shards": len(shards),
            "hours": step.resources.hours,
            "files": sum(one["files"] for one in record["outputs"].values()),
            "bytes": sum(one["bytes"] for one in record["outputs"].values()),
            "seconds": seconds,
            "processor_seconds": peak.seconds,
            "share": seconds / (3600 * step.resources.hours),
            "harness_bytes": peak.own_bytes,
            "reader_bytes": peak.reader_bytes,
        }

    def _execute(self, step: BoundStep) -> None:
        self.drawing.step = step
        outcome = self.runner.execute(step, Event())
        assert outcome.status is Status.DONE, outcome.error


def kinds(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Check, flush, hash and remove outputs of each kind that steps write; yield one row each."""
    count = _QUICK if quick else TRAINAUG
    _start_reader()
    with drawing_process() as pool:
        for number in range(len(_contracts(Path(), count))):
            few, many = (_kind(number, images, pool) for images in (count // 10, count))
            yield many | {"reader_bytes_of_a_tenth": few["reader_bytes"]}
    CONFINED.close()


def _contracts(list_: Path, count: int) -> tuple[dict[str, Any], ...]:
    """A contract of each kind, for `count` images."""
    ids = {"ids": str(list_)}
    return (
        ids | {"kind": "npy-maps", "max_key": 19},
        ids | {"kind": "npy-stacks", "max_key": 19, "strides": {"cam": 4, "high_res": 1}},
        ids | {"kind": "npy-arrays", "channels": 21, "stride": 8},
        ids | {"kind": "npy-ratios"},
        ids | {"kind": "png-labels", "max_label": 20, "modes": ["L"]},
        {"kind": "voc", "lists": ["trainaug"]},
        {"kind": "folder", "counts": {"*.png": count}},
        {"kind": "list", "min_count": count},
        {"kind": "json", "keys": ["scores"]},
        {"kind": "file"},
        {"kind": "state-dict", "entries": 242, "values": 124_270_037},
    )


def _kind(number: int, images: int, pool: ProcessPoolExecutor) -> dict[str, Any]:
    """Draw an output and take the seconds of everything that happens to it."""
    ids = draw_ids(images)["trainaug"]
    with tempfile.TemporaryDirectory() as name:
        list_, out = Path(name) / "ids.txt", Path(name) / "out"
        list_.write_text("".join(f"{one}\n" for one in ids))
        fields = _contracts(list_, images)[number]
        contract: Any = TypeAdapter(Contract).validate_python(fields)
        pool.submit(draw, Output(out / "all", contract, ids), Path(name) / "drawn").result()
        files, size = content.measure(out)
        with Peak() as peak:
            check = _seconds(lambda: _confined(inspect_outputs, out, _declared(contract), {}, 1e13))
        return {
            "kind": contract.kind,
            "files": files,
            "bytes": size,
            "check": check,
            "reader_bytes": peak.reader_bytes,
            "harness_bytes": peak.own_bytes,
            "flush": _seconds(lambda: sync_tree(out)),
            "hash": _seconds(lambda: _confined(content.describe, out)),
            "look": _seconds(lambda: content.fingerprint(out)),
            "remove": _seconds(lambda: remove_tree(out)),
        }


def _start_reader() -> None:
    """Have the reader import what checks need: `reproduce` does it while it fetches sources."""
    CONFINED.start("torch")
    _confined(content.measure, Path(__file__))


def _declared(contract: Any) -> dict[str, Declared]:
    return {"all": Declared("all", contract)}


def _confined(function: Callable[..., object], *args: object) -> None:
    CONFINED.call(function, *args, what="drawn outputs")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start

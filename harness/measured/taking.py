"""Take a measurement from a finished step: from its record, its log and the times of its files."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.layout import StepFolder
from harness.manifest.contract import PER_ID
from harness.measured.log_lines import ProcessReport, process_reports
from harness.measured.measurement import LONGEST_TEXT, Measurement, Place, Rate, Written
from harness.plan.plan import BoundStep, Run

_COLD_PICTURES = 2  # that are slower: a cold cache, cuDNN's first choice of an algorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where the time of a step went."""

    start_seconds: float | None = None  # until the first iteration or picture was done
    after_seconds: float | None = None  # from the last one to the end
    rate: Rate | None = None


def measurement_of(
    step: BoundStep, run: Run, entry: StepFolder, record: Mapping[str, Any]
) -> Measurement:
    """What a finished step of the rehearsal `run` took; what it wrote should still be there."""
    assert run.rehearsal is not None
    reports = process_reports(entry.log)
    timing = timing_of(step, entry, record, reports)
    use = record["use"]
    return Measurement(
        harness=record["harness"],
        method=step.method,
        step=step.name,
        backbone=run.backbone,
        losses=run.losses,
        options=run.options,
        stack=step.stack,
        runtime=run.runtime,
        scale=step.scale,
        key=step.key,
        ended=record["time"]["end"],
        place=_place(record),
        images=run.rehearsal.images,
        iterations=run.rehearsal.iterations,
        batch=step.work.batch,
        stand_ins=any(i.kind == "step" and "/data/" in i.target for i in step.inputs.values()),
        seconds=record["time"]["seconds"],
        start_seconds=timing.start_seconds,
        after_seconds=timing.after_seconds,
        evaluated=step.work.evaluations_here * run.rehearsal.images,
        rate=timing.rate,
        peak_memory_gb=use["peak_memory_gb"],
        peak_gpu_memory_gb=_most(use["peak_gpu_memory_gb"].values()),
        allocated_gb=_most(one.allocated_gb for one in reports),
        reserved_gb=_most(one.reserved_gb for one in reports),
        shm_gb=_most(one.shm_gb for one in reports),
        open_files=max((one.open_files for one in reports), default=None),
        outputs={
            name: Written(files=one["files"], bytes=one["bytes"])
            for name, one in record["outputs"].items()
        },
    )


def timing_of(
    step: BoundStep,
    entry: StepFolder,
    record: Mapping[str, Any],
    reports: Sequence[ProcessReport],
) -> Timing:
    """Where the time went: from the process that trained, or from when each picture's file came."""
    if step.work.iterations:
        return _training(reports)
    times = picture_times(step, entry.out) if step.work.pictures else []
    if not times:
        return Timing()
    start, end = (_timestamp(record["time"][name]) for name in ("start", "end"))
    return Timing(
        start_seconds=max(0.0, round(times[0] - start, 3)),
        after_seconds=max(0.0, round(end - times[-1], 3)),
        rate=_picture_rate(times, record["time"]["seconds"], side_by_side=step.work.side_by_side),
    )


def picture_times(step: BoundStep, out: Path) -> list[float]:
    """When the files of a step's pictures were written, in order; of the output ready last."""
    folders = [out / o.path for o in step.outputs.values() if isinstance(o.contract, PER_ID)]
    times = [
        sorted(file.stat().st_mtime for file in folder.iterdir() if file.is_file())
        for folder in folders
        if folder.is_dir()
    ]
    return max(filter(None, times), key=lambda found: found[-1], default=[])


def _training(reports: Sequence[ProcessReport]) -> Timing:
    """From the process that made most optimiser steps; of equals the one that ended last."""
    main = max(reports, key=lambda one: (one.steps, one.seconds), default=None)
    if main is None or main.first_step is None or main.last_step is None:
        return Timing()
    each = main.step_seconds if main.gpu_seconds is None else main.gpu_seconds
    return Timing(
        start_seconds=main.first_step,
        after_seconds=max(0.0, round(main.seconds - main.last_step, 3)),
        rate=None
        if each is None
        else Rate(unit="iteration", done=main.steps, seconds=each, at_most=not main.warm),
    )


def _picture_rate(times: Sequence[float], seconds: float, *, side_by_side: bool) -> Rate | None:
    """Time of a picture, the first ones left out if there are enough.

    Of processes side by side each has a few pictures, all of which may end at once: only the whole
    time tells something, and it holds their start.
    """
    done = len(times)
    if side_by_side:
        return Rate(unit="picture", done=done, seconds=round(seconds / done, 6), at_most=True)
    if done == 1:
        return None
    cold = _COLD_PICTURES if done > _COLD_PICTURES + 1 else 0
    each = (times[-1] - times[cold]) / (done - 1 - cold)
    return Rate(unit="picture", done=done, seconds=round(each, 6), at_most=not cold)


def _place(record: Mapping[str, Any]) -> Place:
    cards, host = record["gpus"], record["host"]
    first = cards[0] if cards else {}
    return Place(
        gpu=_text(first.get("name", "unknown")) if cards else None,
        gpus=len(cards),
        gpu_memory_gb=min((one["memory_gb"] for one in cards if "memory_gb" in one), default=None),
        driver=_text(first["driver"]) if "driver" in first else None,
        cpu=_text(host["cpu"]),
        cores=host["cores"],
        memory_gb=host["memory_gb"],
    )


def _text(found: str) -> str:
    """A name from a driver or a kernel, as a measurement may hold it."""
    ascii_text = found.encode("ascii", "replace").decode()
    return "".join(one if one.isprintable() else "?" for one in ascii_text)[:LONGEST_TEXT]


def _most(found: Iterable[float | None]) -> float | None:
    return max((one for one in found if one is not None), default=None)


def _timestamp(moment: str) -> float:
    return dt.datetime.fromisoformat(moment).timestamp()

"""Rehearsals that never ran: plans, records and measurements for tests."""

from functools import cache
from typing import Any

from harness.manifest.model import Losses, RuntimeName, Scale
from harness.measured.measurement import Measurement, Place, Rate, Written
from harness.plan.plan import BoundStep, Plan, Run
from tests import golden

CARD = Place(
    gpu="Test GPU 80GB",
    gpus=1,
    gpu_memory_gb=79.2,
    driver="580.82.07",
    cpu="Test CPU",
    cores=16,
    memory_gb=128.0,
)
CPU = Place(cpu="Test CPU", cores=2, memory_gb=24.0)


@cache
def plan(method: str = "sipe", scale: Scale = Scale.REHEARSAL, backbone: str = "res101") -> Plan:
    return golden.plan([method], scale, backbone)


def step(name: str, scale: Scale = Scale.REHEARSAL) -> BoundStep:
    """A step of SIPE with both losses."""
    return next(
        plan(scale=scale).steps[planned.steps[name]]
        for planned in plan(scale=scale).runs
        if planned.run.losses is Losses.BOTH
    )


def run(losses: Losses = Losses.BOTH, scale: Scale = Scale.REHEARSAL) -> Run:
    return next(one.run for one in plan(scale=scale).runs if one.run.losses is losses)


def record(**changes: Any) -> dict[str, Any]:
    """What a step record says of an attempt of 100 s from 10:00:00 on."""
    return {
        "harness": "0.1.0",
        "time": {
            "start": "2026-11-30T10:00:00+00:00",
            "end": "2026-11-30T10:01:40.500000+00:00",
            "seconds": 100.5,
        },
        "use": {"peak_memory_gb": 9.5, "peak_gpu_memory_gb": {"GPU-1": 21.25}},
        "gpus": [
            {"uuid": "GPU-1", "name": "Test GPU 80GB", "memory_gb": 79.2, "driver": "580.82.07"}
        ],
        "host": {"cpu": "Test CPU", "cores": 16, "memory_gb": 128.0},
        "outputs": {"weights": {"files": 1, "bytes": 2**30}},
        **changes,
    }


def measurement(step_name: str, **changes: Any) -> Measurement:
    """10 iterations of 0.5 s between 60 s of start and 5 s of end; what is written is 1 GiB."""
    known: dict[str, Any] = {
        "harness": "0.1.0",
        "method": "sipe",
        "step": step_name,
        "backbone": "res101",
        "losses": Losses.BOTH,
        "options": {},
        "stack": "cu117",
        "runtime": RuntimeName.DOCKER,
        "scale": Scale.REHEARSAL,
        "key": "a" * 64,
        "ended": "2026-11-30T10:01:40.500000+00:00",
        "place": CARD,
        "images": 8,
        "iterations": 10,
        "seconds": 70.0,
        "start_seconds": 60.0,
        "after_seconds": 5.0,
        "rate": Rate(unit="iteration", done=10, seconds=0.5),
        "peak_memory_gb": 9.5,
        "peak_gpu_memory_gb": 21.0,
        "allocated_gb": 15.5,
        "reserved_gb": 20.0,
        "outputs": {"weights": Written(files=1, bytes=2**30)},
    }
    return Measurement(**{**known, **changes})

"""A measurement from what a finished step left."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.layout import StepFolder
from harness.manifest.model import Losses, Scale
from harness.measured.measurement import Measurement, Rate
from harness.measured.taking import measurement_of
from tests.measured import CARD, CPU, record, run, step

START = 1796032800.0  # 2026-11-30T10:00:00Z


def take(folder: Path, name: str, **changes: Any) -> Measurement:
    return measurement_of(step(name), run(), StepFolder(folder), record(**changes))


def say(folder: Path, *reports: dict[str, Any]) -> None:
    common = {"seconds": 95.0, "open_files": 12, "shm_gb": 0.5}
    lines = [f"harness-measure: {json.dumps(common | one)}\n" for one in reports]
    (folder / "output.log").write_text("".join(lines))


def pictures(folder: Path, output: str, seconds: Sequence[float]) -> None:
    """Files of an output, written so many seconds after the start."""
    place = folder / "out" / output
    place.mkdir(parents=True)
    for number, after in enumerate(seconds):
        file = place / f"{number}.npy"
        file.touch()
        os.utime(file, (START + after, START + after))


def test_a_training(tmp_path: Path) -> None:
    trained = {
        "steps": 10,
        "first_step": 40.0,
        "last_step": 50.0,
        "step_seconds": 1.2,
        "warm": True,
    }
    gpu = {"gpu_seconds": 1.25, "allocated_gb": 15.0, "reserved_gb": 20.0}
    say(
        tmp_path,
        {"open_files": 900},
        trained | gpu,
        {"steps": 3, "first_step": 1.0, "last_step": 2.0},
    )
    found = take(tmp_path, "train-cam")
    assert found.rate == Rate(unit="iteration", done=10, seconds=1.25)
    assert (found.start_seconds, found.after_seconds) == (40.0, 45.0)
    assert (found.batch, found.images, found.iterations) == (16, 8, 10)
    assert (found.open_files, found.shm_gb) == (900, 0.5)
    assert (found.peak_gpu_memory_gb, found.allocated_gb) == (21.25, 15.0)
    assert found.least_gpu_memory_gb == 16.25
    assert found.place == CARD
    assert found.source == "measured on Test GPU 80GB on 2026-11-30"
    assert (found.losses, found.backbone, found.scale) == (Losses.BOTH, "res101", Scale.REHEARSAL)


def test_a_training_of_few_iterations_is_an_upper_bound(tmp_path: Path) -> None:
    cold = {"steps": 2, "first_step": 40.0, "last_step": 50.0, "step_seconds": 10.0, "warm": False}
    say(tmp_path, cold)
    assert take(tmp_path, "train-cam").rate == Rate(
        unit="iteration", done=2, seconds=10.0, at_most=True
    )
    say(tmp_path, {"steps": 1, "first_step": 40.0, "last_step": 40.0})
    assert take(tmp_path, "train-cam").rate is None


def test_a_log_without_lines_leaves_the_record(tmp_path: Path) -> None:
    (tmp_path / "output.log").write_text("Iter 1\n")
    found = take(tmp_path, "train-cam")
    assert (found.rate, found.open_files, found.allocated_gb) == (None, None, None)
    assert found.seconds == 100.5
    assert found.outputs["weights"].bytes == 2**30


def test_pictures_after_the_first_ones(tmp_path: Path) -> None:
    pictures(tmp_path, "cam", [50, 58, 60, 62, 64, 66])
    found = take(tmp_path, "infer-cam")
    assert found.rate == Rate(unit="picture", done=6, seconds=2.0)
    assert (found.start_seconds, found.after_seconds) == (50.0, 34.5)


def test_few_pictures_are_an_upper_bound_or_nothing(tmp_path: Path) -> None:
    pictures(tmp_path / "two", "cam", [50, 58])
    assert take(tmp_path / "two", "infer-cam").rate == Rate(
        unit="picture", done=2, seconds=8.0, at_most=True
    )
    pictures(tmp_path / "one", "cam", [50])
    assert take(tmp_path / "one", "infer-cam").rate is None
    assert take(tmp_path / "none", "infer-cam").rate is None  # dropped meanwhile


def test_of_two_outputs_the_one_that_was_ready_last(tmp_path: Path) -> None:
    pictures(tmp_path, "logits", [10, 20, 30, 40])
    pictures(tmp_path, "labels", [11, 21, 31, 42])
    assert take(tmp_path, "predict-deeplab").rate == Rate(unit="picture", done=4, seconds=11.0)


def test_of_processes_side_by_side_only_the_whole_time_counts(tmp_path: Path) -> None:
    pictures(tmp_path, "labels", [50, 50, 50.1, 50.1])
    assert take(tmp_path, "crf-deeplab").rate == Rate(
        unit="picture", done=4, seconds=25.125, at_most=True
    )


def test_a_step_of_neither_is_taken_whole(tmp_path: Path) -> None:
    found = take(tmp_path, "score-cam")
    assert (found.rate, found.start_seconds, found.seconds) == (None, None, 100.5)


def test_on_a_cpu(tmp_path: Path) -> None:
    use = {"peak_memory_gb": None, "peak_gpu_memory_gb": {}}
    host = {"cpu": "Test CPU", "cores": 2, "memory_gb": 24.0}
    found = take(tmp_path, "infer-cam", gpus=[], use=use, host=host)
    assert found.place == CPU
    assert found.least_gpu_memory_gb is None
    assert found.source == "measured on Test CPU on 2026-11-30"


@pytest.mark.parametrize("name", ["A\u00ae \x1b[31mcard\x07", "x" * 500])
def test_names_of_cards_are_kept_readable(tmp_path: Path, name: str) -> None:
    found = take(tmp_path, "infer-cam", gpus=[{"uuid": "GPU-1", "name": name}])
    assert found.place.gpu is not None
    assert found.place.gpu.isprintable()
    assert len(found.place.gpu) <= 200


def test_drawn_pictures_and_random_weights_are_said(tmp_path: Path) -> None:
    assert not take(tmp_path, "train-cam").stand_ins  # these plans have every asset
    one = step("train-cam")
    inputs = dict(one.inputs)
    inputs["voc"] = dataclasses.replace(inputs["voc"], kind="step", ref="d" * 64)
    drawn = dataclasses.replace(one, inputs=inputs)
    assert measurement_of(drawn, run(), StepFolder(tmp_path), record()).stand_ins

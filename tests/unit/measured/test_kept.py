"""Measurements on disk: whole, or named and left out."""

import json
from pathlib import Path

import pytest

from harness.files import write_sealed
from harness.layout import RunLayout
from harness.measured.kept import keep, read_kept, share
from harness.plan import keys
from tests.measured import measurement


def test_a_measurement_is_read_as_it_was_kept(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path)
    assert read_kept(layout).measurements == ()
    one, other = measurement("train-cam"), measurement("infer-cam", key="b" * 64, rate=None)
    keep(layout, one)
    keep(layout, other)
    keep(layout, one)  # again
    kept = read_kept(layout)
    assert sorted(one.step for one in kept.measurements) == ["infer-cam", "train-cam"]
    assert one in kept.measurements
    assert other in kept.measurements
    assert kept.damage == ()


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b"{}", b"\xff", b"[" * 10_000])
def test_a_damaged_file_is_named_and_left_out(tmp_path: Path, content: bytes) -> None:
    layout = RunLayout(tmp_path)
    good = measurement("train-cam")
    file = keep(layout, measurement("infer-cam"))
    keep(layout, good)
    file.write_bytes(content)
    kept = read_kept(layout)
    assert kept.measurements == (good,)
    (said,) = kept.damage
    assert str(file) in said


def test_an_edited_file_is_named(tmp_path: Path) -> None:
    file = keep(RunLayout(tmp_path), measurement("infer-cam"))
    file.write_text(file.read_text().replace('"seconds": 70.0', '"seconds": 7.0'))
    (said,) = read_kept(RunLayout(tmp_path)).damage
    assert "is not as it was written" in said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", 2),
        ("seconds", -1.0),
        ("seconds", 1e300),
        ("ended", "yesterday"),
        ("key", "x"),
        ("step", "../x"),
        ("losses", "all"),
        ("new", 1),
        ("place", {"cpu": "\x1b[31m", "cores": 1, "memory_gb": 1.0}),
        ("rate", {"unit": "epoch", "done": 1, "seconds": 1.0}),
    ],
)
def test_a_sealed_file_of_another_kind_is_named(tmp_path: Path, field: str, value: object) -> None:
    layout = RunLayout(tmp_path)
    file = layout.measured("sipe", "x", "a" * 64)
    write_sealed(file, {**keys.plain(measurement("infer-cam")), field: value})
    kept = read_kept(layout)
    assert kept.measurements == ()
    (said,) = kept.damage
    assert said.startswith(f"{file} is no measurement: {field}")


def test_what_is_shared_names_no_machine(tmp_path: Path) -> None:
    file = tmp_path / "shared" / "m.json"
    share(file, [measurement("train-cam"), measurement("infer-cam")])
    found = json.loads(file.read_text())
    assert [one["step"] for one in found["measurements"]] == ["train-cam", "infer-cam"]
    assert set(found["measurements"][0]["place"]) == {
        "gpu", "gpus", "gpu_memory_gb", "driver", "cpu", "cores", "memory_gb",
    }  # fmt: skip

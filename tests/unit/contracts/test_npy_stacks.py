"""Contract of stacked class maps: irn's and SIPE's CAM dicts, and every fault in them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.contracts import ContractError, check
from harness.manifest.contract import NpyStacks

IDS = ("2007_000032", "2007_000039")
STRIDES = {"cam": 4, "high_res": 1}


def stacks(*keys: int, value: float = 0.5) -> dict[str, Any]:
    """A sound file for a picture of 13 x 8."""
    return {
        "keys": np.array(keys),
        "cam": np.full((len(keys), 2, 4), value, np.float32),
        "high_res": np.full((len(keys), 8, 13), value, np.float32),
    }


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Two sound files (classes 0 and 14; 19), their pictures, list and image labels."""
    (tmp_path / "maps").mkdir()
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    labels = {name: np.zeros(20, np.float32) for name in IDS}
    labels[IDS[0]][[0, 14]] = 1
    labels[IDS[1]][19] = 1
    np.save(tmp_path / "labels.npy", labels)
    for name, keys in zip(IDS, ((0, 14), (19,)), strict=True):
        Image.new("RGB", (13, 8)).save(tmp_path / f"{name}.jpg")
        np.save(tmp_path / "maps" / f"{name}.npy", stacks(*keys))
    return tmp_path


def checked(out: Path, **fields: Any) -> dict[str, object]:
    fields = {"strides": STRIDES, "size_of": ".", "labels": "labels.npy"} | fields
    contract = NpyStacks(kind="npy-stacks", ids="ids.txt", **fields)
    return dict(check(contract, out / "maps", lambda template: out / template))


def refuse(out: Path, content: object, *words: str, **fields: Any) -> None:
    np.save(out / "maps" / f"{IDS[0]}.npy", content)
    with pytest.raises(ContractError) as raised:
        checked(out, **fields)
    for word in ("npy-stacks", *words):
        assert word in str(raised.value)


def test_sound_stacks_pass_and_say_what_was_seen(out: Path) -> None:
    summary = checked(out, low=0.0, high=1.0)
    assert summary == {"count": 2, "keys": [0, 14, 19], "low": 0.5, "high": 0.5}


def test_background_under_0_and_classes_from_1(out: Path) -> None:
    shifted = {"background": True, "first_key": 1, "max_key": 20}
    np.save(out / "maps" / f"{IDS[0]}.npy", stacks(0, 1, 15))
    np.save(out / "maps" / f"{IDS[1]}.npy", stacks(0, 20))
    assert checked(out, **shifted)["keys"] == [0, 1, 15, 20]
    refuse(out, stacks(1, 15), "the background", **shifted)


@pytest.mark.parametrize("keys", [(0,), (0, 14, 3), (0, 0), (0, 20), ()])
def test_keys_that_are_not_the_images_labels(out: Path, keys: tuple[int, ...]) -> None:
    refuse(out, stacks(*keys), IDS[0], "keys")


@pytest.mark.parametrize("keys", [[0, 14], np.array([0.0, 14.0]), np.array([[0, 14]])])
def test_keys_that_are_no_row_of_whole_numbers(out: Path, keys: object) -> None:
    refuse(out, stacks(0, 14) | {"keys": keys}, "whole numbers")


def test_missing_and_additional_entries(out: Path) -> None:
    sound = stacks(0, 14)
    refuse(out, {name: sound[name] for name in ("keys", "cam")}, "high_res", "['cam', 'keys']")
    refuse(out, sound | {"threshold": 0.5}, "threshold")
    refuse(out, {}, "[]")


@pytest.mark.parametrize(
    ("name", "shape"), [("cam", (2, 2, 3)), ("cam", (1, 2, 4)), ("high_res", (2, 13, 8))]
)
def test_wrong_size(out: Path, name: str, shape: tuple[int, ...]) -> None:
    refuse(out, stacks(0, 14) | {name: np.zeros(shape, np.float32)}, name, str(shape))


def test_double_precision(out: Path) -> None:
    wrong = stacks(0, 14)["cam"].astype(np.float64)
    refuse(out, stacks(0, 14) | {"cam": wrong}, "float32", "float64")


@pytest.mark.parametrize(("value", "word"), [(np.nan, "finite"), (1.5, "1.5"), (-0.1, "-0.1")])
def test_values_outside_the_limits(out: Path, value: float, word: str) -> None:
    refuse(out, stacks(0, 14, value=value), word, low=0.0, high=1.0)


def test_missing_file(out: Path) -> None:
    (out / "maps" / f"{IDS[1]}.npy").unlink()
    refuse(out, stacks(0, 14), "1 missing")


def test_cut_off_file(out: Path) -> None:
    file = out / "maps" / f"{IDS[1]}.npy"
    file.write_bytes(file.read_bytes()[:-40])
    refuse(out, stacks(0, 14), IDS[1], "a broken pickle")

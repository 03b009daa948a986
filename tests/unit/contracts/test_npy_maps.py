"""Contract of class maps: SEAM's CAM and CRF dicts, and every fault in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.contracts import ContractError, check
from harness.manifest.contract import NpyMaps

IDS = ("2007_000032", "2007_000039")
CRF = {"background": True, "first_key": 1, "max_key": 20, "low": 0.0, "high": 1.0}


def cam(value: float = 0.5, shape: tuple[int, ...] = (8, 12)) -> np.ndarray:
    return np.full(shape, value, np.float32)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Two sound CAM files (classes 0 and 14; 19), their pictures, list and image labels."""
    (tmp_path / "maps").mkdir()
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    labels = {name: np.zeros(20, np.float32) for name in IDS}
    labels[IDS[0]][[0, 14]] = 1
    labels[IDS[1]][19] = 1
    np.save(tmp_path / "labels.npy", labels)
    for name in IDS:
        Image.new("RGB", (12, 8)).save(tmp_path / f"{name}.jpg")
        save(tmp_path, name, {int(key): cam() for key in labels[name].nonzero()[0]})
    return tmp_path


def save(out: Path, name: str, maps: Mapping[Any, Any]) -> None:
    np.save(out / "maps" / f"{name}.npy", maps)


def checked(out: Path, **fields: Any) -> dict[str, object]:
    contract = NpyMaps(kind="npy-maps", ids="ids.txt", **fields)
    return dict(check(contract, out / "maps", lambda template: out / template))


def refuse(out: Path, *words: str, **fields: Any) -> None:
    with pytest.raises(ContractError) as raised:
        checked(out, **fields)
    for word in ("npy-maps", *words):
        assert word in str(raised.value)


def test_sound_maps_pass_and_say_what_was_seen(out: Path) -> None:
    summary = checked(out, labels="labels.npy", size_of=".", low=-1.0, high=1.0)
    assert summary == {"count": 2, "keys": [0, 14, 19], "low": 0.5, "high": 0.5}


def test_half_precision_is_another_type(out: Path) -> None:
    for name, key in ((IDS[0], 0), (IDS[1], 19)):
        save(out, name, {key: cam().astype(np.float16)})
    assert checked(out, dtype="float16")["high"] == 0.5
    refuse(out, "float32", "float16")


def test_crf_dicts_have_the_background_under_0_and_classes_from_1(out: Path) -> None:
    save(out, IDS[0], {0: cam(0.1), 1: cam(0.2), 15: cam(0.7)})
    save(out, IDS[1], {np.int64(0): cam(0.1), np.int64(20): cam(0.9)})
    assert checked(out, labels="labels.npy", **CRF)["keys"] == [0, 1, 15, 20]
    save(out, IDS[1], {20: cam(0.9)})
    refuse(out, IDS[1], "a background map under key 0", **CRF)


def test_missing_file(out: Path) -> None:
    (out / "maps" / f"{IDS[0]}.npy").unlink()
    refuse(out, f"{IDS[0]}.npy", "1 missing")


def test_unexpected_file(out: Path) -> None:
    (out / "maps" / "notes.txt").write_text("x")
    refuse(out, "notes.txt", "1 unexpected")


def test_empty_dict(out: Path) -> None:
    save(out, IDS[0], {})
    refuse(out, f"{IDS[0]}.npy", "at least one class", "an empty dict")


@pytest.mark.parametrize("key", [20, -1, "3", 0.5])
def test_key_that_no_class_has(out: Path, key: object) -> None:
    save(out, IDS[0], {key: cam()})
    refuse(out, f"{IDS[0]}.npy")


def test_class_that_the_image_does_not_have(out: Path) -> None:
    save(out, IDS[0], {0: cam(), 3: cam()})
    refuse(out, f"{IDS[0]}.npy", "[0, 14]", "[0, 3]", labels="labels.npy")


def test_id_without_labels(out: Path) -> None:
    np.save(out / "labels.npy", {IDS[0]: np.ones(20, np.float32)})
    refuse(out, "labels.npy", IDS[1], labels="labels.npy")


def test_double_precision(out: Path) -> None:
    save(out, IDS[0], {0: cam().astype(np.float64)})
    refuse(out, f"{IDS[0]}.npy", "float32", "float64")


def test_other_byte_order(out: Path) -> None:
    save(out, IDS[0], {0: cam().astype(">f4")})
    refuse(out, f"{IDS[0]}.npy", "float32", ">f4")


def test_number_instead_of_a_map(out: Path) -> None:
    save(out, IDS[0], {0: 0.5})
    refuse(out, f"{IDS[0]}.npy", "float32")


def test_wrong_size(out: Path) -> None:
    save(out, IDS[0], {0: cam(shape=(12, 8))})
    refuse(out, f"{IDS[0]}.npy", "(8, 12)", "(12, 8)", size_of=".")


def test_maps_of_one_file_must_agree_in_size(out: Path) -> None:
    save(out, IDS[0], {0: cam(), 14: cam(shape=(4, 6))})
    refuse(out, f"{IDS[0]}.npy", "(8, 12)", "(4, 6)")


@pytest.mark.parametrize("shape", [(96,), (1, 8, 12), (0, 0)])
def test_what_is_not_height_by_width(out: Path, shape: tuple[int, ...]) -> None:
    save(out, IDS[0], {0: cam(shape=shape)})
    refuse(out, f"{IDS[0]}.npy", str(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(out: Path, value: float) -> None:
    values = cam()
    values[2, 3] = value
    save(out, IDS[0], {0: values})
    refuse(out, f"{IDS[0]}.npy", "finite")


def test_values_outside_the_limits(out: Path) -> None:
    save(out, IDS[0], {0: cam(-0.6)})
    refuse(out, f"{IDS[0]}.npy", "from -0.55 to None", "-0.6", low=-0.55)
    save(out, IDS[0], {0: cam(1.5)})
    refuse(out, f"{IDS[0]}.npy", "1.5", high=1.0)


def test_cut_off_file(out: Path) -> None:
    file = out / "maps" / f"{IDS[0]}.npy"
    file.write_bytes(file.read_bytes()[:-40])
    refuse(out, f"{IDS[0]}.npy", "a broken pickle")


def test_plain_array(out: Path) -> None:
    np.save(out / "maps" / f"{IDS[0]}.npy", cam())
    refuse(out, f"{IDS[0]}.npy", "a plain array of <f4")


def test_pickle_that_would_run_something(out: Path) -> None:
    save(out, IDS[0], {0: Path("/")})
    refuse(out, f"{IDS[0]}.npy", "a pickle that asks for pathlib", "not allowed")

"""Contract of plain arrays: deeplab-pytorch's logits, and every fault in them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.contracts import ContractError, check
from harness.manifest.contract import NpyArrays

IDS = ("2007_000033", "2007_000042")
SOUND = np.full((3, 5, 6), 2, np.float32)  # of a picture 48 wide and 40 high


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A list, pictures and a sound array for each."""
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    for folder in ("JPEGImages", "logit"):
        (tmp_path / folder).mkdir()
    for name in IDS:
        Image.new("RGB", (48, 40)).save(tmp_path / "JPEGImages" / f"{name}.jpg")
        np.save(tmp_path / "logit" / f"{name}.npy", SOUND)
    return tmp_path


def checked(out: Path, content: Any = SOUND, **changes: Any) -> dict[str, object]:
    np.save(out / "logit" / f"{IDS[1]}.npy", content)
    fields: dict[str, Any] = {"channels": 3, "stride": 8, "size_of": "JPEGImages"} | changes
    contract = NpyArrays(kind="npy-arrays", ids="ids.txt", **fields)
    return dict(check(contract, out / "logit", lambda template: out / template))


def test_sound_arrays_pass_and_say_what_was_seen(out: Path) -> None:
    assert checked(out, -SOUND) == {"count": 2, "low": -2.0, "high": 2.0}
    assert checked(out, np.zeros((3, 6, 7), np.float32))["count"] == 2  # a padded network's
    assert checked(out, np.zeros((3, 9, 9), np.float32), size_of=None)["count"] == 2


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (SOUND.astype(np.float64), "float64"),
        (SOUND[:2], "3 x H x W"),
        (SOUND[0], "3 x H x W"),
        (SOUND[:, :0], "3 x H x W"),
        (SOUND[:, :4], r"H x W = \(5, 6\)"),
        (np.zeros((3, 5, 8), np.float32), r"H x W = \(5, 6\)"),
        (SOUND * np.float32("nan"), "finite"),
        (SOUND * np.float32("inf"), "finite"),
        (np.array({0: SOUND}, dtype=object), "an array"),
    ],
)
def test_a_wrong_array_stops_the_chain(out: Path, wrong: Any, word: str) -> None:
    with pytest.raises(ContractError, match=word) as caught:
        checked(out, wrong)
    assert IDS[1] in str(caught.value)


def test_full_size_maps_have_no_margin(out: Path) -> None:
    for name in IDS:
        np.save(out / "logit" / f"{name}.npy", np.zeros((3, 40, 48), np.float32))
    full = np.zeros((3, 40, 48), np.float32)
    assert checked(out, full, stride=1)["count"] == 2
    with pytest.raises(ContractError, match=r"H x W = \(40, 48\)"):
        checked(out, np.zeros((3, 41, 48), np.float32), stride=1)


def test_a_cut_off_file_and_an_archive_are_refused(out: Path) -> None:
    file = out / "logit" / f"{IDS[0]}.npy"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ContractError, match="an array"):
        checked(out)
    with file.open("wb") as archive:
        np.savez(archive, SOUND)
    with pytest.raises(ContractError, match="one array"):
        checked(out)

"""Contract of label PNGs: each fault names the file and the contract."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.contracts import ContractError, check
from harness.manifest.contract import PngLabels
from harness.readers.palettes import VOC

IDS = ("2007_000032", "2007_000039", "2007_000063")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Three sound label maps in `labels`, their pictures in `pictures`, their list in `ids.txt`."""
    (tmp_path / "labels").mkdir()
    (tmp_path / "pictures").mkdir()
    for number, name in enumerate(IDS):
        Image.new("RGB", (12, 8)).save(tmp_path / "pictures" / f"{name}.jpg")
        save(tmp_path / "labels" / f"{name}.png", np.full((8, 12), number * 10, np.uint8))
    lines = (f"/Pictures/{name}.jpg /Masks/{name}.png" for name in IDS)
    (tmp_path / "ids.txt").write_text("\n".join(lines))
    return tmp_path


def save(path: Path, values: np.ndarray, mode: str = "L") -> None:
    image = Image.fromarray(values)
    if mode == "P":
        image.putpalette([channel for colour in VOC for channel in colour])
    image.save(path)


def checked(out: Path, **fields: Any) -> dict[str, object]:
    contract = PngLabels(kind="png-labels", ids="{in.list}", **fields)
    places = {"{in.list}": out / "ids.txt", "{in.voc}/JPEGImages": out / "pictures"}
    return dict(check(contract, out / "labels", places.__getitem__))


def refuse(out: Path, *words: str, **fields: Any) -> None:
    with pytest.raises(ContractError) as raised:
        checked(out, **fields)
    for word in ("png-labels", *words):
        assert word in str(raised.value)
    assert raised.value.exit_code == 6


def test_sound_labels_pass_and_say_what_was_seen(out: Path) -> None:
    summary = checked(out, size_of="{in.voc}/JPEGImages")
    assert summary == {"count": 3, "values": [0, 10, 20]}


def test_palette_and_void_pass_where_the_contract_allows_them(out: Path) -> None:
    save(out / "labels" / f"{IDS[0]}.png", np.full((8, 12), 255, np.uint8), "P")
    assert checked(out, modes=("L", "P"), void=True)["values"] == [10, 20, 255]
    refuse(out, IDS[0], "mode L", "mode P", void=True)
    refuse(out, IDS[0], "0..20", "255", modes=("P", "L"))


def test_missing_file(out: Path) -> None:
    (out / "labels" / f"{IDS[1]}.png").unlink()
    refuse(out, f"{IDS[1]}.png", "3 ids", "1 missing")


def test_missing_folder(out: Path) -> None:
    (out / "labels").rename(out / "elsewhere")
    refuse(out, str(out / "labels"), "found nothing")


def test_a_file_where_a_folder_belongs(out: Path) -> None:
    (out / "labels").rename(out / "elsewhere")
    (out / "labels").write_text("x")
    refuse(out, "found a file")


def test_unexpected_file(out: Path) -> None:
    save(out / "labels" / "2011_000001.png", np.zeros((8, 12), np.uint8))
    refuse(out, "2011_000001.png", "1 unexpected")


def test_out_of_range_value(out: Path) -> None:
    values = np.zeros((8, 12), np.uint8)
    values[3, 4] = 21
    save(out / "labels" / f"{IDS[2]}.png", values)
    refuse(out, f"{IDS[2]}.png", "values 0..20", "found 21")


def test_rgb(out: Path) -> None:
    save(out / "labels" / f"{IDS[0]}.png", np.zeros((8, 12, 3), np.uint8))
    refuse(out, f"{IDS[0]}.png", "mode L", "8-bit RGB")


def test_sixteen_bits(out: Path) -> None:
    save(out / "labels" / f"{IDS[0]}.png", np.zeros((8, 12), np.uint16))
    refuse(out, f"{IDS[0]}.png", "16-bit grey")


def test_wrong_size(out: Path) -> None:
    save(out / "labels" / f"{IDS[0]}.png", np.zeros((12, 8), np.uint8))
    refuse(out, f"{IDS[0]}.png", "12x8", "8x12", size_of="{in.voc}/JPEGImages")


def test_missing_picture(out: Path) -> None:
    (out / "pictures" / f"{IDS[0]}.jpg").unlink()
    refuse(out, f"{IDS[0]}.jpg", size_of="{in.voc}/JPEGImages")


@pytest.mark.parametrize("keep", [0, 20, 60])
def test_cut_off_file(out: Path, keep: int) -> None:
    file = out / "labels" / f"{IDS[0]}.png"
    noise = np.random.default_rng(0).integers(0, 20, (8, 12), np.uint8)
    save(file, noise)
    file.write_bytes(file.read_bytes()[:keep])
    refuse(out, f"{IDS[0]}.png", "cut off" if keep else "an empty file")


def test_another_format_under_the_name_of_a_png(out: Path) -> None:
    Image.new("L", (12, 8)).save(out / "labels" / f"{IDS[0]}.png", format="JPEG")
    refuse(out, f"{IDS[0]}.png", "a JPEG image")


def test_empty_or_broken_list(out: Path) -> None:
    (out / "ids.txt").write_text("\n")
    refuse(out, "ids.txt", "names no image")
    (out / "ids.txt").unlink()
    refuse(out, "ids.txt", "a list of ids")


def test_relative_link_inside_the_output_passes(out: Path) -> None:
    file = out / "labels" / f"{IDS[0]}.png"
    file.unlink()
    file.symlink_to(f"{IDS[1]}.png")
    assert checked(out)["count"] == 3

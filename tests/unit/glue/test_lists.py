"""Lists cut to the images that are there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.glue.lists import main

BARE = "2007_000032\n2007_000039\n2011_003276\n"
LINES = "".join(f"/JPEGImages/{name}.jpg /Masks/{name}.png\n" for name in BARE.split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two lists of three ids and the images of all."""
    (tmp_path / "bare.txt").write_text(BARE)
    (tmp_path / "lines.txt").write_text(LINES)
    (tmp_path / "images").mkdir()
    for name in BARE.split():
        (tmp_path / "images" / f"{name}.jpg").write_bytes(b"jpeg")
    return tmp_path


def run(folder: Path, *arguments: str) -> Path:
    """Run the tool on the folder's images; the folder it wrote."""
    out = folder / "out"
    main([*arguments, "--images", str(folder / "images"), "--out", str(out)])
    return out


def fail(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the tool, which must end with status 2; what it said."""
    with pytest.raises(SystemExit) as ended:
        run(folder, *arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err


def digest(text: str) -> str:
    """The checksum that --expect takes."""
    return hashlib.sha256(text.encode()).hexdigest()


def test_lines_of_paths_give_bare_ids_and_stand_as_they_were(folder: Path) -> None:
    out = run(folder, "--list", f"train={folder}/lines.txt", "--list", f"val={folder}/bare.txt")
    assert (out / "ids" / "train.txt").read_text() == BARE
    assert (out / "lines" / "train.txt").read_text() == LINES
    assert (out / "ids" / "val.txt").read_text() == BARE
    assert (out / "lines" / "val.txt").read_text() == BARE


def test_missing_images_leave_the_list_in_its_order(folder: Path) -> None:
    (folder / "images" / "2007_000039.jpg").unlink()
    out = run(folder, "--list", f"train={folder}/lines.txt")
    assert (out / "ids" / "train.txt").read_text() == "2007_000032\n2011_003276\n"
    assert len((out / "lines" / "train.txt").read_text().splitlines()) == 2


def test_empty_lines_count_for_nothing(folder: Path) -> None:
    (folder / "bare.txt").write_text(f"\n{BARE}\n  \n")
    out = run(folder, "--list", f"train={folder}/bare.txt", "--expect", "train=3")
    assert (out / "ids" / "train.txt").read_text() == BARE


def test_expected_list_passes_when_whole(folder: Path) -> None:
    expected = f"train=3:{digest(BARE)}"
    out = run(folder, "--list", f"train={folder}/lines.txt", "--expect", expected)
    assert (out / "ids" / "train.txt").read_text() == BARE


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ("train=4", "list train: expected 4 ids, found 3"),
        (f"train=3:{'0' * 64}", "expected ids with SHA-256 0000"),
        ("other=3", "--expect without --list: other"),
        ("train=many", "many"),
        ("train", "expected NAME=VALUE, found 'train'"),
    ],
)
def test_other_list_than_expected_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], expected: str, words: str
) -> None:
    assert words in fail(
        folder, capsys, "--list", f"train={folder}/lines.txt", "--expect", expected
    )


def test_expected_list_refuses_a_missing_image(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "images" / "2007_000039.jpg").unlink()
    said = fail(folder, capsys, "--list", f"train={folder}/lines.txt", "--expect", "train=3")
    assert "1 images are missing, first 2007_000039.jpg" in said


def test_list_without_any_image_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for image in (folder / "images").iterdir():
        image.unlink()
    said = fail(folder, capsys, "--list", f"val={folder}/bare.txt")
    assert "list val: none of its 3 images exists" in said


def test_id_twice_and_absent_list_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bare.txt").write_text(f"{BARE}2007_000032\n")
    assert "line 4: id 2007_000032 is already in line 1" in fail(
        folder, capsys, "--list", f"t={folder}/bare.txt"
    )
    assert "gone.txt" in fail(folder, capsys, "--list", f"t={folder}/gone.txt")


@pytest.fixture
def pictures(folder: Path) -> Path:
    """The folder with real pictures of three sizes, and their classes."""
    sizes = {"2007_000032": (50, 40), "2007_000039": (40, 50), "2011_003276": (20, 10)}
    for name, size in sizes.items():
        Image.new("RGB", size).save(folder / "images" / f"{name}.jpg")
    labels = {name: np.eye(20, dtype=np.float32)[0] for name in sizes}
    np.save(folder / "labels.npy", np.array(labels, dtype=object), allow_pickle=True)
    return folder


def test_a_few_images_are_kept_in_all_lists(pictures: Path) -> None:
    lists = ("--list", f"aug={pictures}/lines.txt", "--list", f"train={pictures}/bare.txt")
    out = run(pictures, *lists, "--choose", "train=2", "--labels", f"{pictures}/labels.npy")
    kept = "2007_000032\n2011_003276\n"
    assert (out / "ids" / "train.txt").read_text() == kept
    assert (out / "ids" / "aug.txt").read_text() == kept
    assert len((out / "lines" / "aug.txt").read_text().splitlines()) == 2


def test_without_labels_only_sizes_count(pictures: Path) -> None:
    out = run(pictures, "--list", f"test={pictures}/bare.txt", "--choose", "test=1")
    assert (out / "ids" / "test.txt").read_text() == "2007_000032\n"


@pytest.mark.parametrize("choice", ["val=2", "train=0", "train=x"])
def test_a_choice_that_cannot_be_made_is_an_error(
    pictures: Path, choice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = fail(pictures, capsys, "--list", f"train={pictures}/bare.txt", "--choose", choice)
    assert choice.partition("=")[2] in said


def test_an_image_that_cannot_be_read_is_an_error_that_names_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = fail(folder, capsys, "--list", f"train={folder}/bare.txt", "--choose", "train=2")
    assert "2007_000032.jpg" in said

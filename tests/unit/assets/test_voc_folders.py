"""VOC as people have it: what belongs, what does not count, what is named when it lacks."""

import os
from pathlib import Path

import pytest

from harness.assets.assets import Assets, AssetState
from harness.errors import MismatchError, NotReadyError
from harness.layout import CacheLayout
from harness.manifest.catalogue import Asset
from harness.manifest.contract import Contract, Folder, Voc

VOC = Voc(kind="voc", lists=("train", "val"), masks=True, others=True)
TEST = Voc(kind="voc", lists=("test",))
TRAIN, VAL, SBD = ("2007_000032", "2007_000039"), ("2007_000033",), ("2008_000002",)
PLACE = "VOCdevkit/VOC2012"


def assets(root: Path, data: Path, contract: Contract = VOC, **fields: object) -> Assets:
    declared = Asset(title="VOC", size_gb=2, contract=contract, places=(PLACE, "VOC2012"), **fields)
    return Assets({"voc2012": declared}, CacheLayout(root / "cache"), root / "trust.json", data)


def write(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def draw(folder: Path) -> Path:
    """VOC in small: two pictures of train, one of val, one that only SBD segments."""
    for name in (*TRAIN, *VAL, *SBD):
        write(folder / "JPEGImages" / f"{name}.jpg", name.encode())
    for name in (*TRAIN, *VAL):
        write(folder / "SegmentationClass" / f"{name}.png", name.encode())
    for split, names in (("train", TRAIN), ("val", VAL)):
        text = "".join(f"{name}\n" for name in names)
        write(folder / "ImageSets" / "Segmentation" / f"{split}.txt", text.encode())
    return folder


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    return draw(tmp_path / "data" / PLACE)


def digest(root: Path, data: Path) -> str:
    found = assets(root, data)
    found.locate("voc2012")
    return found.digest("voc2012")


STRAY = (
    ".DS_Store",
    "JPEGImages/.DS_Store",
    "JPEGImages/Thumbs.db",
    "JPEGImages/desktop.ini",
    "JPEGImages/._2007_000032.jpg",
    "JPEGImages/2007_000032 (1).jpg",
    "JPEGImages/2007_000032.jpg~",
    "JPEGImages/000005.jpg",
    "JPEGImages/@eaDir/2007_000032.jpg",
    "SegmentationClass/._2007_000032.png",
    "SegmentationClass/2008_000002.png",
    "SegmentationClassAug/2007_000032.png",
    "SegmentationObject/2007_000032.png",
    "ImageSets/Segmentation/trainaug.txt",
    "ImageSets/Main/aeroplane_val.txt",
    "Annotations/2007_000032.xml",
    "cls_labels.npy",
)


@pytest.mark.parametrize("name", STRAY)
def test_what_lies_beside_changes_neither_identity_nor_state(
    tmp_path: Path, voc: Path, name: str
) -> None:
    data = tmp_path / "data"
    before = digest(tmp_path, data)
    write(voc / name, b"stray")
    assert assets(tmp_path, data).status()[0].state is AssetState.READY
    assert digest(tmp_path / "elsewhere", data) == before


def test_a_test_split_in_the_same_folder_changes_nothing(tmp_path: Path, voc: Path) -> None:
    before = digest(tmp_path, tmp_path / "data")
    write(voc / "JPEGImages" / "2008_000001.jpg", b"test")
    write(voc / "JPEGImages" / "2008_000006.jpg", b"test")
    write(voc / "ImageSets" / "Segmentation" / "test.txt", b"2008_000001\n")
    write(voc / "ImageSets" / "Action" / "test.txt", b"2008_000006  1\n")
    assert digest(tmp_path / "elsewhere", tmp_path / "data") == before


@pytest.mark.parametrize(
    "text", [b"2007_000032\r\n2007_000039\r\n", b"\xef\xbb\xbf2007_000032\n\n2007_000039 \n\x1a"]
)
def test_how_a_list_is_written_changes_nothing(tmp_path: Path, voc: Path, text: bytes) -> None:
    before = digest(tmp_path, tmp_path / "data")
    write(voc / "ImageSets" / "Segmentation" / "train.txt", text)
    assert digest(tmp_path, tmp_path / "data") == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("JPEGImages/2007_000032.jpg", b"another"),
        ("JPEGImages/2008_000002.jpg", b"another"),
        ("SegmentationClass/2007_000033.png", b"another"),
        ("ImageSets/Segmentation/train.txt", b"2007_000039\n2007_000032\n"),
    ],
)
def test_what_steps_read_is_the_identity(
    tmp_path: Path, voc: Path, name: str, content: bytes
) -> None:
    digest(tmp_path, tmp_path / "data")
    write(voc / name, content)
    with pytest.raises(MismatchError, match="is not what was expected: expected sha256"):
        assets(tmp_path, tmp_path / "data").locate("voc2012")


def refused(tmp_path: Path, contract: Contract = VOC) -> str:
    with pytest.raises(MismatchError) as raised:
        assets(tmp_path, tmp_path / "data", contract).locate("voc2012")
    return str(raised.value)


def test_what_lacks_is_named_also_after_it_was_trusted(tmp_path: Path, voc: Path) -> None:
    digest(tmp_path, tmp_path / "data")
    (voc / "JPEGImages" / "2007_000033.jpg").unlink()
    (voc / "SegmentationClass" / "2007_000039.png").unlink()
    said = refused(tmp_path)
    assert "found 2 missing: JPEGImages/2007_000033.jpg, SegmentationClass/2007_000039.png" in said


def test_of_many_missing_files_the_first_are_named(tmp_path: Path, voc: Path) -> None:
    for mask in (voc / "SegmentationClass").iterdir():
        mask.unlink()
    for picture in (voc / "JPEGImages").iterdir():
        picture.unlink()
    assert "found 6 missing: JPEGImages/2007_000032.jpg, " in (said := refused(tmp_path))
    assert " and 3 more" in said


@pytest.mark.parametrize("suffix", [".JPG", ".jpeg", ".Jpg"])
def test_another_suffix_is_named(tmp_path: Path, voc: Path, suffix: str) -> None:
    for name in TRAIN:
        picture = voc / "JPEGImages" / f"{name}.jpg"
        picture.rename(picture.with_suffix(suffix))
    said = refused(tmp_path)
    assert "2 missing" in said
    assert (
        f"2 of them have another suffix: rename JPEGImages/2007_000032{suffix} to 2007_000032.jpg"
        in said
    )


def test_pictures_that_vocs_own_list_names_must_be_there(tmp_path: Path, voc: Path) -> None:
    write(voc / "ImageSets" / "Main" / "trainval.txt", b"2008_000002\n2008_000003\n")
    assert "found 1 missing: JPEGImages/2008_000003.jpg" in refused(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "names no image"),
        (b"2007_000032\n2007_000032\n", "line 2: id 2007_000032 is already in line 1"),
        (b"<html>", "line 1: expected an id"),
    ],
)
def test_a_broken_list_is_named(tmp_path: Path, voc: Path, content: bytes, words: str) -> None:
    write(voc / "ImageSets" / "Segmentation" / "val.txt", content)
    said = refused(tmp_path)
    assert "val.txt" in said
    assert words in said
    assert assets(tmp_path, tmp_path / "data").status()[0].state is AssetState.UNHASHED


def test_a_missing_list_and_an_empty_picture_are_named(tmp_path: Path, voc: Path) -> None:
    picture = write(voc / "JPEGImages" / "2008_000002.jpg", b"")
    assert "found 1 empty ones: JPEGImages/2008_000002.jpg" in refused(tmp_path)
    picture.write_bytes(b"x")
    (voc / "ImageSets" / "Segmentation" / "train.txt").unlink()
    assert "ImageSets/Segmentation/train.txt" in refused(tmp_path)


def test_a_folder_or_dead_link_under_a_pictures_name_is_missing(tmp_path: Path, voc: Path) -> None:
    for name in TRAIN:
        (voc / "JPEGImages" / f"{name}.jpg").unlink()
    (voc / "JPEGImages" / "2007_000032.jpg").mkdir()
    (voc / "JPEGImages" / "2007_000039.jpg").symlink_to("gone.jpg")
    assert "found 2 missing" in refused(tmp_path)


def test_the_test_split_is_its_own_list(tmp_path: Path, voc: Path) -> None:
    write(voc / "ImageSets" / "Segmentation" / "test.txt", b"2008_000001\n")
    assert "JPEGImages/2008_000001.jpg" in refused(tmp_path, TEST)
    write(voc / "JPEGImages" / "2008_000001.jpg", b"test")
    found = assets(tmp_path, tmp_path / "data", TEST)
    found.locate("voc2012")
    before = found.digest("voc2012")
    (voc / "JPEGImages" / "2007_000032.jpg").unlink()
    assets(tmp_path, tmp_path / "data", TEST).locate("voc2012", verify=True)
    assert found.digest("voc2012") == before


def test_of_other_folders_only_what_their_globs_match_counts(tmp_path: Path) -> None:
    labels = Folder(kind="folder", globs=("*.png",), min_count=2)
    folder = tmp_path / "data" / "VOC2012"
    for name in ("a.png", "b.png"):
        write(folder / name, b"labels")
    found = assets(tmp_path, tmp_path / "data", labels)
    found.locate("voc2012")
    for name in (".DS_Store", "._a.png", "Thumbs.db", "notes/c.png"):
        write(folder / name, b"stray")
    assert assets(tmp_path, tmp_path / "data", labels).locate("voc2012", verify=True)
    write(folder / "c.png", b"labels")
    assert "is not what was expected" in refused(tmp_path, labels)
    for name in ("b.png", "c.png"):
        (folder / name).unlink()
    assert "at least 2 of *.png, found 1" in refused(tmp_path, labels)


# --- where --data should lead ---------------------------------------------------------------------


def hint(tmp_path: Path, data: Path, contract: Contract = VOC) -> str:
    with pytest.raises(NotReadyError) as raised:
        assets(tmp_path, data, contract).locate("voc2012")
    return raised.value.hint


@pytest.mark.parametrize(
    ("place", "data", "meant"),
    [
        ("X/VOCdevkit/VOC2012", "X/VOCdevkit/VOC2012", "X/VOCdevkit"),
        ("X/VOCdevkit/VOC2012", "X/VOCdevkit/VOC2012/JPEGImages", "X/VOCdevkit"),
        ("X/VOCdevkit/VOC2012", ".", "X"),
        ("a/b/VOCdevkit/VOC2012", ".", "a/b"),
        ("a/b/c/VOC2012", ".", "a/b/c"),
        ("X/voc2012", ".", "X"),
        ("X/VOC2012", "X/other", "X"),
        ("X/VOC2012", "X/other/deeper", "X"),
    ],
)
def test_the_folder_that_was_meant_is_named(
    tmp_path: Path, place: str, data: str, meant: str
) -> None:
    base = tmp_path / "base"
    draw(base / place)
    (base / data).mkdir(parents=True, exist_ok=True)
    assert f"say --data {base / meant};" in hint(tmp_path, base / data)


@pytest.mark.parametrize("name", ["pascal", "VOC 2012", "voc_2012/raw"])
def test_a_folder_of_another_name_is_told_how_to_be_added(tmp_path: Path, name: str) -> None:
    folder = draw(tmp_path / "base" / name)
    advice = f"`harness assets add voc2012 {folder}`"
    assert advice in hint(tmp_path, tmp_path / "base")
    assert advice in hint(tmp_path, folder)
    assets(tmp_path, tmp_path / "base").add("voc2012", folder)
    assert assets(tmp_path, tmp_path / "base").locate("voc2012") == folder.resolve()


def test_what_is_far_away_or_another_thing_is_not_named(tmp_path: Path) -> None:
    draw(tmp_path / "base" / "a" / "b" / "c" / "d" / "VOC2012")
    (tmp_path / "base" / "JPEGImages").mkdir()
    assert "say " not in hint(tmp_path, tmp_path / "base")


def test_a_wide_folder_is_not_searched_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.assets.nearby._MOST", 10)
    listed: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or scan(path))
    for number in range(40):
        (tmp_path / "base" / f"{number:02}" / "x").mkdir(parents=True)
    hint(tmp_path, tmp_path / "base")
    assert len(listed) < 15


def test_a_data_folder_that_is_none_is_named(tmp_path: Path) -> None:
    assert f"--data {tmp_path / 'none'} does not exist" in hint(tmp_path, tmp_path / "none")
    file = write(tmp_path / "VOCtrainval.tar", b"x")
    assert f"--data {file} is a file: name a folder" in hint(tmp_path, file)


def test_what_lies_near_is_not_downloaded(tmp_path: Path) -> None:
    draw(tmp_path / "base" / "X" / "VOC2012")
    found = assets(tmp_path, tmp_path / "base", urls=("https://example.invalid/voc.tar",))
    with pytest.raises(NotReadyError) as raised:
        found.fetch("voc2012")
    assert f"say --data {tmp_path / 'base' / 'X'}" in raised.value.hint
    assert f"say --data {tmp_path / 'base' / 'X'}" in found.status()[0].how

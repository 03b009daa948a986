"""The drawn data set: ids, classes, layout and the messages for wrong input."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.glue.drawn_voc import main

LABELS = {"2007_000032": (0, 14), "2007_000039": (19,), "2008_000002": (3, 7, 11)}


@pytest.fixture
def listed(tmp_path: Path) -> list[str]:
    """Arguments of the mode with labels: two training ids and one for validation."""
    vectors = {name: np.isin(np.arange(20), at).astype(np.float32) for name, at in LABELS.items()}
    np.save(tmp_path / "cls_labels.npy", np.array(vectors, dtype=object))
    train = "".join(
        f"/JPEGImages/{name}.jpg /SegmentationClassAug/{name}.png\n"
        for name in ("2007_000032", "2007_000039", "2009_000001")
    )
    (tmp_path / "train.txt").write_text(train)
    (tmp_path / "val.txt").write_text("2008_000002\n\n")
    return [
        *("--labels", str(tmp_path / "cls_labels.npy")),
        *("--train-list", str(tmp_path / "train.txt"), "--val-list", str(tmp_path / "val.txt")),
        *("--count-train", "2", "--count-val", "1", "--width", "64", "--height", "48"),
        *("--out", str(tmp_path / "voc")),
    ]


def _classes(path: Path) -> set[int]:
    with Image.open(path) as mask:
        return set(np.unique(np.asarray(mask)).tolist()) - {0, 255}


def test_classes_equal_the_labels_of_the_listed_ids(listed: list[str], tmp_path: Path) -> None:
    main(listed)
    voc = tmp_path / "voc"
    assert sorted(path.stem for path in (voc / "JPEGImages").iterdir()) == sorted(LABELS)
    for name, at in LABELS.items():
        assert _classes(voc / "SegmentationClass" / f"{name}.png") == {label + 1 for label in at}
        with Image.open(voc / "JPEGImages" / f"{name}.jpg") as image:
            width, height = image.size
        assert 56 <= width <= 64
        assert 42 <= height <= 48
    lists = voc / "ImageSets" / "Segmentation"
    assert (lists / "train.txt").read_text() == "2007_000032\n2007_000039\n"
    assert (lists / "val.txt").read_text() == "2008_000002\n"
    assert (lists / "trainval.txt").read_text() == "2007_000032\n2007_000039\n2008_000002\n"
    assert not (voc / "cls_labels.npy").exists()


def test_a_picture_does_not_depend_on_how_many_are_drawn(listed: list[str], tmp_path: Path) -> None:
    main(listed)
    fewer = [*listed, "--count-train", "1", "--out", str(tmp_path / "fewer")]
    main(fewer)
    one, other = (tmp_path / at / "JPEGImages/2008_000002.jpg" for at in ("voc", "fewer"))
    assert one.read_bytes() == other.read_bytes()


def test_drawn_classes_are_written_as_labels(tmp_path: Path) -> None:
    counts = ("--count-train", "10", "--count-val", "5", "--width", "48", "--height", "40")
    main(["--classes", "3", *counts, "--seed", "7", "--out", str(tmp_path)])
    vectors = np.load(tmp_path / "cls_labels.npy", allow_pickle=True).item()
    names = (tmp_path / "ImageSets/Segmentation/trainval.txt").read_text().split()
    assert list(vectors) == names
    assert len(names) == 15
    for name in names:
        assert vectors[name].dtype == np.float32
        assert vectors[name].shape == (3,)
        seen = _classes(tmp_path / "SegmentationClass" / f"{name}.png")
        assert seen == {int(at) + 1 for at in np.flatnonzero(vectors[name])}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--count-train", "4"], "train.txt has 3 ids, expected at least 4"),
        (["--count-train", "3"], "has no class for id 2009_000001"),
        (["--count-val", "0"], "must be at least 1"),
        (["--test-list", "test.txt"], "not allowed with argument --labels"),
        (["--width", "20"], "pixels each way"),
        (["--labels", "absent.npy"], "absent.npy"),
        (["--classes", "3"], "not allowed with argument"),
    ],
)
def test_wrong_input_is_named(
    listed: list[str], changes: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*listed, *changes])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_labels_need_lists(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    counts = ("--count-train", "1", "--count-val", "1", "--width", "48", "--height", "40")
    with pytest.raises(SystemExit):
        main(["--labels", "labels.npy", *counts, "--out", str(tmp_path)])
    assert "--labels needs --train-list and --val-list" in capsys.readouterr().err


def test_the_test_split_has_pictures_and_no_masks(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text("/JPEGImages/2008_000006.jpg\n/JPEGImages/2008_000011.jpg\n")
    given = ["--test-list", str(tmp_path / "test.txt"), "--count-test", "1"]
    main([*given, "--width", "48", "--height", "40", "--out", str(tmp_path / "voc")])
    files = sorted(path for path in (tmp_path / "voc").rglob("*") if path.is_file())
    assert [str(path.relative_to(tmp_path / "voc")) for path in files] == [
        "ImageSets/Segmentation/test.txt",
        "JPEGImages/2008_000006.jpg",
    ]
    assert files[0].read_text() == "2008_000006\n"


def test_with_real_sizes_pictures_are_as_large_as_vocs(listed: list[str], tmp_path: Path) -> None:
    at = listed.index("--width")
    main([*listed[:at], *listed[at + 4 :], "--real-sizes"])
    sizes = {}
    for path in (tmp_path / "voc" / "JPEGImages").iterdir():
        with Image.open(path) as image:
            sizes[path.stem] = image.size
    # ids with classes that no other has come first; 2009_000001 has no label
    assert sizes == {
        "2007_000032": (500, 500),
        "2007_000039": (142, 71),
        "2008_000002": (500, 500),
    }


@pytest.mark.parametrize("more", [["--real-sizes"], ["--width", "0"]])
def test_sizes_are_given_in_one_way(
    listed: list[str], more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*listed, *more])
    assert ended.value.code == 2
    assert "--real-sizes" in capsys.readouterr().err

"""Scores of folders against naive definitions, and every input that must not be scored."""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from harness.metrics.errors import ScoreError
from harness.metrics.input_files import THRESHOLDS, read_list
from harness.metrics.score import main, score_folder
from harness.readers.palettes import VOC

from .definitions import defined_f, defined_j

Labels = NDArray[np.uint8]
KINDS = ["blocks", "blocks", "noise", "pixel", "full", "void", "background"]
IMAGES = st.lists(
    st.tuples(
        st.integers(1, 13), st.integers(1, 17), st.sampled_from(KINDS), st.sampled_from(KINDS)
    ),
    min_size=1,
    max_size=4,
)


def draw_labels(rng: np.random.Generator, size: tuple[int, int], kind: str) -> Labels:
    """Draw a label image: random blocks or noise, one pixel, one class, only void, nothing."""
    labels = np.zeros(size, dtype=np.uint8)
    if kind == "noise":
        return rng.choice(np.array([0, 1, 5, 20, 255], dtype=np.uint8), size)
    if kind == "pixel":
        labels[rng.integers(size[0]), rng.integers(size[1])] = 7
    if kind == "full":
        labels[:] = 3
    if kind == "void":
        labels[:] = 255
    if kind == "blocks":
        for value in (1, 5, 255, 20):
            top, left = rng.integers(size[0]), rng.integers(size[1])
            bottom, right = rng.integers(top, size[0] + 1), rng.integers(left, size[1] + 1)
            labels[top:bottom, left:right] = value
    return labels


def save(labels: Labels, file: Path) -> None:
    image = Image.fromarray(labels)
    image.save(file)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return make_folders(tmp_path)


def make_folders(base: Path) -> tuple[Path, Path]:
    pred, gt = base / "pred", base / "gt"
    pred.mkdir()
    gt.mkdir()
    return pred, gt


@settings(max_examples=60)
@given(images=IMAGES, seed=st.integers(0, 2**31))
def test_png_scores_equal_their_definitions(images: list[Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = [
        (draw_labels(rng, (height, width), mine), draw_labels(rng, (height, width), true))
        for height, width, mine, true in images
    ]
    with TemporaryDirectory() as name:
        pred, gt = make_folders(Path(name))
        for index, (predicted, truth) in enumerate(pairs):
            save(predicted, pred / f"{index}.png")
            save(truth, gt / f"{index}.png")
        ids = [str(index) for index in range(len(pairs))]
        scores = score_folder(pred, gt, ids, allow_void=True, workers=1)
    assert (scores.region[0] / 100).tolist() == pytest.approx(defined_j(pairs, 21), abs=1e-15)
    outlines, single = defined_f(pairs, 21)
    assert (scores.outline[0] / 100).tolist() == pytest.approx(outlines, abs=1e-15)
    assert scores.davis == (pytest.approx(100 * np.mean(single)) if single else None)
    assert pytest.approx((scores.J + scores.F) / 2) == scores.JF


def cam_labels(cam: dict[int, Any], size: tuple[int, int], threshold: float) -> Labels:
    """Return the prediction of a CAM at one threshold by the definition."""
    scores = np.zeros((21, *size), dtype=np.float32)
    for key, values in cam.items():
        scores[key + 1] = values
    scores[0] = threshold
    return scores.argmax(axis=0).astype(np.uint8)


@settings(max_examples=15)
@given(images=IMAGES, seed=st.integers(0, 2**31), step=st.sampled_from([0.01, 0.07, 0.0]))
def test_curve_of_cams_equals_one_scoring_per_threshold(
    images: list[Any], seed: int, step: float
) -> None:
    rng = np.random.default_rng(seed)
    cams, truths = [], []
    for height, width, _, true in images:
        size = (height, width)
        keys = rng.choice(20, size=int(rng.integers(0, 4)), replace=False)
        cam = {int(key): rng.random(size, dtype=np.float32) - np.float32(0.2) for key in keys}
        if step:  # values on the thresholds themselves, and ties between classes
            cam = {key: (values / step).round() * np.float32(step) for key, values in cam.items()}
        cams.append({key: values.astype(np.float32) for key, values in cam.items()})
        truths.append(draw_labels(rng, size, true))
    with TemporaryDirectory() as name:
        pred, gt = make_folders(Path(name))
        for index, (cam, truth) in enumerate(zip(cams, truths, strict=True)):
            np.save(pred / f"{index}.npy", cam, allow_pickle=True)  # type: ignore[arg-type]
            save(truth, gt / f"{index}.png")
        ids = [str(index) for index in range(len(cams))]
        scores = score_folder(pred, gt, ids, kind="cam", curve=True, workers=1)
    for number in (0, 1, 7, 14, 25, 42, 59):
        pairs = [
            (cam_labels(cam, truth.shape, THRESHOLDS[number]), truth)
            for cam, truth in zip(cams, truths, strict=True)
        ]
        regions = (scores.region[number] / 100).tolist()
        assert regions == pytest.approx(defined_j(pairs, 21), abs=1e-15)
        outlines, _ = defined_f(pairs, 21)
        assert (scores.outline[number] / 100).tolist() == pytest.approx(outlines, abs=1e-15)
    found = scores.as_dict()
    assert found["scores"]["J"] == max(found["curve"]["J"])
    assert found["scores"]["F"] == found["curve"]["F"][25]
    best = found["curve"]["J"].index(found["scores"]["J"])
    assert found["extra"]["threshold_J"] == THRESHOLDS[best]
    assert found["extra"]["F_at_best_J"] == found["curve"]["F"][best]


def fill(pred: Path, gt: Path, count: int = 70, size: tuple[int, int] = (20, 31)) -> list[str]:
    rng = np.random.default_rng(2)
    ids = [f"2007_{index:06}" for index in range(count)]
    for name in ids:
        predicted = draw_labels(rng, size, "blocks")
        save(np.where(predicted == 255, 7, predicted).astype(np.uint8), pred / f"{name}.png")
        save(draw_labels(rng, size, "blocks"), gt / f"{name}.png")
    return ids


def test_processes_and_progress_change_no_digit(folders: tuple[Path, Path]) -> None:
    ids = fill(*folders)
    seen: list[tuple[int, int]] = []
    alone = score_folder(*folders, ids, workers=1)
    many = score_folder(*folders, ids, workers=2, progress=lambda *done: seen.append(done))
    assert many.as_dict() == alone.as_dict()
    assert seen == [(16, 70), (32, 70), (48, 70), (64, 70), (70, 70)]


def test_an_error_in_a_process_reaches_the_caller(folders: tuple[Path, Path]) -> None:
    ids = fill(*folders)
    (folders[0] / f"{ids[40]}.png").write_bytes(b"no picture")
    with pytest.raises(ScoreError, match=ids[40]):
        score_folder(*folders, ids, workers=2)


def test_palette_pngs_are_read_by_index(folders: tuple[Path, Path]) -> None:
    labels = draw_labels(np.random.default_rng(0), (9, 9), "noise")
    save(labels, folders[1] / "a.png")
    image = Image.fromarray(labels)
    image.putpalette([channel for colour in VOC for channel in colour])
    image.save(folders[0] / "a.png")
    with Image.open(folders[0] / "a.png") as written:
        assert written.mode == "P"
    assert score_folder(*folders, ["a"], allow_void=True).davis == 100


def test_fewer_classes_are_scored_by_number(folders: tuple[Path, Path]) -> None:
    labels = np.array([[0, 0, 1], [0, 2, 2], [0, 2, 2]], dtype=np.uint8)
    save(labels, folders[0] / "a.png")
    save(labels, folders[1] / "a.png")
    found = score_folder(*folders, ["a"], classes=3).as_dict()
    assert found["scores"] == {"J": 100, "F": 100, "JF": 100}
    assert list(found["per_class"]) == ["0", "1", "2"]


def spoil_png(folder: Path, kind: str) -> None:
    labels = np.zeros((20, 31), dtype=np.uint8)
    file = folder / "2007_000001.png"
    if kind == "size":
        save(labels[1:], file)
    elif kind == "value":
        labels[3, 3] = 21
        save(labels, file)
    elif kind == "rgb":
        Image.fromarray(np.zeros((20, 31, 3), dtype=np.uint8)).save(file)
    elif kind == "jpeg":
        Image.fromarray(labels).save(file, format="JPEG")
    elif kind == "cut":
        file.write_bytes(file.read_bytes()[:60])
    elif kind == "missing":
        file.unlink()
    elif kind == "extra":
        save(labels, folder / "2007_000001x.png")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("size", "19 x 31; its ground truth is 20 x 31"),
        ("value", "contains 21; expected 0..20 or 255"),
        ("rgb", "found a PNG of 8-bit RGB; expected 8-bit grey (mode L) or a palette"),
        ("jpeg", "found a JPEG image"),
        ("cut", "cannot be read"),
        ("missing", "is missing"),
        ("extra", "is not in the list"),
    ],
)
def test_unusable_pngs_are_refused_by_name(
    folders: tuple[Path, Path], kind: str, message: str
) -> None:
    ids = fill(*folders, count=3)
    spoil_png(folders[0], kind)
    with pytest.raises(ScoreError, match=re.escape(message)) as caught:
        score_folder(*folders, ids)
    assert "2007_000001" in str(caught.value)


def test_void_in_predictions_is_refused_unless_allowed(folders: tuple[Path, Path]) -> None:
    ids = fill(*folders, count=3)
    labels = np.zeros((20, 31), dtype=np.uint8)
    labels[:2] = 255
    save(labels, folders[0] / f"{ids[1]}.png")
    with pytest.raises(ScoreError, match=rf"{ids[1]}.png contains 255 \(void\) in 62 of 620"):
        score_folder(*folders, ids)
    assert score_folder(*folders, ids, allow_void=True).images == 3


def test_hidden_files_do_not_count_and_other_suffixes_are_named(
    folders: tuple[Path, Path],
) -> None:
    ids = fill(*folders, count=3)
    before = score_folder(*folders, ids).as_dict()
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", f"._{ids[0]}.png"):
        (folders[0] / name).write_bytes(b"stray")
    (folders[0] / "@eaDir").mkdir()
    assert score_folder(*folders, ids).as_dict() == before
    (folders[0] / f"{ids[1]}.png").rename(folders[0] / f"{ids[1]}.PNG")
    with pytest.raises(ScoreError, match=rf"is missing \(there is {ids[1]}.PNG: rename it\)"):
        score_folder(*folders, ids)


def test_a_folder_under_the_name_of_a_prediction_is_missing(folders: tuple[Path, Path]) -> None:
    ids = fill(*folders, count=3)
    (folders[0] / f"{ids[1]}.png").unlink()
    (folders[0] / f"{ids[1]}.png").mkdir()
    with pytest.raises(ScoreError, match=f"{ids[1]}.png is missing"):
        score_folder(*folders, ids)


def test_other_predictions_may_be_allowed(folders: tuple[Path, Path]) -> None:
    ids = fill(*folders, count=3)
    found = score_folder(*folders, ids[:2], allow_extra=True)
    assert found.images == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({0: np.zeros((4, 5), dtype=np.float32)}, "floats 5 x 4"),
        ({20: np.zeros((5, 4), dtype=np.float32)}, "class 20"),
        ({"a": np.zeros((5, 4), dtype=np.float32)}, "the name 'a'"),
        ({0: np.zeros((5, 4), dtype=np.uint8)}, "uint8"),
        ({0: np.full((5, 4), np.nan, dtype=np.float32)}, "not finite"),
        ([1, 2], "expected a dict"),
    ],
)
def test_unusable_cams_are_refused_by_name(
    folders: tuple[Path, Path], content: Any, message: str
) -> None:
    save(np.zeros((5, 4), dtype=np.uint8), folders[1] / "a.png")
    np.save(folders[0] / "a.npy", content, allow_pickle=True)
    with pytest.raises(ScoreError, match=message) as caught:
        score_folder(*folders, ["a"], kind="cam")
    assert "a.npy" in str(caught.value)


def test_damaged_cam_is_refused(folders: tuple[Path, Path]) -> None:
    save(np.zeros((5, 4), dtype=np.uint8), folders[1] / "a.png")
    (folders[0] / "a.npy").write_bytes(b"nothing")
    with pytest.raises(ScoreError, match="is not a CAM file: found no npy header"):
        score_folder(*folders, ["a"], kind="cam")


@pytest.mark.parametrize(
    ("ids", "options", "message"),
    [
        ([], {}, "names no image"),
        (["a", "a"], {}, "a twice"),
        (["a"], {"kind": "jpg"}, "expected one of png, cam"),
        (["a"], {"curve": True}, "only CAMs"),
    ],
)
def test_unusable_requests_are_refused(
    folders: tuple[Path, Path], ids: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScoreError, match=message):
        score_folder(*folders, ids, **options)


def test_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="is not a folder"):
        score_folder(tmp_path / "none", tmp_path, ["a"])


def test_lists_hold_ids_or_paths(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text(
        "/JPEGImages/2007_000032.jpg /SegmentationClassAug/2007_000032.png\n\n2007_000039\n"
    )
    assert read_list(file) == ("2007_000032", "2007_000039")
    file.write_text("\n")
    with pytest.raises(ScoreError, match=re.escape("list.txt: names no image")):
        read_list(file)
    with pytest.raises(ScoreError, match="cannot be read"):
        read_list(tmp_path / "other.txt")


def test_command_line_writes_scores(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = fill(*folders, count=3)
    (tmp_path / "list").write_text("\n".join(ids))
    arguments = ["--pred", str(folders[0]), "--gt", str(folders[1])]
    arguments += ["--list", str(tmp_path / "list"), "--out", str(tmp_path / "scores.json")]
    assert main(arguments) == 0
    found = json.loads((tmp_path / "scores.json").read_text())
    assert set(found["scores"]) == {"J", "F", "JF"}
    assert set(found["per_class"]["person"]) == {"J", "F"}
    assert found["per_class"]["background"]["F"] is None
    captured = capsys.readouterr()
    assert captured.out.startswith("J ")
    assert "scored 3/3" in captured.err
    (folders[0] / f"{ids[0]}.png").unlink()
    assert main(arguments) == 2
    assert f"{ids[0]}.png is missing" in capsys.readouterr().err


def test_threads_of_opencv_are_as_before(tmp_path: Path) -> None:
    folders = make_folders(tmp_path)
    ids = fill(*folders, count=3)
    before = cv2.getNumThreads()
    score_folder(*folders, ids)
    assert cv2.getNumThreads() == before

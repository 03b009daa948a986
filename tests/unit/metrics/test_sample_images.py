"""A few scored images are kept to look at."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.metrics.sample_images import keep, sampled
from harness.metrics.score import main


def test_ids_are_spread_evenly_and_the_same_for_equal_lists() -> None:
    ids = [f"{number:04d}" for number in range(1464)]
    found = sampled(ids)
    assert len(found) == len(set(found)) == 32
    assert found == sampled(ids)
    gaps = np.diff([int(name) for name in found])
    assert set(gaps) == {45, 46}
    assert sampled(ids[:5]) == tuple(ids[:5])
    assert sampled(ids, 3) == ("0000", "0488", "0976")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    values = np.array([[0, 20, 255], [1, 1, 1]], np.uint8)
    for folder in ("pred", "gt"):
        (tmp_path / folder).mkdir()
        Image.fromarray(values).save(tmp_path / folder / "a.png")
    (tmp_path / "list.txt").write_text("a\n")
    return tmp_path


def test_label_maps_are_kept_as_they_are(labels: Path) -> None:
    words = ["--pred", "pred", "--gt", "gt", "--list", "list.txt", "--samples", "s/p", "--out", "o"]
    place = [str(labels / word) if not word.startswith("--") else word for word in words]
    assert main([*place, "--quiet", "--allow-void"]) == 0
    kept = Image.open(labels / "s" / "p" / "a.png")
    np.testing.assert_array_equal(np.array(kept), np.array(Image.open(labels / "pred" / "a.png")))


def test_cams_are_kept_one_picture_a_class(tmp_path: Path) -> None:
    maps = {3: np.array([[-0.2, 0.5], [1.0, 2.0]], np.float16), 19: np.zeros((2, 2), np.float32)}
    np.save(tmp_path / "a.npy", np.array(maps, dtype=object), allow_pickle=True)
    keep(tmp_path, ["a"], "cam", 21, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"a-4.png", "a-20.png"}
    assert np.array(Image.open(tmp_path / "out" / "a-4.png")).tolist() == [[0, 128], [255, 255]]

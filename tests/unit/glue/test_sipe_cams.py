"""SIPE's CAMs as SEAM's dictionaries and as labels, from small files of SIPE's format."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.glue.sipe_cams import main

KEYS = np.array([0, 3, 20])
#: Background, class 2 and class 19 at four pixels: each wins one, the last is a tie of all.
MAPS = np.array(
    [[[0.5, 0.1, 0.2, 0.3]], [[0.2, 0.7, 0.1, 0.3]], [[0.1, 0.2, 0.9, 0.3]]], np.float32
)


def run(folder: Path, content: dict[str, Any]) -> None:
    """Run the tool on one file."""
    (folder / "ids.txt").write_text("2007_000032\n")
    np.save(folder / "2007_000032.npy", content)  # type: ignore[arg-type]
    main([f"--cams={folder}", f"--ids={folder / 'ids.txt'}", f"--out={folder}"])


def test_class_maps_count_from_zero_and_leave_the_background_out(tmp_path: Path) -> None:
    run(tmp_path, {"keys": KEYS, "IS_CAM": MAPS})
    found = np.load(tmp_path / "cam" / "2007_000032.npy", allow_pickle=True).item()
    assert sorted(found) == [2, 19]
    assert found[2].dtype == np.float32
    assert (found[2] == MAPS[1]).all()
    assert (found[19] == MAPS[2]).all()


def test_labels_are_the_keys_of_the_highest_maps(tmp_path: Path) -> None:
    run(tmp_path, {"keys": KEYS, "IS_CAM": MAPS})
    with Image.open(tmp_path / "labels" / "2007_000032.png") as image:
        assert image.mode == "L"
        assert np.asarray(image).tolist() == [[0, 3, 20, 0]]


@pytest.mark.parametrize(
    "content", [{"keys": KEYS[1:], "IS_CAM": MAPS[1:]}, {"keys": KEYS, "IS_CAM": MAPS[:2]}]
)
def test_a_file_that_does_not_fit_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: dict[str, Any]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, content)
    assert ended.value.code == 2
    assert "2007_000032: expected one map per key, 0 first" in capsys.readouterr().err

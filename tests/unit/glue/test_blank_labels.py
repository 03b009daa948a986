"""Blank labels beside pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.glue import blank_labels


def test_each_listed_picture_gets_zeros_of_its_size(tmp_path: Path) -> None:
    for name, size in (("2008_000001", (5, 4)), ("2008_000002", (3, 7)), ("2008_000003", (2, 2))):
        Image.new("RGB", size).save(tmp_path / f"{name}.jpg")
    (tmp_path / "test.txt").write_text("2008_000001\n2008_000002\n")
    given = ["--list", str(tmp_path / "test.txt"), "--images", str(tmp_path)]
    blank_labels.main([*given, "--out", str(tmp_path / "out")])
    labels = tmp_path / "out" / "labels"
    assert sorted(file.name for file in labels.iterdir()) == ["2008_000001.png", "2008_000002.png"]
    with Image.open(labels / "2008_000002.png") as label:
        assert (label.mode, label.size, np.unique(np.array(label)).tolist()) == ("L", (3, 7), [0])
    assert (tmp_path / "out" / "lines.txt").read_text().splitlines() == [
        "/JPEGImages/2008_000001.jpg /SegmentationClassAug/2008_000001.png",
        "/JPEGImages/2008_000002.jpg /SegmentationClassAug/2008_000002.png",
    ]


def test_a_missing_picture_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test.txt").write_text("2008_000009\n")
    with pytest.raises(SystemExit):
        blank_labels.main(
            [f"--list={tmp_path}/test.txt", f"--images={tmp_path}", f"--out={tmp_path}"]
        )
    assert "2008_000009.jpg" in capsys.readouterr().err

"""The choice among an mmseg training's checkpoints."""

import json
from pathlib import Path

import pytest
import torch

from harness.glue.mmseg_checkpoint import chosen, main

META = {"CLASSES": ("background", "cat"), "PALETTE": [[0, 0, 0], [64, 0, 0]], "time": "now"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three checkpoints and a log in which iterations 4 and 10 score best."""
    for iteration in (2, 4, 10):
        state = {"conv.weight": torch.full((2,), float(iteration))}
        saved = {"state_dict": state, "meta": {**META, "iter": iteration}, "optimizer": {}}
        torch.save(saved, tmp_path / f"iter_{iteration}.pth")
    log(tmp_path, {2: 0.5, 4: 0.6, 10: 0.6})
    return tmp_path


def log(folder: Path, scores: dict[int, float], name: str = "20240101_000000") -> None:
    lines = [json.dumps({"env_info": "any"}), json.dumps({"mode": "train", "iter": 2, "loss": 1})]
    lines += [
        json.dumps({"mode": "val", "iter": at, "mIoU": value}) for at, value in scores.items()
    ]
    (folder / f"{name}.log.json").write_text("\n".join(lines))


def test_the_last_is_the_highest_iteration_whatever_the_log_says(folder: Path) -> None:
    next(folder.glob("*.log.json")).unlink()
    assert chosen(folder, "last") == (10, folder / "iter_10.pth")


def test_the_best_scores_highest_and_is_the_later_of_equals(folder: Path) -> None:
    assert chosen(folder, "best")[0] == 10
    log(folder, {2: 0.7, 4: 0.6, 10: 0.6})
    assert chosen(folder, "best")[0] == 2


def test_what_is_written_has_weights_and_classes_and_no_time(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "chosen.pth"
    main(["--folder", str(folder), "--choose", "best", "--out", str(out)])
    saved = torch.load(out, weights_only=True)
    assert saved["state_dict"]["conv.weight"].tolist() == [10.0, 10.0]
    kept = {name: META[name] for name in ("CLASSES", "PALETTE")}
    assert saved["meta"] == {**kept, "iter": 10}


def test_nothing_to_choose_from_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log(folder, {})
    arguments = ["--folder", str(folder), "--choose", "best", "--out", "x"]
    with pytest.raises(SystemExit):
        main(arguments)
    assert "never evaluated" in capsys.readouterr().err
    log(folder, {12: 0.9})
    with pytest.raises(ValueError, match="no checkpoint of iteration 12"):
        chosen(folder, "best")
    log(folder, {2: 0.9}, name="second")
    with pytest.raises(ValueError, match="2 logs"):
        chosen(folder, "best")

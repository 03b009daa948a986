"""Losses are read from the logs of every repository."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.loss_log import FEWEST, read_losses, thinned


def written(tmp_path: Path, text: str) -> Path:
    log = tmp_path / "output.log"
    log.write_text(text)
    return log


@pytest.mark.parametrize(
    "line",
    [
        "epoch 1/15 loss 0.5",  # the demo
        "Iter:    0/ 1000 Loss:0.5000 0.1 0.2 0.3 imps:1.0 Fin:Sun lr: 0.0100",  # SEAM, PMM
        "step:   50/ 3300 lossCLS:0.5000 lossGSC:0.1000 imps:9.0",  # SIPE
        "Epoch: [0]  [  0/100]  lr: 0.1  mct_loss: 9.0 loss: 0.5000 (0.4) time: 1",  # MCTformer
        "12%|#  | 1/9 [00:01<00:08, loss=0.5 , lr=0.1]\r",  # semantic-segmentation-codebase
        "Iter [50/20000] lr: 1e-03, decode.loss_seg: 9.0, decode.acc_seg: 9, loss: 5.0e-1",  # MMSeg
    ],
)
def test_formats_of_the_repositories(tmp_path: Path, line: str) -> None:
    assert read_losses(written(tmp_path, f"{line}\n" * FEWEST)) == (0.5,) * FEWEST


def test_a_few_values_or_none_are_no_curve(tmp_path: Path) -> None:
    assert read_losses(written(tmp_path, "loss 1.0\n" * (FEWEST - 1))) == ()
    assert read_losses(written(tmp_path, "lossless 12 images\nno loss here\n" * 9)) == ()


def test_what_is_not_finite_stays(tmp_path: Path) -> None:
    found = read_losses(written(tmp_path, "loss 1.0\n" * FEWEST + "loss nan\n"))
    assert math.isnan(found[-1])


@given(st.lists(st.floats(-9, 9), max_size=300), st.integers(1, 40))
def test_thinning_keeps_the_range_and_short_curves(values: list[float], points: int) -> None:
    found = thinned(values, points)
    assert len(found) == min(len(values), points)
    if len(values) <= points:
        assert found == tuple(values)
    else:
        assert min(values) - 1e-9 <= min(found) <= max(found) <= max(values) + 1e-9

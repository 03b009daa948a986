"""The hook for mmseg: predictions that nobody reads, the under-fitting test per group."""

import sys
import types
from typing import Any

import pytest
import torch

from harness.site.hooks import mmseg

NAMED = {"pus_type": "clamp", "reduction": "mean", "avg_factor": None}


def collect(model: torch.nn.Module, loader: list[int]) -> list[Any]:
    """As mmseg does: a batch's predictions are a list, all are collected."""
    found: list[Any] = []
    for batch in loader:
        found.extend(model(batch))
    return found


class Doubled(torch.nn.Module):
    """Notes what it sees and predicts the double."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, batch: int) -> list[int]:
        self.seen.append(batch)
        return [2 * batch]


@pytest.mark.parametrize(("flag", "expected"), [("--format-only", []), ("--eval", [2, 4])])
def test_predictions_are_dropped_where_they_are_only_formatted(
    monkeypatch: pytest.MonkeyPatch, flag: str, expected: list[int]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tools/test.py", flag])
    module, model = types.SimpleNamespace(multi_gpu_test=collect), Doubled()
    mmseg.ACTIONS["mmseg.apis.test"](module)
    assert module.multi_gpu_test(model, [1, 2]) == expected
    assert model.seen == [1, 2]


def clamped(pred: Any, label: Any, weight: Any = None, **settings: Any) -> Any:
    """A mean that is halved where it is below 1: not linear in the images."""
    mean = (pred - label).mean()
    return mean / 2 if settings.get("pus_type") and mean < 1 else mean


def grouped(monkeypatch: pytest.MonkeyPatch, group: str | None) -> Any:
    monkeypatch.delenv("HARNESS_PUS_GROUP", raising=False)
    if group is not None:
        monkeypatch.setenv("HARNESS_PUS_GROUP", group)
    module = types.SimpleNamespace(cross_entropy=clamped, torch=torch)
    mmseg.ACTIONS["mmseg.models.losses.cross_entropy_loss"](module)
    return module.cross_entropy


PRED, LABEL = torch.tensor([0.2, 0.6, 4.0, 2.0]), torch.zeros(4)


def test_each_group_is_tested_by_its_own_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = grouped(monkeypatch, "2")
    assert loss(PRED, LABEL, **NAMED).item() == pytest.approx((0.4 / 2 + 3.0) / 2)
    assert loss(PRED[:2], LABEL[:2], **NAMED).item() == pytest.approx(0.4 / 2)
    assert loss(PRED[:1], LABEL[:1], **NAMED).item() == pytest.approx(0.2 / 2)


def test_a_loss_without_the_test_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = grouped(monkeypatch, "2")
    assert loss(PRED[:3], LABEL[:3], pus_type="").item() == pytest.approx(1.6)


@pytest.mark.parametrize("group", [None, "process"])
def test_a_process_is_the_group_unless_told(
    monkeypatch: pytest.MonkeyPatch, group: str | None
) -> None:
    assert grouped(monkeypatch, group) is clamped


@pytest.mark.parametrize(
    ("images", "settings", "message"),
    [
        (3, {}, "3 images cannot be split into groups of 2"),
        (4, {"reduction": "sum"}, "unweighted mean"),
        (4, {"avg_factor": 3.0}, "unweighted mean"),
        (4, {"weight": torch.ones(4)}, "unweighted mean"),
    ],
)
def test_what_processes_would_not_average_is_refused(
    monkeypatch: pytest.MonkeyPatch, images: int, settings: dict[str, Any], message: str
) -> None:
    loss = grouped(monkeypatch, "2")
    with pytest.raises(ValueError, match=message):
        loss(PRED[:images], LABEL[:images], **{**NAMED, **settings})

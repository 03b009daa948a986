"""Contract of class ratios: Spatial-BCE's dict of foreground shares, and every fault in it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.contracts import ContractError, check
from harness.manifest.contract import NpyRatios

IDS = ("2007_000032", "2007_000039")


def row(**shares: float) -> list[np.float64]:
    """Twenty shares as upstream writes them, `c14=0.25` for class 14."""
    return [np.float64(shares.get(f"c{number}", 0)) for number in range(20)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A list and the image labels: classes 0 and 14; 19."""
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    labels = {name: np.zeros(20, np.float32) for name in IDS}
    labels[IDS[0]][[0, 14]] = 1
    labels[IDS[1]][19] = 1
    np.save(tmp_path / "labels.npy", labels)
    return tmp_path


def checked(out: Path, content: Any, labels: str | None = "labels.npy") -> dict[str, object]:
    np.save(out / "ratios.npy", content)
    contract = NpyRatios(kind="npy-ratios", ids="ids.txt", labels=labels)
    return dict(check(contract, out / "ratios.npy", lambda template: out / template))


def test_sound_ratios_pass_and_say_what_was_seen(out: Path) -> None:
    content = {IDS[0]: row(c0=0.25, c14=0.5), IDS[1]: [0.0] * 19 + [1.0]}
    assert checked(out, content) == {"count": 2, "high": 1.0}


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({}, "2 missing"),
        ({IDS[0]: row()}, IDS[1]),
        ({IDS[0]: row(), IDS[1]: row(), "2007_000063": row()}, "2007_000063"),
        ({IDS[0]: row(), IDS[1]: row()[:-1]}, "20 numbers"),
        ({IDS[0]: row(), IDS[1]: 0.5}, "20 numbers"),
        ({IDS[0]: row(), IDS[1]: ["x"] * 20}, "20 numbers"),
        ({IDS[0]: row(), IDS[1]: row(c19=1.5)}, "from 0 to 1"),
        ({IDS[0]: row(), IDS[1]: row(c19=-0.5)}, "from 0 to 1"),
        ({IDS[0]: row(), IDS[1]: row(c19=np.nan)}, "from 0 to 1"),
        ({IDS[0]: row(c3=0.5), IDS[1]: row()}, "[3]"),
    ],
)
def test_every_fault(out: Path, wrong: Any, word: str) -> None:
    with pytest.raises(ContractError) as raised:
        checked(out, wrong)
    assert "ratios.npy" in str(raised.value)
    assert "npy-ratios" in str(raised.value)
    assert word in str(raised.value)


def test_without_labels_any_class_may_cover(out: Path) -> None:
    assert checked(out, {IDS[0]: row(c3=0.5), IDS[1]: row()}, labels=None)["high"] == 0.5

"""--gpus and CUDA_VISIBLE_DEVICES, as CUDA reads it."""

from typing import Any

import pytest

from harness.errors import NotReadyError, UsageError
from harness.gpus.selection import choose, visible
from harness.plan.compatibility import Gpu


def card(index: int, uuid: str, name: str = "Card") -> Gpu:
    fields: dict[str, Any] = {"memory_gb": 80.0, "capability": (9, 0), "driver": "580"}
    return Gpu(uuid=uuid, index=index, name=name, **fields)


CARDS = (card(0, "GPU-aa11"), card(1, "GPU-ab22"), card(2, "GPU-b333"))
SPLIT = (card(0, "MIG-one"), card(0, "MIG-two"), card(1, "GPU-ab22"))


def uuids(cards: tuple[Gpu, ...]) -> list[str]:
    return [one.uuid for one in cards]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, ["GPU-aa11", "GPU-ab22", "GPU-b333"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("1", ["GPU-ab22"]),
        ("2,0", ["GPU-b333", "GPU-aa11"]),
        ("0,-1,1", ["GPU-aa11"]),  # nothing counts behind a negative index
        (" 0 , 1 ", ["GPU-aa11", "GPU-ab22"]),
        ("0,0", ["GPU-aa11"]),
        ("GPU-b333", ["GPU-b333"]),
        ("GPU-b", ["GPU-b333"]),
    ],
)
def test_an_outer_variable(text: str | None, found: list[str]) -> None:
    environ = {} if text is None else {"CUDA_VISIBLE_DEVICES": text}
    assert uuids(visible(CARDS, environ)) == found


@pytest.mark.parametrize(
    ("text", "says"), [("7", "no GPU"), ("GPU-a", "several"), ("GPU-z", "no GPU")]
)
def test_what_cuda_would_silently_leave_out(text: str, says: str) -> None:
    with pytest.raises(NotReadyError, match=f"CUDA_VISIBLE_DEVICES={text}.*{says}") as raised:
        visible(CARDS, {"CUDA_VISIBLE_DEVICES": text})
    assert "0 = GPU-aa11" in raised.value.hint


def test_without_gpus_the_variable_does_not_matter() -> None:
    assert visible((), {"CUDA_VISIBLE_DEVICES": "7"}) == ()


def test_indices_of_different_cards_need_an_order() -> None:
    cards = (card(0, "GPU-a", "Slow"), card(1, "GPU-b", "Fast"))
    with pytest.raises(NotReadyError, match="order"):
        visible(cards, {"CUDA_VISIBLE_DEVICES": "0"})
    ordered = {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert uuids(visible(cards, ordered)) == ["GPU-a"]
    assert uuids(visible(cards, {"CUDA_VISIBLE_DEVICES": "GPU-b"})) == ["GPU-b"]


def test_instances() -> None:
    assert uuids(visible(SPLIT, {"CUDA_VISIBLE_DEVICES": "MIG-two"})) == ["MIG-two"]
    assert uuids(choose(SPLIT, "MIG-one,1")) == ["MIG-one", "GPU-ab22"]
    with pytest.raises(UsageError, match="several"):
        choose(SPLIT, "0")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (None, ["GPU-aa11", "GPU-ab22", "GPU-b333"]),
        ("1", ["GPU-ab22"]),
        ("GPU-b333,0", ["GPU-b333", "GPU-aa11"]),
    ],
)
def test_asked_for(asked: str | None, found: list[str]) -> None:
    assert uuids(choose(CARDS, asked)) == found


@pytest.mark.parametrize("asked", ["3", "", "x", "GPU-a", "0,,1", "aa11"])
def test_asked_for_what_is_not_there(asked: str) -> None:
    with pytest.raises(UsageError, match=f"--gpus {asked}"):
        choose(CARDS, asked)


def test_asked_for_within_what_the_variable_leaves() -> None:
    left = visible(CARDS, {"CUDA_VISIBLE_DEVICES": "1,2"})
    assert uuids(choose(left, "2")) == ["GPU-b333"]
    with pytest.raises(UsageError, match="--gpus 0"):
        choose(left, "0")

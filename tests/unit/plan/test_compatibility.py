"""The GPU rule: which stack drives which card, and what is said where it does not."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from harness.layout import ProjectLayout
from harness.manifest.catalogue import Driver, Stack
from harness.manifest.load import load_catalogue
from harness.manifest.model import Resources
from harness.plan import compatibility as gpus
from harness.plan.compatibility import Gpu
from tests import toy

STACKS = load_catalogue(ProjectLayout(Path(__file__).resolve().parents[3])).stacks
CAPABILITIES = [(7, 0), (7, 5), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0)]
DRIVEN = {
    "cu117": {(7, 0), (7, 5), (8, 6), (8, 9)},
    "cu130": {(7, 5), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0)},
}


def card(**fields: Any) -> Gpu:
    known: dict[str, Any] = {
        "uuid": "GPU-1",
        "index": 0,
        "name": "Card",
        "memory_gb": 80.0,
        "capability": (9, 0),
        "driver": "580.82.07",
    }
    return Gpu(**(known | fields))


def stack(**fields: Any) -> Stack:
    known = {"title": "x", "python": "3.11", "torch": "2", "cuda": "12.0", "base": "debian"}
    return Stack(**(known | fields))


@pytest.mark.parametrize("name", ["cu117", "cu130"])
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_which_stack_drives_which_card(name: str, capability: tuple[int, int]) -> None:
    assert gpus.drives(STACKS[name], capability) == (capability in DRIVEN[name])
    said = gpus.misfit(name, STACKS[name], card(capability=capability))
    assert (said is None) == (capability in DRIVEN[name])
    assert said is None or f"stack {name} has no code for GPU 0 (Card" in said


@pytest.mark.parametrize(
    ("arch", "capability", "driven"),
    [
        ("sm_80", (8, 9), True),
        ("sm_89", (8, 6), False),
        ("sm_86", (9, 0), False),
        ("sm_120", (12, 1), True),
        ("sm_100", (12, 0), False),
        ("sm_90a", (9, 0), True),
        ("sm_100a", (10, 3), False),
        ("sm_100f", (10, 3), True),
    ],
)
def test_machine_code(arch: str, capability: tuple[int, int], *, driven: bool) -> None:
    assert gpus.drives(stack(archs=(arch,)), capability) is driven


@pytest.mark.parametrize(
    ("ptx", "capability", "driven"),
    [
        ("compute_90", (12, 0), True),
        ("compute_90", (9, 0), True),
        ("compute_90", (8, 9), False),
        ("compute_90a", (10, 0), False),
        ("compute_100f", (10, 3), True),
        ("compute_100f", (12, 0), False),
    ],
)
def test_ptx(ptx: str, capability: tuple[int, int], *, driven: bool) -> None:
    assert gpus.drives(stack(ptx=ptx), capability) is driven


def test_a_stack_without_cuda_drives_nothing() -> None:
    assert not any(gpus.drives(STACKS["host"], capability) for capability in CAPABILITIES)
    assert "carries none" in str(gpus.misfit("host", STACKS["host"], card()))


@pytest.mark.parametrize(
    ("name", "driver", "enough"),
    [
        ("cu117", "450.80.02", True),
        ("cu117", "450.51.06", False),
        ("cu117", "580.82.07", True),  # newer drivers run older CUDA
        ("cu130", "575.57.08", False),
        ("cu130", "580.65.06", True),
        ("cu130", "1000.1", True),  # as numbers, not as texts
    ],
)
def test_drivers(name: str, driver: str, *, enough: bool) -> None:
    assert gpus.driver_suffices(STACKS[name], driver) is enough
    said = gpus.misfit(name, STACKS[name], card(capability=(8, 6), driver=driver))
    assert (said is None) is enough
    assert said is None or f"driver {driver} is too old for stack {name}" in said


def test_every_cuda_stack_says_its_driver_and_where_that_is_from() -> None:
    for name, one in STACKS.items():
        assert (one.driver is None) == (one.cuda is None), name
        assert one.driver is None or one.driver.source


@pytest.mark.parametrize(
    ("need", "measured", "memory", "enough"),
    [
        (None, None, 1.0, True),
        (16.0, None, 14.75, True),  # a T4 with error correction
        (24.0, None, 23.98, True),
        (48.0, None, 44.5, True),  # an A40
        (40.0, None, 23.98, False),
        (23.9, "H100, cu130", 23.98, True),
        (24.0, "H100, cu130", 23.98, False),  # measured is measured
    ],
)
def test_memory(need: float | None, measured: str | None, memory: float, *, enough: bool) -> None:
    resources = Resources(gpus=1, gpu_memory_gb=need, gpu_memory_measured=measured)
    one = card(memory_gb=memory)
    assert gpus.probably_has_memory(resources, one) is enough
    assert gpus.has_memory(resources, one) is (enough or measured is None)  # an estimate only warns


def steps(**resources: Any) -> Any:
    plan = toy.plan(seed=(1,))
    return [
        dataclasses.replace(step, stack="cu117", resources=Resources(gpus=1, **resources))
        for step in plan.steps.values()
    ]


def refusals(cards: list[Gpu], offered: tuple[str, ...] = ("cu117", "cu130"), **need: Any) -> Any:
    return gpus.refusals(steps(**need), STACKS, {"toy": offered}, cards)


def test_a_fitting_card_is_not_refused() -> None:
    assert refusals([card(capability=(8, 0))]) == []
    assert refusals([card(), card(capability=(7, 0))]) == []  # one of two will do


def test_a_refusal_names_the_stack_that_works() -> None:
    (said,) = refusals([card()])  # one reason, however many steps
    assert "stack cu117 has no code for GPU 0 (Card, 80.0 GB, 9.0)" in said
    assert said.endswith("; use --stack cu130")
    (said,) = refusals([card(capability=(3, 5))])
    assert said.endswith("; no stack of toy can drive it")
    (said,) = refusals([card()], ("cu117",))
    assert said.endswith("; no stack of toy can drive it")


def test_a_newer_stack_is_only_named_where_the_driver_can_run_it() -> None:
    (said,) = refusals([card(driver="535.54.03")])
    assert said.endswith("; no stack of toy can drive it")


def test_a_refusal_names_the_step_that_a_card_is_too_small_for() -> None:
    small = card(capability=(8, 6), memory_gb=11.7)
    said = refusals([small], gpu_memory_gb=40, gpu_memory_measured="H100, cu130")
    needs = "step train of toy needs 1 GPU(s) with 40 GB of memory (measured on H100, cu130)"
    assert any(needs in s for s in said)
    assert all("too small: GPU 0 (Card, 11.7 GB, 8.6)" in s for s in said)


def test_an_estimate_warns_and_refuses_nothing() -> None:
    small, large = card(capability=(8, 6), memory_gb=11.7), card(uuid="GPU-2", index=1)
    assert refusals([small], gpu_memory_gb=40) == []
    said = gpus.doubts(steps(gpu_memory_gb=40), [small])
    needs = "step train of toy probably needs 40 GB of GPU memory (estimate), more than GPU 0 (Card"
    assert any(needs in s for s in said)
    assert gpus.doubts(steps(gpu_memory_gb=40), [small, large]) == []
    assert gpus.doubts(steps(gpu_memory_gb=40, gpu_memory_measured="H100"), [small]) == []


def test_a_step_gets_a_card_that_is_probably_large_enough_if_there_is_one() -> None:
    small, large = card(memory_gb=11.7), card(uuid="GPU-2", index=1)
    need = Resources(gpus=1, gpu_memory_gb=40)
    assert gpus.suitable(need, None, [small, large]) == [large]
    assert gpus.suitable(need, None, [small]) == [small]
    assert gpus.suitable(Resources(gpus=2, gpu_memory_gb=40), None, [small, large]) == [
        small,
        large,
    ]


def test_too_few_cards() -> None:
    plan = toy.plan()
    wide = [
        dataclasses.replace(s, stack="cu117", resources=Resources(gpus=2))
        for s in plan.steps.values()
        if s.name == "score"
    ]
    offered = {"toy": ("cu117", "cu130")}
    assert gpus.refusals(wide * 2, STACKS, offered, []) == ["GPU: 2 needed, 0 found"]
    mixed = [card(), card(uuid="GPU-2", index=1, capability=(8, 6))]
    (said,) = gpus.refusals(wide, STACKS, offered, mixed)  # cu117 drives one of the two
    assert "no code for GPU 0" in said
    assert said.endswith("; use --stack cu130")


def test_no_gpu_is_no_reason_where_none_is_needed() -> None:
    assert gpus.refusals(toy.plan().steps.values(), STACKS, {"toy": ("host",)}, []) == []


def test_instances_of_a_card_are_named_so() -> None:
    assert card(uuid="MIG-1").title.startswith("MIG instance of GPU 0 (Card")


def test_a_driver_is_a_version() -> None:
    with pytest.raises(ValueError, match="minimum"):
        Driver(minimum="newest", source="x")
    with pytest.raises(ValueError, match="archs"):
        stack(archs=("ampere",))

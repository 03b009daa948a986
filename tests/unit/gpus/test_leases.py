"""GPU leases: one holder at a time, nothing leaked, whatever fails."""

import dataclasses
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.errors import EngineGone, NotReadyError
from harness.gpus.leases import GpuLease, GpuLeases
from harness.layout import CacheLayout
from harness.manifest.catalogue import Stack
from harness.manifest.model import Resources
from harness.plan.compatibility import Gpu, suits
from harness.plan.plan import BoundStep
from harness.runtimes.runtime import Survivor
from tests import toy

STEP = next(iter(toy.plan().steps.values()))
STACKS = {
    "old": Stack(title="x", python="3", torch="2", cuda="11", base="b", archs=("sm_70",)),
    "new": Stack(title="x", python="3", torch="2", cuda="13", base="b", archs=("sm_70", "sm_90")),
}


def card(number: int, **fields: Any) -> Gpu:
    known: dict[str, Any] = {"memory_gb": 80.0, "capability": (9, 0), "driver": "580"}
    return Gpu(uuid=f"GPU-{number}", index=number, name="Card", **(known | fields))


CARDS = tuple(card(number) for number in range(4))


def step(count: int = 1, key: str = "key", stack: str = "new", **resources: Any) -> BoundStep:
    need = Resources(gpus=count, **resources)
    return dataclasses.replace(STEP, key=key, stack=stack, resources=need)


def execution(key: str, *uuids: str, running: bool = True) -> Survivor:
    return Survivor(name=key, labels={"harness.key": key}, running=running, gpus=uuids)


def leases(root: Path, *executions: Survivor, cards: tuple[Gpu, ...] = CARDS) -> GpuLeases:
    return GpuLeases(CacheLayout(root), lambda: cards, STACKS, lambda: executions)


def taken(lease: GpuLease | None) -> tuple[str, ...]:
    assert lease is not None
    return lease.uuids


def test_all_or_nothing(tmp_path: Path) -> None:
    one, other = leases(tmp_path), leases(tmp_path)  # as two processes have them
    three = one.take(step(3))
    assert taken(three) == ("GPU-0", "GPU-1", "GPU-2")
    assert other.take(step(2)) is None
    last = other.take(step(1))  # what was too little before is not held
    assert taken(last) == ("GPU-3",)
    assert one.take(step(1)) is None
    assert three is not None
    three.give()
    assert taken(other.take(step(3))) == ("GPU-0", "GPU-1", "GPU-2")


def test_without_need_nothing_is_asked(tmp_path: Path) -> None:
    def broken() -> tuple[Gpu, ...]:
        raise NotReadyError("driver", hint="fix it")

    gpus = GpuLeases(CacheLayout(tmp_path), broken)
    assert taken(gpus.take(step(0))) == ()
    with pytest.raises(NotReadyError, match="driver"):
        gpus.take(step(1))


def test_only_cards_that_the_stack_drives_and_that_are_large_enough(tmp_path: Path) -> None:
    cards = (card(0), card(1, capability=(7, 0)), card(2, capability=(7, 0), memory_gb=10.0))
    gpus = leases(tmp_path, cards=cards)
    assert taken(gpus.take(step(stack="old", gpu_memory_gb=40))) == ("GPU-1",)
    assert gpus.take(step(stack="old", gpu_memory_gb=40)) is None
    assert taken(gpus.take(step(2, stack="new"))) == ("GPU-0", "GPU-2")


def test_a_running_execution_without_a_harness_keeps_its_cards(tmp_path: Path) -> None:
    gpus = leases(tmp_path, execution("other", "GPU-0", "GPU-1"))
    assert taken(gpus.take(step(2))) == ("GPU-2", "GPU-3")
    gpus = leases(tmp_path / "ended", execution("other", "GPU-0", running=False))
    assert taken(gpus.take(step(1))) == ("GPU-0",)


def test_a_step_that_still_runs_gets_just_its_own_cards(tmp_path: Path) -> None:
    still = (execution("mine", "GPU-2"), execution("other", "GPU-0"))
    gpus = leases(tmp_path, *still, cards=CARDS[:2])  # today's --gpus does not name it
    assert taken(gpus.take(step(1, "mine"))) == ("GPU-2",)
    assert leases(tmp_path, *still).take(step(1, "mine")) is None  # somebody follows it already


def test_nothing_is_leased_while_nobody_can_tell_what_runs(tmp_path: Path) -> None:
    now, silent = [0.0], [True]

    def survivors() -> Iterable[Survivor]:
        if silent[0]:
            raise EngineGone("no engine", hint="start it")
        return ()

    cache = CacheLayout(tmp_path)
    gpus = GpuLeases(cache, lambda: CARDS, STACKS, survivors, 120.0, lambda: now[0])
    for now[0], silent[0] in ((0.0, True), (110.0, True), (119.0, False), (121.0, True)):
        lease = gpus.take(step(4))
        assert (lease is None) == silent[0]  # the engine was away twice, each time for a moment
        if lease is not None:
            lease.give()
    now[0] = 242.0
    with pytest.raises(EngineGone, match="no engine"):
        gpus.take(step(1))
    assert taken(leases(tmp_path).take(step(4))) == tuple(gpu.uuid for gpu in CARDS)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # the one that lists the folder
        return ""


class Machine(RuleBasedStateMachine):
    """Three processes of a machine that take, give, fail and die; containers may outlive them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.cache = CacheLayout(Path(self.folder.name))
        self.running: dict[str, tuple[str, ...]] = {}  # executions: key -> cards
        self.held: list[list[tuple[str, GpuLease]]] = [[], [], []]
        self.fails = False
        self.count = 0
        self.processes = [self.process() for _ in range(3)]

    def process(self) -> GpuLeases:
        return GpuLeases(self.cache, lambda: CARDS, STACKS, self.survivors)

    def survivors(self) -> list[Survivor]:
        if self.fails:
            raise EngineGone("away", hint="wait")
        return [execution(key, *uuids) for key, uuids in self.running.items()]

    def open_locks(self) -> int:
        """Descriptors of this process on lock files of these cards."""
        found = (_target(link) for link in Path("/proc/self/fd").iterdir())
        return sum(target.startswith(f"{self.folder.name}/") for target in found)

    @rule(who=st.integers(0, 2), count=st.integers(0, 4), stack=st.sampled_from(["new", "old"]))
    def take(self, who: int, count: int, stack: str) -> None:
        self.count += 1
        key = f"step-{self.count}"
        wanted = step(count, key, stack)
        if sum(suits(wanted.resources, STACKS[stack], card) for card in CARDS) < count:
            with pytest.raises(NotReadyError, match=f"needs {count} GPU"):
                self.processes[who].take(wanted)
            return
        lease = self.processes[who].take(wanted)
        if lease is not None:
            assert len(lease.uuids) == count
            self.start(who, key, lease)

    @rule(who=st.integers(0, 2))
    def take_while_the_engine_is_away(self, who: int) -> None:
        self.fails = True
        assert self.processes[who].take(step(1, "lost")) is None
        self.fails = False

    @precondition(lambda self: any(self.held))
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        mine = data.draw(st.sampled_from([mine for mine in self.held if mine]))
        key, lease = mine.pop(data.draw(st.integers(0, len(mine) - 1)))
        del self.running[key]
        lease.give()

    @precondition(lambda self: any(self.held))
    @rule(data=st.data(), outlives=st.booleans())
    def die(self, data: st.DataObject, outlives: bool) -> None:
        """The kernel closes what a dead process had open; its containers may run on."""
        who = data.draw(st.sampled_from([who for who, mine in enumerate(self.held) if mine]))
        for key, lease in self.held[who]:
            if not outlives:
                del self.running[key]
            lease.give()
        self.held[who].clear()
        self.processes[who] = self.process()

    @rule(who=st.integers(0, 2))
    def follow(self, who: int) -> None:
        """Take up an execution that nobody follows."""
        followed = {key for mine in self.held for key, _ in mine}
        for key in sorted(self.running.keys() - followed):
            lease = self.processes[who].take(step(len(self.running[key]), key))
            assert lease is not None
            assert lease.uuids == self.running[key]
            self.held[who].append((key, lease))

    def start(self, who: int, key: str, lease: GpuLease) -> None:
        used = {uuid for uuids in self.running.values() for uuid in uuids}
        assert not used & set(lease.uuids), "a card leased twice"
        self.running[key] = lease.uuids
        self.held[who].append((key, lease))

    @invariant()
    def no_descriptor_leaks(self) -> None:
        leased = sum(len(lease.uuids) for mine in self.held for _, lease in mine)
        assert self.open_locks() == leased

    def teardown(self) -> None:
        for mine in self.held:
            for _, lease in mine:
                lease.give()
        self.running.clear()
        everything = self.process().take(step(4, "all"))
        assert taken(everything) == tuple(gpu.uuid for gpu in CARDS), "a card leaked"
        assert everything is not None
        everything.give()
        self.folder.cleanup()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=150, stateful_step_count=30)

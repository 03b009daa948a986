"""Tokens: what is taken is given back. Steps wait for GPUs that others have, and no longer."""

import dataclasses
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Event

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import EngineGone
from harness.execution.runner import Outcome, Status
from harness.execution.schedule import Progress, Tokens, run_plan
from harness.gpus.leases import GpuLease, GpuLeases
from harness.layout import CacheLayout
from harness.manifest.model import Resources
from harness.plan.compatibility import Gpu
from harness.plan.plan import BoundStep, Plan
from harness.runtimes.runtime import Survivor
from tests import toy

DONE, CACHED = Outcome(status=Status.DONE), Outcome(status=Status.CACHED)
ANY = toy.plan().steps.values()
needs = st.builds(
    Resources,
    gpus=st.integers(0, 3),
    cpus=st.integers(1, 6),
    memory_gb=st.floats(0.5, 40, allow_nan=False),
)


def cards(count: int) -> tuple[Gpu, ...]:
    return tuple(
        Gpu(uuid=f"GPU-{n}", index=n, name="Card", memory_gb=80, capability=(8, 0), driver="580")
        for n in range(count)
    )


def leases(root: Path, count: int = 3) -> GpuLeases:
    return GpuLeases(CacheLayout(root), lambda: cards(count))


def step(need: Resources) -> BoundStep:
    return dataclasses.replace(next(iter(ANY)), resources=need)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(st.tuples(needs, st.integers(0, 5)), max_size=20))
def test_what_is_taken_is_given_back(tmp_path: Path, events: list[tuple[Resources, int]]) -> None:
    tokens = Tokens(cpus=4, memory_gb=16, gpus=leases(tmp_path))
    held: list[tuple[BoundStep, GpuLease]] = []
    for need, give_back in events:
        wanted = step(need)
        lease = tokens.take(wanted)
        if lease is not None:
            assert len(lease.uuids) == need.gpus
            held.append((wanted, lease))
        out = [uuid for _, one in held for uuid in one.uuids]
        assert len(out) == len(set(out))
        for _ in range(min(give_back, len(held))):
            tokens.give(*held.pop())
    while held:
        tokens.give(*held.pop())
    assert (tokens.cpus, tokens.running) == (4, 0)
    assert abs(tokens.memory_gb - 16) < 1e-6


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(need=needs)
def test_an_idle_machine_takes_any_step_it_has_gpus_for(tmp_path: Path, need: Resources) -> None:
    tokens = Tokens(cpus=1, memory_gb=1, gpus=leases(tmp_path))
    lease = tokens.take(step(need))
    assert lease is not None
    lease.give()


def gpu_plan() -> Plan:
    plan = toy.plan(losses=toy.ask().losses[:1])
    wide = {
        key: dataclasses.replace(one, resources=Resources(gpus=1))
        for key, one in plan.steps.items()
    }
    return dataclasses.replace(plan, steps=wide)


def run(
    plan: Plan, gpus: GpuLeases, stop: Event | None = None, done: Iterable[str] = ()
) -> tuple[Mapping[str, Outcome], list[tuple[str, ...]]]:
    seen: list[tuple[str, ...]] = []

    def execute(_: BoundStep, __: Event, given: tuple[str, ...]) -> Outcome:
        seen.append(given)
        return DONE

    tokens = Tokens(cpus=8, memory_gb=64, gpus=gpus)
    finished = dict.fromkeys(done, CACHED)
    outcomes = run_plan(
        plan, execute, tokens, 2, stop or Event(), Progress(), cached=lambda s: finished.get(s.key)
    )
    return outcomes, seen


def test_steps_get_the_uuids_of_what_is_leased(tmp_path: Path) -> None:
    outcomes, seen = run(gpu_plan(), leases(tmp_path, 1))
    assert set(outcomes.values()) == {DONE}
    assert seen == [("GPU-0",)] * 3


def test_steps_wait_for_a_gpu_that_another_process_has(tmp_path: Path) -> None:
    other = leases(tmp_path, 1)
    held = other.take(step(Resources(gpus=1)))
    assert held is not None
    refused = Event()

    class Watched(GpuLeases):
        def take(self, step: BoundStep) -> GpuLease | None:
            lease = super().take(step)
            if lease is None:
                refused.set()
            return lease

    def give_back() -> None:
        assert refused.wait(60)
        held.give()

    giving = threading.Thread(target=give_back)
    giving.start()
    outcomes, _ = run(gpu_plan(), Watched(CacheLayout(tmp_path), lambda: cards(1)))
    giving.join()
    assert set(outcomes.values()) == {DONE}


def test_a_stop_ends_the_waiting(tmp_path: Path) -> None:
    held = leases(tmp_path, 1).take(step(Resources(gpus=1)))
    stop = Event()

    class Stopping(GpuLeases):
        def take(self, step: BoundStep) -> GpuLease | None:
            stop.set()
            return super().take(step)

    outcomes, seen = run(gpu_plan(), Stopping(CacheLayout(tmp_path), lambda: cards(1)), stop)
    assert {o.status for o in outcomes.values()} == {Status.INTERRUPTED}
    assert seen == []
    assert held is not None


def test_an_engine_that_never_answers_fails_the_step_instead_of_waiting_for_ever(
    tmp_path: Path,
) -> None:
    now = iter(range(0, 10_000, 100))

    def silent() -> Iterable[Survivor]:
        raise EngineGone("no engine", hint="start it")

    gpus = GpuLeases(
        CacheLayout(tmp_path), lambda: cards(1), survivors=silent, clock=lambda: float(next(now))
    )
    outcomes, seen = run(gpu_plan(), gpus)
    first, *rest = outcomes.values()
    assert (first.status, first.exit_code, first.error) == (Status.FAILED, 3, "no engine")
    assert {o.status for o in rest} == {Status.BLOCKED}
    assert seen == []


def test_what_is_done_needs_no_gpu_and_is_not_executed(tmp_path: Path) -> None:
    plan = gpu_plan()
    outcomes, seen = run(plan, leases(tmp_path, 0), done=plan.steps)
    assert set(outcomes.values()) == {CACHED}
    assert seen == []
    outcomes, seen = run(plan, leases(tmp_path, 0))
    assert {one.status for one in outcomes.values()} == {Status.FAILED, Status.BLOCKED}
    assert next(iter(outcomes.values())).exit_code == 3
    assert seen == []


def test_while_all_places_are_taken_no_other_step_is_looked_at(tmp_path: Path) -> None:
    """With a look at every waiting step at every end, a plan ten times as long takes a hundred."""
    some = next(iter(ANY))
    steps = {
        str(number): dataclasses.replace(some, key=str(number), inputs={}) for number in range(200)
    }
    looks: list[str] = []

    def split(one: BoundStep) -> tuple[BoundStep, ...]:
        looks.append(one.key)
        return ()

    tokens = Tokens(cpus=8, memory_gb=64, gpus=leases(tmp_path))
    running = threading.Semaphore(0)

    def execute(one: BoundStep, __: Event, ___: tuple[str, ...]) -> Outcome:
        if one.key == "0":  # by then nobody has looked further than to the two that run
            assert len(looks) <= 2
            running.release()
        return DONE

    outcomes = run_plan(
        Plan(runs=(), steps=steps), execute, tokens, 1, Event(), Progress(), split=split
    )
    assert running.acquire(blocking=False)
    assert set(outcomes.values()) == {DONE}
    assert looks == list(steps)


def test_a_step_behind_a_failed_one_ends_while_others_run(tmp_path: Path) -> None:
    plan = toy.plan(losses=toy.ask().losses[:1])
    data, train, score = plan.steps.values()
    beside = dataclasses.replace(data, key="beside")
    plan = dataclasses.replace(plan, steps={**plan.steps, beside.key: beside})
    blocked = Event()

    def execute(one: BoundStep, __: Event, ___: tuple[str, ...]) -> Outcome:
        if one.key == beside.key:
            assert blocked.wait(60)
            return DONE
        return Outcome(status=Status.FAILED, error="it failed")

    def ended(one: BoundStep, outcome: Outcome) -> None:
        if one.key == score.key and outcome.status is Status.BLOCKED:
            blocked.set()

    tokens = Tokens(cpus=8, memory_gb=64, gpus=leases(tmp_path))
    outcomes = run_plan(plan, execute, tokens, 2, Event(), Progress(ended=ended))
    assert outcomes[data.key].status is Status.FAILED
    assert outcomes[train.key].status is outcomes[score.key].status is Status.BLOCKED
    assert outcomes[beside.key] == DONE

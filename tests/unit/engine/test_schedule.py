"""Tokens: what is taken is given back, and no GPU is held twice."""

from hypothesis import given
from hypothesis import strategies as st

from harness.core.model import Resources
from harness.engine.schedule import Tokens

needs = st.builds(
    Resources,
    gpus=st.integers(0, 3),
    cpus=st.integers(1, 6),
    memory_gb=st.floats(0.5, 40, allow_nan=False),
)


@given(st.lists(st.tuples(needs, st.integers(0, 5)), max_size=40))
def test_gpus_are_never_leased_twice_nor_lost(events: list[tuple[Resources, int]]) -> None:
    every = ["GPU-a", "GPU-b", "GPU-c"]
    tokens = Tokens(cpus=4, memory_gb=16, gpus=list(every))
    held: list[tuple[Resources, tuple[str, ...]]] = []
    for need, give_back in events:
        leased = tokens.take(need)
        if leased is not None:
            assert len(leased) == need.gpus
            held.append((need, leased))
        out = [gpu for _, gpus in held for gpu in gpus]
        assert len(out) == len(set(out))
        assert sorted(out + tokens.gpus) == every
        for _ in range(min(give_back, len(held))):
            tokens.give(*held.pop())
    while held:
        tokens.give(*held.pop())
    assert (tokens.cpus, sorted(tokens.gpus), tokens.running) == (4, every, 0)
    assert abs(tokens.memory_gb - 16) < 1e-6


@given(needs)
def test_an_idle_machine_takes_any_step_it_has_gpus_for(need: Resources) -> None:
    tokens = Tokens(cpus=1, memory_gb=1, gpus=["GPU-a", "GPU-b", "GPU-c"])
    assert tokens.take(need) is not None

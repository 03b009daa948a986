"""Retention: no reader ever finds an input missing, and in the end all that may go is gone."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.manifest.model import Losses
from harness.plan.needs import (
    KeptOutput,
    Needs,
    Node,
    droppable,
    needs_of,
    read_needs,
    todo_of,
)
from tests import toy


@dataclass
class Shelf:
    """A store in memory."""

    records: set[str] = field(default_factory=set)
    outputs: set[tuple[str, str]] = field(default_factory=set)

    def recorded(self, key: str) -> bool:
        return key in self.records

    def there(self, key: str, path: str) -> bool:
        return (key, path) in self.outputs

    def put(self, key: str, node: Node) -> None:
        """What running a step leaves."""
        for parent, path in node.reads:
            assert (parent, path) in self.outputs, f"{key} finds {path} of {parent} missing"
        self.records.add(key)
        self.outputs |= {(key, held.path) for held in node.outputs.values()}


@dataclass
class Harness:
    """One process at a plan: each step is looked at once, after its parents, as the queue does."""

    needs: Needs
    ended: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)

    def ready(self) -> list[str]:
        return [
            key
            for key, node in self.needs.steps.items()
            if key not in self.ended | self.running
            and all(parent in self.ended for parent, _ in node.reads)
        ]

    def look(self, shelf: Shelf, key: str) -> None:
        """Start a step, or find it done."""
        is_open = key in todo_of(self.needs, shelf).open
        (self.running if is_open else self.ended).add(key)

    def finish(self, shelf: Shelf, key: str) -> None:
        """Its inputs must have been there all the time; what is still there is not replaced."""
        shelf.put(key, self.needs.steps[key])
        self.running.remove(key)
        self.ended.add(key)


@st.composite
def worlds(draw: st.DrawFn) -> list[Needs]:
    """Several plans over one set of keys: each takes a part of it, closed under parents."""
    nodes: dict[str, Node] = {}
    for number in range(draw(st.integers(1, 7))):
        outputs = {
            name: KeptOutput(name, always=draw(st.booleans()))
            for name in draw(st.sets(st.sampled_from("xyz"), min_size=1))
        }
        known = [(key, held.path) for key, node in nodes.items() for held in node.outputs.values()]
        reads = draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []
        nodes[f"s{number}"] = Node(outputs, tuple(reads))
    plans = []
    for _ in range(draw(st.integers(1, 3))):
        chosen: set[str] = set()
        todo = draw(st.lists(st.sampled_from(sorted(nodes)), min_size=1, max_size=4))
        while todo:
            key = todo.pop()
            if key not in chosen:
                chosen.add(key)
                todo += [parent for parent, _ in nodes[key].reads]
        keep = draw(st.booleans()) and draw(st.booleans())
        plans.append(Needs({k: n for k, n in nodes.items() if k in chosen}, keep=keep))
    return plans


def possible(harnesses: list[Harness]) -> Iterator[tuple[str, Harness, str]]:
    """All that any process could do next. A lease lets one of them at a step."""
    leased = {key for harness in harnesses for key in harness.running}
    for harness in harnesses:
        yield from (("look", harness, key) for key in harness.ready() if key not in leased)
        yield from (("finish", harness, key) for key in sorted(harness.running))


@settings(max_examples=300)
@given(worlds(), st.integers(0, 2**32))
def test_no_reader_misses_an_input_and_all_that_may_go_goes(plans: list[Needs], seed: int) -> None:
    dice = random.Random(seed)
    shelf = Shelf()
    waiting = list(plans)
    alive: list[Harness] = []
    while moves := [*possible(alive), *(["register"] if waiting else [])]:
        move = dice.choice([*moves, "sweep"] if dice.random() < 0.9 else ["crash"])
        if move == "register":
            alive.append(Harness(waiting.pop(0)))
        elif move == "sweep":
            may_go = sorted(droppable([harness.needs for harness in alive], shelf))
            # A crash between two drops: any part of them happened.
            shelf.outputs -= set(dice.sample(may_go, dice.randint(0, len(may_go))))
        elif move == "crash":  # and the same plan is asked for again
            fallen = dice.choice(alive) if alive else Harness(plans[0])
            fallen.ended, fallen.running = set(), set()
        else:
            what, harness, key = move
            getattr(harness, what)(shelf, key)
    shelf.outputs -= droppable(plans, shelf)
    for plan in plans:
        assert todo_of(plan, shelf).open == frozenset()
    kept = {
        (key, held.path)
        for plan in plans
        for key, node in plan.steps.items()
        for held in node.outputs.values()
        if held.always
        or plan.keep
        or key not in {p for n in plan.steps.values() for p, _ in n.reads}
    }
    assert {(key, path) for key, path in shelf.outputs if (key, path) not in kept} == set()
    assert kept <= shelf.outputs or any(plan.keep for plan in plans)


def chain(*retain: bool) -> Needs:
    """Steps a, b, c ..., each reading the one before; whether each keeps its output for ever."""
    names = "abcdefg"[: len(retain)]
    reads = [(), *(((name, "x"),) for name in names)]
    return Needs(
        {
            n: Node({"x": KeptOutput("x", r)}, reads[i])
            for i, (n, r) in enumerate(zip(names, retain, strict=True))
        }
    )


def test_an_output_goes_once_its_last_reader_is_done() -> None:
    plan = chain(True, False, True)
    shelf = Shelf({"a", "b"}, {("a", "x"), ("b", "x")})
    assert droppable([plan], shelf) == frozenset()
    shelf.put("c", plan.steps["c"])
    assert droppable([plan], shelf) == {("b", "x")}


def test_a_dropped_output_leaves_its_step_done_until_somebody_needs_it_again() -> None:
    plan = chain(True, False, True)
    shelf = Shelf({"a", "b", "c"}, {("a", "x"), ("c", "x")})
    assert todo_of(plan, shelf).open == frozenset()
    shelf.outputs.remove(("c", "x"))
    assert todo_of(plan, shelf).open == {"b", "c"}


def test_a_whole_row_of_dropped_outputs_is_made_again() -> None:
    plan = chain(False, False, False, True)
    shelf = Shelf({"a", "b", "c"}, set())
    assert todo_of(plan, shelf).open == {"a", "b", "c", "d"}
    shelf.outputs.add(("b", "x"))
    assert todo_of(plan, shelf).open == {"c", "d"}


def test_what_a_plan_ends_in_stays_while_the_plan_does() -> None:
    whole, part = chain(True, False, True), chain(True, False)
    shelf = Shelf({"a", "b", "c"}, {("a", "x"), ("b", "x"), ("c", "x")})
    assert droppable([whole], shelf) == {("b", "x")}
    assert droppable([whole, part], shelf) == frozenset()


def test_an_unfinished_reader_of_any_plan_keeps_an_output() -> None:
    done = Needs(
        {
            "a": Node({"x": KeptOutput("x", False)}, ()),
            "b": Node({"y": KeptOutput("y", True)}, (("a", "x"),)),
        }
    )
    other = Needs({"a": done.steps["a"], "c": Node({"z": KeptOutput("z", True)}, (("a", "x"),))})
    shelf = Shelf({"a", "b"}, {("a", "x"), ("b", "y")})
    assert droppable([done, other], shelf) == frozenset()
    shelf.put("c", other.steps["c"])
    assert droppable([done, other], shelf) == {("a", "x")}


def test_a_plan_that_keeps_gives_nothing_away() -> None:
    plan = chain(True, False, True)
    shelf = Shelf({"a", "b", "c"}, {("a", "x"), ("b", "x"), ("c", "x")})
    assert droppable([plan], shelf) == {("b", "x")}
    assert droppable([plan, Needs(plan.steps, keep=True)], shelf) == frozenset()


def test_an_output_in_which_a_needed_one_lies_stays() -> None:
    outputs = {"all": KeptOutput(".", False), "part": KeptOutput("part", True)}
    plan = Needs(
        {"a": Node(outputs, ()), "b": Node({"y": KeptOutput("y", True)}, (("a", "part/file"),))}
    )
    shelf = Shelf({"a", "b"}, {("a", "."), ("a", "part"), ("b", "y")})
    assert droppable([plan], shelf) == frozenset()


def test_a_plan_and_its_document_need_the_same() -> None:
    plan = toy.plan(losses=tuple(Losses))
    assert read_needs(plan.document()) == needs_of(plan)
    assert read_needs(plan.document() | {"keep": True}).keep


def test_where_nothing_may_go_nobody_looks_what_is_done() -> None:
    class Untouched(Shelf):
        def recorded(self, key: str) -> bool:
            raise AssertionError(key)

    kept, gone = chain(True, True, True), chain(True, False, True)
    everything = {(name, "x") for name in "abc"}
    assert droppable([kept], Untouched(set("abc"), everything)) == frozenset()
    assert droppable([gone], Untouched(set("abc"), everything - {("b", "x")})) == frozenset()

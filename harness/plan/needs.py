"""Retention: which outputs a plan still needs, so which of its steps are open and what may go.

An output kept `always` is needed for ever, one for `consumers` while a step that reads it is open.
A step is done, not open, if it was recorded and every output still needed is there. So what is open
follows from the whole plan, read from its ends backwards. What a plan ends in, steps from which
nobody reads, is what was asked for: it is needed whatever its retention is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Protocol

from harness.manifest.fields import touch
from harness.plan.plan import BoundStep, Plan


class Contents(Protocol):
    """What a store holds."""

    def recorded(self, key: str) -> bool:
        """Whether the step was finished once."""
        ...

    def there(self, key: str, path: str) -> bool:
        """Whether this path of its outputs is there (still, or again)."""
        ...


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """An output: its path under /out, and whether it is kept for ever."""

    path: str
    always: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A step of a plan, as retention sees it."""

    outputs: Mapping[str, KeptOutput]
    reads: tuple[tuple[str, str], ...]  # (key of another step, path under its /out)


@dataclass(frozen=True, slots=True)
class Needs:
    """A plan as retention sees it; `keep` is the user's wish that nothing of it goes."""

    steps: Mapping[str, Node]
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Todo:
    """What a plan needs now: the steps to run, and of each step the outputs that must be there."""

    open: frozenset[str]  # keys of the steps that are not done
    wanted: Mapping[str, frozenset[str]]  # key -> names of outputs

    def steps(self, plan: Plan) -> list[BoundStep]:
        """The steps to run, parents before children."""
        return [step for key, step in plan.steps.items() if key in self.open]


def needs_of(plan: Plan) -> Needs:
    """A plan's needs."""
    return Needs(
        {
            key: Node(
                {name: KeptOutput(o.path, o.always) for name, o in step.outputs.items()},
                tuple((i.ref, i.path) for i in step.inputs.values() if i.kind == "step"),
            )
            for key, step in plan.steps.items()
        }
    )


def read_needs(document: Mapping[str, Any]) -> Needs:
    """The needs of a plan under `runs/plans`."""
    steps = {
        key: Node(
            {
                name: KeptOutput(o["path"], o["retain"] == "always")
                for name, o in step["outputs"].items()
            },
            tuple((i["ref"], i["path"]) for i in step["inputs"].values() if i["kind"] == "step"),
        )
        for key, step in document["steps"].items()
    }
    return Needs(steps, keep=document.get("keep", False))


def todo_of(plan: Needs, contents: Contents) -> Todo:
    """What the plan needs now: the one answer to whether a step is done."""
    readers: dict[str, list[tuple[str, str]]] = {key: [] for key in plan.steps}
    for key, node in plan.steps.items():
        for parent, path in node.reads:
            readers[parent].append((key, path))
    wanted: dict[str, frozenset[str]] = {}
    open_: set[str] = set()
    for key in _children_first(plan):
        outputs = plan.steps[key].outputs
        read = [path for reader, path in readers[key] if reader in open_]
        wanted[key] = frozenset(
            name
            for name, output in outputs.items()
            if output.always or not readers[key] or any(touch(output.path, path) for path in read)
        )
        is_done = contents.recorded(key) and all(
            contents.there(key, outputs[name].path) for name in wanted[key]
        )
        if not is_done:
            open_.add(key)
    return Todo(frozenset(open_), wanted)


def droppable(plans: Sequence[Needs], contents: Contents) -> frozenset[tuple[str, str]]:
    """(key, path) of every output that is there and that no plan needs any more."""
    there = {
        (key, output.path)
        for plan in plans
        for key, node in plan.steps.items()
        for output in node.outputs.values()
        if not output.always and contents.there(key, output.path)
    }
    if not there:  # else each plan is looked at from its ends
        return frozenset()
    needed: dict[str, set[str]] = {}
    for plan in plans:
        wanted = todo_of(plan, contents).wanted
        for key, node in plan.steps.items():
            names = node.outputs if plan.keep else wanted[key]
            needed.setdefault(key, set()).update(node.outputs[name].path for name in names)
    return frozenset(
        (key, path) for key, path in there if not any(touch(path, other) for other in needed[key])
    )


def _children_first(plan: Needs) -> Iterator[str]:
    parents = {key: {parent for parent, _ in node.reads} for key, node in plan.steps.items()}
    return reversed(tuple(TopologicalSorter(parents).static_order()))

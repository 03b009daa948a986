"""How much a step does at paper scale: what a measured time is multiplied by."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.manifest.arithmetic import whole_number
from harness.manifest.contract import PER_ID
from harness.manifest.model import Expression, Output, Step

#: Pictures of the lists of PASCAL VOC 2012, trainaug with the labels of SBD.
PICTURES: Mapping[str, int] = {"train": 1464, "trainaug": 10582, "val": 1449, "test": 1456}
_LIST = re.compile(r"(?:.*/)?([a-z]+)\.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundWork:
    """What a step does at paper scale, and the batch of its own scale."""

    iterations: int = 0  # optimiser steps; 0: no training
    pictures: int = 0  # 0: none, or not known how many
    batch: int | None = None  # pictures of one iteration, at the scale of the run
    evaluations: int = 0  # how often the training evaluates pictures, at paper scale
    evaluations_here: int = 0  # at the scale of the run
    evaluated: int = 0  # pictures of one evaluation, at paper scale
    side_by_side: bool = False  # pictures are worked on by `workers` processes

    @property
    def unit(self) -> str:
        """What it does one after another: `iteration`, `picture`, or nothing (empty)."""
        return "iteration" if self.iterations else "picture" if self.pictures else ""

    @property
    def count(self) -> int:
        """How many of those at paper scale."""
        return self.iterations or self.pictures


def pictures_of(output: Output, unnamed: int = 0) -> int:
    """Pictures for which an output has a file at paper scale; 0 if it has no file for each.

    `unnamed` if its contract names no list of VOC.
    """
    if not isinstance(output.contract, PER_ID):
        return 0
    found = _LIST.fullmatch(output.contract.ids)
    return PICTURES.get(found[1], unnamed) if found else unnamed


def _pictures(step: Step) -> int:
    return max(map(pictures_of, step.outputs.values()), default=0)


def bind_work(step: Step, here: Callable[[str], str], paper: Callable[[str], str]) -> BoundWork:
    """The step's work, with templates filled at the run's scale by `here`, else by `paper`."""
    work = step.work

    def number(expression: Expression | None, fill: Callable[[str], str]) -> int:
        return 0 if expression is None else whole_number(fill(str(expression)))

    return BoundWork(
        iterations=number(work.iterations, paper),
        pictures=number(work.pictures, paper) or _pictures(step),
        batch=number(step.trains.batch, here) if step.trains else None,
        evaluations=number(work.evaluations, paper),
        evaluations_here=number(work.evaluations, here),
        evaluated=number(work.evaluated, paper),
        side_by_side=work.side_by_side,
    )

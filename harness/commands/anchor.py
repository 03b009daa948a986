"""Anchors: run what follows the authors' own file and compare the known scores."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.commands.anchors import Compared, compare, conclude
from harness.commands.context import Context
from harness.commands.plan import Ask
from harness.commands.reproduce import Result
from harness.errors import UsageError
from harness.manifest.model import Anchor, Losses, RuntimeName, Scale
from harness.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Report:
    """What an anchor showed."""

    anchor: str
    rows: tuple[Compared, ...]

    @property
    def holds(self) -> bool:
        """Whether every known score was reached."""
        return all(row.agrees for row in self.rows)

    @property
    def conclusion(self) -> str:
        """One sentence."""
        return conclude(self.rows)


def choose(context: Context, method: str, name: str | None) -> tuple[str, Anchor]:
    """The method's anchor of that name, or its only one."""
    anchors = context.method(method).anchors
    if name is None and len(anchors) == 1:
        name = next(iter(anchors))
    if name is None or name not in anchors:
        known = ", ".join(f"{key} ({one.about})" for key, one in anchors.items())
        what = f"{method} has no anchor {name!r}" if name else f"which anchor of {method}?"
        raise UsageError(what, hint=f"its anchors: {known or 'none'}")
    return name, anchors[name]


def ask_for(
    method: str, name: str, anchor: Anchor, *, stack: str | None, runtime: RuntimeName
) -> Ask:
    """The run that an anchor needs: the baseline at paper scale, up to the known scores."""
    return Ask(
        methods=(method,),
        backbone=anchor.backbone,
        losses=(Losses.NONE,),
        seeds=1,
        scale=Scale.PAPER,
        stack=stack,
        runtime=runtime,
        options=anchor.options,
        until=tuple(dict.fromkeys(one.score for one in anchor.expect)),
        anchor=name,
    )


def report(name: str, anchor: Anchor, result: Result) -> Report:
    """The known scores beside those that the one run reached."""
    (run,) = result.runs
    return Report(name, compare(anchor, run.scores, _stages(result.plan)))


def _stages(plan: Plan) -> Mapping[str, int]:
    return {step.score: step.stage for step in plan.steps.values() if step.score}

"""The verb `anchor`: run what follows the authors' own file and compare the known scores."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.commands.context import Context
from harness.commands.plan import find_method
from harness.commands.reproduce import Result
from harness.errors import UsageError
from harness.manifest.model import Anchor, Losses, RuntimeName
from harness.names import choose
from harness.plan.make import Ask
from harness.plan.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAndFound:
    """One known score beside the one found, in percent."""

    score: str
    metric: str
    stage: int
    expected: float
    tolerance: float
    found: float | None  # None: its step did not finish
    source: str

    @property
    def agrees(self) -> bool:
        """Whether it was found within the tolerance."""
        return self.found is not None and abs(self.found - self.expected) <= self.tolerance


@dataclass(frozen=True, slots=True)
class AnchorReport:
    """Known scores beside found ones."""

    anchor: str
    rows: tuple[KnownAndFound, ...]

    @property
    def holds(self) -> bool:
        """Whether every known score was reached."""
        return all(row.agrees for row in self.rows)

    @property
    def conclusion(self) -> str:
        """One sentence."""
        return conclude(self.rows)


def choose_anchor(context: Context, method: str, name: str | None) -> tuple[str, Anchor]:
    """The method's anchor of that name or beginning, or its only one."""
    anchors = context.method(method).anchors
    if name is None and len(anchors) != 1:
        known = ", ".join(f"{key} ({one.about})" for key, one in anchors.items())
        raise UsageError(f"which anchor of {method}?", hint=f"its anchors: {known or 'none'}")
    word = next(iter(anchors)) if name is None else name
    found = choose(word, anchors, f"{method} has no anchor {word!r}", listed="its anchors")
    return found, anchors[found]


def ask_for(
    method: str, name: str, anchor: Anchor, *, stack: str | None, runtime: RuntimeName
) -> Ask:
    """The run that an anchor needs: the baseline at full scale, up to known scores."""
    return Ask(
        methods=(method,),
        backbone=anchor.backbone,
        losses=(Losses.NONE,),
        seeds=1,
        stack=stack,
        runtime=runtime,
        options=anchor.options,
        until=tuple(dict.fromkeys(one.score for one in anchor.expect)),
        anchor=name,
    )


def ask_anchor(context: Context, ask: Ask, name: str) -> Ask:
    """The same for an anchor of the one method that is asked for. Raises UsageError."""
    if len(ask.methods) != 1:
        raise UsageError("--anchor: name one method", hint="harness doctor METHOD --anchor NAME")
    method = find_method(context, *ask.methods)
    name, anchor = choose_anchor(context, method, name)
    return ask_for(method, name, anchor, stack=ask.stack, runtime=ask.runtime)


def report(name: str, anchor: Anchor, result: Result) -> AnchorReport:
    """The known scores beside those that the one run reached."""
    (run,) = result.runs
    return AnchorReport(name, compare(anchor, run.scores, _stages(result.plan)))


def _stages(plan: Plan) -> Mapping[str, int]:
    return {step.score: step.stage for step in plan.steps.values() if step.score}


def compare(
    anchor: Anchor, scores: Mapping[str, Mapping[str, float]], stages: Mapping[str, int]
) -> tuple[KnownAndFound, ...]:
    """The anchor's expectations in order of their stages.

    `scores` and `stages` are by label; scores are in percent.
    """
    found = [
        KnownAndFound(
            score=one.score,
            metric=one.metric,
            stage=stages[one.score],
            expected=one.value,
            tolerance=one.tolerance,
            found=scores.get(one.score, {}).get(one.metric),
            source=one.source,
        )
        for one in anchor.expect
    ]
    return tuple(sorted(found, key=lambda one: one.stage))


def conclude(rows: tuple[KnownAndFound, ...]) -> str:
    """One sentence: all agree, or which stage deviates first and which agreed before it."""
    wrong = next((at for at, one in enumerate(rows) if not one.agrees), None)
    if wrong is None:
        return "every known score was reached: environment, data and code hold from the anchor on"
    one = rows[wrong]
    found = "was not reached" if one.found is None else f"is {one.found:.2f}"
    text = f"stage {one.stage} deviates first: {one.metric} of {one.score} {found}, "
    text += f"expected {one.expected:g} ± {one.tolerance:g}"
    if wrong == 0:
        return f"{text}; nothing before it was checked: look at every step since the anchor"
    before = rows[wrong - 1]
    return f"{text}; {before.score} (stage {before.stage}) still agreed: look at the steps between"

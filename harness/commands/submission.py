"""The verb `submission`: the package for VOC's evaluation server, and what the server answered."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

from harness.commands.context import Context
from harness.commands.plan import plan
from harness.commands.reproduce import Work, reproduce
from harness.errors import StepError, UsageError
from harness.evidence.evidence import RunEvidence
from harness.evidence.gather import chosen, gather
from harness.execution.workspace import inside
from harness.manifest.contract import PngLabels
from harness.manifest.model import Scale
from harness.manifest.placeholders import fill
from harness.plan.make import Ask
from harness.plan.plan import BoundStep, Plan
from harness.store.verification import Verifier
from harness.submission.answer import record_answer
from harness.submission.choice import RUNS, best_run
from harness.submission.package import TEST_IMAGES, Package, Predictions, pack

_PREDICTION = 8  # the stage
_MOST_NAMED = 3  # runs in a hint


def choose(context: Context, ask: Ask) -> tuple[RunEvidence, Plan]:
    """The run to hand in, and the plan that predicts the test images with it.

    Raises UsageError unless `ask` is for one method, backbone and loss, NotReadyError unless its
    five runs are finished.
    """
    five = plan(context, replace(ask, scale=Scale.PAPER, seeds=RUNS))
    kinds = dict.fromkeys(
        f"{one.run.method}/{one.run.backbone} {one.run.losses}" for one in five.runs
    )
    if len(kinds) != 1:
        found = ", ".join(kinds)
        raise UsageError(
            f"one method, backbone and loss make a submission; found {found}",
            hint="name them: --backbone, --losses",
        )
    best = best_run(gather(context.layout), [one.id for one in five.runs])
    alone = replace(ask, scale=Scale.PAPER, seeds=None, seed=(best.seed,), with_test=True)
    return best, plan(context, alone)


def package(
    context: Context, planned: Plan, work: Work, target: Path | None, *, images: int = TEST_IMAGES
) -> Package:
    """Predict the test images if that is not done, check the predictions and pack them.

    Raises StepError if a step fails, and as `pack`.
    """
    result = reproduce(context, planned, work)
    errors = [one.error for one in result.outcomes.values() if one.error]
    if result.exit_code:
        raise StepError(
            f"the test images were not predicted: {'; '.join(errors) or 'stopped'}",
            hint="run the same command again once that is fixed; see `harness logs`",
        )
    step, output = test_labels(result.plan)
    if damage := Verifier(context.store).damage(step.key):
        raise StepError(f"{step.title}: {damage}", hint="run the same command again")
    run = result.plan.runs[0].id
    file = target or context.layout.submission_package(run)
    return pack(_predictions(context, step, output), file, images=images)


def answer(
    context: Context,
    name: str,
    found: tuple[float, str | None, dt.date | None],
    *,
    replace_old: bool = False,
) -> dict[str, object]:
    """Write down what the server answered for a run. Raises UsageError."""
    runs = chosen(gather(context.layout), [name]).runs
    if len(runs) != 1:
        named = ", ".join(run.id for run in runs[:_MOST_NAMED])
        raise UsageError(f"{name}: {len(runs)} runs are named so", hint=f"name one: {named}")
    if runs[0].scale is not Scale.PAPER:
        raise UsageError(
            f"{runs[0].id} ran at {runs[0].scale.value} scale: the server's answer is not of it",
            hint="name the run whose package was handed in",
        )
    return record_answer(context.layout, runs[0], found, replace=replace_old)


def test_labels(planned: Plan) -> tuple[BoundStep, str]:
    """The step that makes the final label maps of the test images, and the name of that output.

    They are the label maps of stage 8 that no step reads: those of val are scored. Raises
    UsageError for a method that predicts no test images.
    """
    read = {parent for step in planned.steps.values() for parent in step.parents}
    found = [
        (step, name)
        for step in planned.steps.values()
        if step.stage == _PREDICTION and step.key not in read
        for name, output in step.outputs.items()
        if isinstance(output.contract, PngLabels)
    ]
    if len(found) != 1:
        method = next(iter(planned.runs)).run.method
        raise UsageError(
            f"{method} has {len(found)} steps that predict VOC's test images, expected one",
            hint="`harness plan METHOD --with-test` shows its steps",
        )
    return found[0]


def _predictions(context: Context, step: BoundStep, output: str) -> Predictions:
    declared = step.outputs[output]
    contract = declared.contract
    assert isinstance(contract, PngLabels)
    places = {f"in.{name}": str(path) for name, path in _inputs(context, step).items()}
    return Predictions(
        labels=context.layout.entry(step.key).out / declared.path,
        ids=Path(fill(contract.ids, places.get)),
        images=Path(fill(str(contract.size_of), places.get)),
    )


def _inputs(context: Context, step: BoundStep) -> dict[str, Path]:
    """Where the inputs lie that are assets or outputs of other steps."""
    found = {}
    for name, one in step.inputs.items():
        if one.kind == "step":
            found[name] = inside(context.layout.entry(one.ref).out, one)
        elif one.kind == "asset":
            found[name] = inside(context.assets.locate(one.ref), one)
    return found

"""The verb `methods`: what a method is, from its manifest and a plan of all that it can run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.commands.context import Context
from harness.commands.forecast import forecast
from harness.commands.plan import plan
from harness.manifest.catalogue import Repository
from harness.manifest.load import load_published
from harness.manifest.model import Losses, Method, Step
from harness.measured.outlook import Outlook
from harness.measured.summary import Arm, Job, arms_of, jobs_of
from harness.plan.make import Ask
from harness.plan.needs import Todo


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """A step of a method's chain, and what it takes."""

    step: Step
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A method, with what all its losses and seeds take at paper scale."""

    method: Method
    losses: tuple[str, ...]
    chain: Sequence[ChainStep]
    arms: Sequence[Arm]
    outlook: Outlook
    repositories: Mapping[str, Repository]
    paper: Mapping[str, str]  # title, arXiv number, code; empty if it is not about the method


def about(context: Context, name: str) -> About:
    """Describe one method. Raises UsageError if there is none of that name."""
    method = context.method(name)
    planned = plan(context, Ask(methods=(name,)))
    # As if nothing were done: the hours are the method's, not those of what is left.
    ahead = forecast(context, planned, Todo(frozenset(planned.steps), {}))
    steps = {step.name: step for step in method.steps}
    jobs = jobs_of(planned, planned.steps, ahead.figures)
    return About(
        method=method,
        losses=tuple(one.value for one in Losses),
        chain=[ChainStep(step=steps[job.step], job=job) for job in jobs],
        arms=arms_of(planned, planned.steps, ahead.figures),
        outlook=ahead.outlook,
        repositories={one: context.catalogue.repositories[one] for one in method.repositories},
        paper=_paper(context, name),
    )


def _paper(context: Context, name: str) -> Mapping[str, str]:
    published = load_published(context.project)
    printed = any(row.method == name for row in published.rows)
    names = ("title", "arxiv", "code", "code_commit")
    return {one: str(published.paper[one]) for one in names} if printed else {}

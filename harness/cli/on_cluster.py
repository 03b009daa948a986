"""How `reproduce` and `submit` hand steps to a cluster: their options, and what they print."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness.cli.parameters import folder
from harness.cli.work import stopping
from harness.errors import UsageError
from harness.names import choose

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.commands.reproduce import Result
    from harness.commands.submit import Submitted
    from harness.commands.where import Where
    from harness.plan.make import Ask
    from harness.plan.plan import Plan

Executor = Annotated[str, typer.Option(help="local, or slurm: a job for each step.")]
Profile = Annotated[
    Path | None, typer.Option(parser=folder, help="How this site's Slurm is to be asked: a YAML.")
]
Wait = Annotated[bool, typer.Option("--wait", help="With slurm: follow the jobs to their end.")]
_EXECUTORS = ("local", "slurm")


def is_slurm(
    executor: str, profile: Path | None, *, wait: bool, local: Mapping[str, object]
) -> bool:
    """Whether a cluster executes; `local` are options that only the other executor knows.

    Raises UsageError for options that do not fit.
    """
    if choose(executor, _EXECUTORS, f"--executor {executor}: unknown") == "local":
        if profile is not None or wait:
            raise UsageError("--profile and --wait are for a cluster", hint="add --executor slurm")
        return False
    if profile is None:
        raise UsageError(
            "--executor slurm: no --profile", hint="docs/cluster.md shows how to write one"
        )
    for name, given in local.items():
        if given:
            raise UsageError(f"--executor slurm with {name}", hint=f"leave {name} out")
    return True


def ask_of_cluster(ask: "Ask", given: typer.Context) -> "Ask":
    """The same runs; Podman in place of Docker unless the runtime was named."""
    from dataclasses import replace

    from harness.manifest.model import RuntimeName

    source = given.get_parameter_source("runtime")
    if source is not None and source.name == "DEFAULT" and ask.runtime is RuntimeName.DOCKER:
        return replace(ask, runtime=RuntimeName.PODMAN)
    return ask


def reproduce_on_cluster(
    context: "Context", where: "Where", plan: "Plan", profile: Path, *, keep: bool, wait: bool
) -> "Result | Submitted":
    """Submit the plan; with `wait` follow it to its end."""
    from harness import console
    from harness.commands.follow import follow
    from harness.commands.submit import hand_over

    submitted = hand_over(context, where, plan, profile, console.err.print, keep=keep)
    if not wait:
        return submitted
    with console.Board(plan, context.store) as board, stopping(board.stop)() as stop:
        return follow(context, submitted, board.progress, stop)


def finish_submitted(submitted: "Submitted", command: str, *, as_json: bool) -> NoReturn:
    """Show what was submitted, and end: the jobs go on."""
    show_submitted(submitted, command, as_json=as_json)
    raise typer.Exit


def show_submitted(submitted: "Submitted", command: str, *, as_json: bool) -> None:
    """Which steps have jobs now, and how to go on."""
    from harness import console
    from harness.shapes.submitted import submitted_document

    plan, done = submitted.plan, submitted.submission
    if as_json:
        console.show_json(command, submitted_document(plan, done))
        return
    console.out.print(f"plan {plan.id}: {len(done.jobs)} jobs submitted")
    if done.waiting:
        console.out.print(f"{len(done.waiting)} more steps had jobs in the queue already")
    if done.later:
        console.out.print(f"{len(done.later)} more steps follow when there is room in the queue")
    if done.stopped:
        console.out.print(f"{len(done.stopped)} steps failed, or wait for one that did")
        console.out.print(f"try them again: harness submit {plan.id} --again")
    console.out.print("see `harness status`; the same command shows the scores once all is done")

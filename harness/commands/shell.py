"""The verb `shell`: a step's environment, inputs and working directory at a terminal."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from harness.commands.build import build
from harness.commands.context import Context, Notify
from harness.commands.fetch import fetch
from harness.commands.inspect import find_step
from harness.errors import NotReadyError
from harness.execution.outcome import Ready
from harness.files import remove_tree
from harness.layout import StepFolder
from harness.manifest.model import RuntimeName
from harness.plan.plan import BoundStep
from harness.runtimes.runtime import Interactive
from harness.store.plans import plan_of

#: bash where there is one.
_SHELL = ("/bin/sh", "-c", "if command -v bash >/dev/null; then exec bash; else exec sh; fi")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A shell that can be started, and what the step itself runs."""

    program: Interactive
    step_argv: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """What is started, under which environment (null: the caller's) and where, as JSON."""
        program = self.program
        return {
            "argv": list(program.argv),
            "env": None if program.env is None else dict(program.env),
            "cwd": None if program.cwd is None else str(program.cwd),
            "line": program.line(),
            "step": list(self.step_argv),
        }


@contextmanager
def prepared(context: Context, name: str, notify: Notify, *, keep: bool) -> Iterator[Prepared]:
    """The shell of RUN/STEP, without GPUs; with `keep` its folders stay afterwards.

    It works in the folder of the step's newest failed attempt, else in a fresh one.
    """
    step, runtime_name = _planned(context, find_step(context, name).key)
    fetched = fetch(context, [step], notify)
    ready = build(context, runtime_name, [step], fetched, notify)
    _refuse_missing_inputs(context, step)
    failed = _newest_failed(context, step)
    folder = failed or _fresh(context, ready, step)
    runtime = context.runtime(runtime_name, step.scale)
    workspace = ready.workspace(step, folder, context.layout, {})
    workspace.prepare(runtime)
    command = workspace.command(runtime, ready.environment(step), ())
    shell = replace(command, name=f"harness-shell-{uuid.uuid4().hex[:12]}", argv=_SHELL, labels={})
    notify(f"/work and /out are {folder.root}")
    try:
        program = runtime.interactive(shell, terminal=sys.stdin.isatty())
        yield Prepared(program, command.argv)
    finally:
        if not keep:
            remove_tree(folder.home if failed else folder.root, quiet=True)


def start(program: Interactive) -> int:
    """Start it at the user's terminal; its exit code. Raises NotReadyError if it is not there."""
    try:
        done = subprocess.run(program.argv, env=program.env, cwd=program.cwd, check=False)
    except FileNotFoundError as error:
        raise NotReadyError(
            f"{program.argv[0]} is not installed: a shell in a container takes its command line",
            hint="install it, or see what to start with `harness shell --print`",
        ) from error
    return done.returncode


def _planned(context: Context, key: str) -> tuple[BoundStep, RuntimeName]:
    """The step and the runtime of its run; GPUs are left to steps that lease them."""
    plan = plan_of(context.layout, key)
    run = next(run for run in plan.runs if key in run.steps.values())
    step = plan.step(key)
    return replace(step, resources=replace(step.resources, gpus=0)), run.runtime


def _refuse_missing_inputs(context: Context, step: BoundStep) -> None:
    missing = [
        f"/in/{name}"
        for name, one in step.inputs.items()
        if one.kind == "step" and not (context.layout.entry(one.ref).out / one.path).exists()
    ]
    if missing:
        raise NotReadyError(
            f"{step.title}: {', '.join(missing)} not there (not made yet, or dropped)",
            hint="run what comes before it: `harness reproduce ... --until STEP`, with --keep",
        )


def _newest_failed(context: Context, step: BoundStep) -> StepFolder | None:
    failed = [
        attempt
        for attempt in context.store.attempts(step.key)
        if attempt.record.exists() and attempt.work.exists()
    ]
    return max(failed, key=lambda attempt: attempt.record.stat().st_mtime_ns, default=None)


def _fresh(context: Context, ready: Ready, step: BoundStep) -> StepFolder:
    folder = context.layout.shell(uuid.uuid4().hex[:12])
    folder.out.mkdir(parents=True)
    folder.work.mkdir()
    ready.copy_source(step, folder.work)
    return folder

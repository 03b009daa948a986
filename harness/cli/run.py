"""Commands that plan, fetch, build, run and verify."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

import typer

from harness.cli.app import app
from harness.cli.options import (
    Backbone,
    Base,
    CaBundle,
    Data,
    Gpus,
    Jobs,
    Json,
    LossesText,
    Methods,
    Mirror,
    OptionList,
    Project,
    Runs,
    RuntimeText,
    ScaleText,
    Seed,
    Seeds,
    StackName,
    Until,
    Wheelhouse,
    WithTest,
    make_ask,
    make_context,
    parse_runtime,
    parse_scale,
)

if TYPE_CHECKING:
    from harness.context import Context
    from harness.core.plan import Plan
    from harness.reproduce import Result


@app.command()
def reproduce(
    methods: Methods,
    *,
    backbone: Backbone = None,
    losses: LossesText = "all",
    seeds: Seeds = None,
    seed: Seed = None,
    scale: ScaleText = "paper",
    stack: StackName = None,
    runtime: RuntimeText = "docker",
    option: OptionList = None,
    until: Until = None,
    with_test: WithTest = False,
    gpus: Gpus = None,
    jobs: Jobs = 2,
    project: Project = None,
    runs: Runs = None,
    mirror: Mirror = None,
    data: Data = None,
    ca_bundle: CaBundle = None,
    wheelhouse: Wheelhouse = None,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Take chains from pinned repositories to J, F and J&F."""
    from harness import reproduce as verbs
    from harness.console import Board
    from harness.review import log_path

    ask = make_ask(
        methods,
        backbone,
        losses,
        seeds,
        seed,
        scale,
        stack,
        runtime,
        option,
        until,
        with_test=with_test,
    )
    context = make_context(project, runs, mirror, data, ca_bundle, wheelhouse, base)
    plan = verbs.plan(context, ask)
    if not as_json:
        _announce(context, plan)
    with Board(plan, lambda key: log_path(context, key)) as board:
        result = verbs.reproduce(context, ask, plan, make_work(context, jobs, gpus, board))
    _finish(context, result, as_json=as_json)


@app.command()
def plan(
    methods: Methods,
    *,
    backbone: Backbone = None,
    losses: LossesText = "all",
    seeds: Seeds = None,
    seed: Seed = None,
    scale: ScaleText = "paper",
    stack: StackName = None,
    runtime: RuntimeText = "docker",
    option: OptionList = None,
    until: Until = None,
    with_test: WithTest = False,
    project: Project = None,
    runs: Runs = None,
    mirror: Mirror = None,
    data: Data = None,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Print every step, done or to do and why; nothing is fetched, built or run."""
    from harness import console, shapes
    from harness import reproduce as verbs

    ask = make_ask(
        methods,
        backbone,
        losses,
        seeds,
        seed,
        scale,
        stack,
        runtime,
        option,
        until,
        with_test=with_test,
    )
    context = make_context(project, runs, mirror, data, None, None, base)
    found = verbs.plan(context, ask)
    if as_json:
        console.show_json(shapes.plan_document(context, found))
        return
    notes = shapes.plan_notes(context, found)
    console.show_plan(found, lambda step: shapes.state(context, step), notes)


@app.command()
def fetch(
    methods: Methods,
    *,
    scale: ScaleText = "paper",
    project: Project = None,
    runs: Runs = None,
    mirror: Mirror = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Check out the sources and fetch the assets that methods need."""
    from harness import console
    from harness import reproduce as verbs

    context = make_context(project, runs, mirror, data)
    rows = verbs.fetch_methods(context, methods, parse_scale(scale), console.err.print)
    if as_json:
        console.show_json({"fetched": rows})
    else:
        pairs = [(row["kind"], row["name"], row["path"]) for row in rows]
        console.show_table("fetched", ("kind", "name", "path"), pairs)


@app.command()
def build(
    methods: Methods,
    *,
    stack: StackName = None,
    runtime: RuntimeText = "docker",
    project: Project = None,
    runs: Runs = None,
    ca_bundle: CaBundle = None,
    wheelhouse: Wheelhouse = None,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Build the environments that methods need."""
    from harness import console
    from harness import reproduce as verbs

    context = make_context(project, runs, None, None, ca_bundle, wheelhouse, base)
    rows = verbs.build_methods(context, methods, stack, parse_runtime(runtime), console.err.print)
    if as_json:
        console.show_json({"built": rows})
    else:
        cells = [(row["method"], row["stack"], row["id"], row["handle"]) for row in rows]
        console.show_table("built", ("method", "stack", "environment", "handle"), cells)


@app.command()
def verify(
    *, project: Project = None, runs: Runs = None, mirror: Mirror = None, as_json: Json = False
) -> None:
    """Check that pins exist, patches apply exactly and checkouts are what they were."""
    from harness import console, shapes
    from harness import reproduce as verbs
    from harness.errors import MismatchError

    context = make_context(project, runs, mirror)
    findings = verbs.verify(context)
    bad = [finding for finding in findings if not finding.ok]
    if as_json:
        console.show_json({"ok": not bad, "findings": [shapes.finding_row(f) for f in findings]})
        raise typer.Exit(MismatchError.exit_code if bad else 0)
    rows = [(f.repository, f.what, "ok" if f.ok else "MISMATCH") for f in findings]
    console.show_table("verify", ("repository", "what", "state"), rows)
    if bad:
        first = bad[0]
        raise MismatchError(
            f"{len(bad)} of {len(findings)} checks failed; first {first.repository}: {first.what}: "
            f"expected {first.expected}, found {first.found}",
            hint="restore the file named (git checkout for patches and manifests; delete the "
            "cached checkout so that it is made again)",
        )


def make_work(context: "Context", jobs: int, gpus: str | None, board: Any) -> Any:
    """Return how to execute: this machine's CPUs, memory and GPUs, Ctrl-C, and the board."""
    from harness.engine.host import total_memory_gb
    from harness.engine.schedule import Tokens, Watch
    from harness.reproduce import Work

    memory = total_memory_gb()
    tokens = Tokens(cpus=os.cpu_count() or 1, memory_gb=memory, gpus=context.gpus(gpus))
    watch = Watch(planned=board.planned, started=board.started, ended=board.ended)
    return Work(jobs=jobs, tokens=tokens, stopping=_stopping, watch=watch, say=board.say)


def _announce(context: "Context", plan: "Plan") -> None:
    from harness import console, shapes

    for note in shapes.plan_notes(context, plan):
        console.err.print(note, markup=False)


def _finish(context: "Context", result: "Result", *, as_json: bool) -> None:
    from harness import console, shapes

    if as_json:
        console.show_json(shapes.report(result))
    else:
        console.show_scores("scores in percent, mean ± sd over seeds", shapes.score_groups(result))
        console.out.print(f"runs: {context.layout.root}")
    raise typer.Exit(result.exit_code)


@contextmanager
def _stopping() -> Iterator[Event]:
    """Turn Ctrl-C and TERM into a polite stop: running steps get TERM, grace, KILL."""
    stop = Event()

    def ask_stop(number: int, frame: object) -> None:
        del number, frame
        stop.set()

    before = {number: signal.signal(number, ask_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Commands that plan, fetch, build, run and verify."""

from typing import TYPE_CHECKING

import typer

from harness.cli.app import app
from harness.cli.options import (
    Backbone,
    Base,
    CaBundle,
    Data,
    Detach,
    Gpus,
    Jobs,
    Json,
    Keep,
    LossesText,
    Methods,
    Mirror,
    OptionList,
    Project,
    RetryCount,
    Runs,
    RuntimeText,
    ScaleText,
    Seed,
    Seeds,
    ShardCount,
    StackName,
    Until,
    Wheelhouse,
    WithTest,
    make_ask,
    make_context,
    parse_scale,
)
from harness.cli.working import make_work

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.commands.reproduce import Result
    from harness.plan.plan import Plan


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
    retries: RetryCount = 2,
    detach: Detach = False,
    shards: ShardCount = 1,
    keep: Keep = False,
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
    from harness.commands import reproduce as verbs
    from harness.commands.inspect import log_path
    from harness.console import Board

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
        work = make_work(
            context,
            jobs,
            gpus,
            board,
            retries=retries,
            detach=detach,
            shards=shards,
            keep=keep,
        )
        result = verbs.reproduce(context, ask, plan, work)
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
    gpus: Gpus = None,
    project: Project = None,
    runs: Runs = None,
    mirror: Mirror = None,
    data: Data = None,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Print every step, done or to do and why; nothing is fetched, built or run."""
    from harness import console, shapes
    from harness.commands import reproduce as verbs

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
    leases = context.gpus(gpus)
    if gpus is not None:  # the question is whether it can run on these
        verbs.refuse_gpus(context, found, leases)
    at_hand = shapes.gpu_notes(context, found, leases)
    if as_json:
        console.show_json({**shapes.plan_document(context, found), "gpus": at_hand})
        return
    notes = [*shapes.plan_notes(context, found), *at_hand]
    states = shapes.states(context, found)
    console.show_plan(found, lambda step: states[step.key], notes)


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
    from harness.commands import reproduce as verbs

    context = make_context(project, runs, mirror, data)
    rows = verbs.fetch_methods(context, methods, parse_scale(scale), console.err.print)
    if as_json:
        console.show_json({"fetched": rows})
    else:
        pairs = [(row["kind"], row["name"], row["path"]) for row in rows]
        console.show_table("fetched", ("kind", "name", "path"), pairs)


@app.command()
def verify(
    *, project: Project = None, runs: Runs = None, mirror: Mirror = None, as_json: Json = False
) -> None:
    """Check that pins exist, patches apply exactly and checkouts are what they were."""
    from harness import console, shapes
    from harness.commands import reproduce as verbs
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

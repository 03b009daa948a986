"""The command line: options in, one verb each, errors to exit codes. Heavy imports come late."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness import __version__
from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from harness.context import Context
    from harness.core.plan import Plan
    from harness.reproduce import Ask, Result

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Reproduce High-fidelity Pseudo-labels (WACV 2024) from nine pinned repositories.",
)
assets_app = typer.Typer(no_args_is_help=True, help="Data sets and pre-trained weights.")
manifest_app = typer.Typer(no_args_is_help=True, help="Manifests: check them, write their schema.")
app.add_typer(assets_app, name="assets")
app.add_typer(manifest_app, name="manifest")

Methods = Annotated[list[str], typer.Argument(help="Methods by name, or all.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")]
Project = Annotated[Path | None, typer.Option(help="Project root.", envvar="HARNESS_PROJECT")]
Runs = Annotated[Path | None, typer.Option(help="Folder instead of the project's runs/.")]
Mirror = Annotated[
    Path | None,
    typer.Option(help="Folder of bare repositories OWNER/NAME.git.", envvar="HARNESS_MIRROR"),
]
Data = Annotated[Path | None, typer.Option(help="Folder with your data sets and weights.")]
Backbone = Annotated[
    str | None, typer.Option(help="One backbone; all of the method's if left out.")
]
LossesText = Annotated[
    str, typer.Option("--losses", help="all, or a list of none,isl,fsl,isl+fsl.")
]
Seeds = Annotated[int | None, typer.Option(help="How many of the manifest's seeds.")]
Seed = Annotated[str | None, typer.Option("--seed", help="These seeds instead: A,B,...")]
ScaleText = Annotated[str, typer.Option("--scale", help="paper, or smoke (CPU, minutes).")]
StackName = Annotated[str | None, typer.Option("--stack", help="Software stack.")]
RuntimeText = Annotated[str, typer.Option("--runtime", help="docker, podman or process.")]
OptionList = Annotated[
    list[str] | None, typer.Option("--option", help="OPTION=CHOICE; repeatable.")
]
Until = Annotated[
    str | None, typer.Option(help="Stop after this step or score (cam, pseudo, ...).")
]
CaBundle = Annotated[Path | None, typer.Option(help="CA bundle for builds behind a proxy.")]
Wheelhouse = Annotated[Path | None, typer.Option(help="Folder of wheels for builds.")]
Base = Annotated[str | None, typer.Option(help="Another base image (recorded by its id).")]
Jobs = Annotated[int, typer.Option(min=1, help="Steps at a time.")]


def main() -> None:
    """Run the command line; every error becomes its exit code."""
    try:
        app()
    except HarnessError as error:
        _show_error(error)
        sys.exit(error.exit_code)


@app.callback(invoke_without_command=True)
def _root(*, version: Annotated[bool, typer.Option("--version", help="Print it.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


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

    ask = _ask(methods, backbone, losses, seeds, seed, scale, stack, runtime, option, until)
    context = _context(project, runs, mirror, data, ca_bundle, wheelhouse, base)
    plan = verbs.plan(context, ask)
    if not as_json:
        _announce(context, plan)
    with _stopping() as stop, Board(plan, lambda key: _log(context, key)) as board:
        result = verbs.reproduce(context, ask, plan, _work(jobs, stop, board))
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

    ask = _ask(methods, backbone, losses, seeds, seed, scale, stack, runtime, option, until)
    context = _context(project, runs, mirror, data, None, None, base)
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

    context = _context(project, runs, mirror, data)
    rows = verbs.fetch_methods(context, methods, _scale(scale), console.err.print)
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

    context = _context(project, runs, None, None, ca_bundle, wheelhouse, base)
    rows = verbs.build_methods(context, methods, stack, _runtime(runtime), console.err.print)
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

    context = _context(project, runs, mirror)
    findings = verbs.verify(context)
    bad = [finding for finding in findings if not finding.ok]
    if as_json:
        console.show_json({"ok": not bad, "findings": [shapes.finding_row(f) for f in findings]})
    else:
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


@app.command()
def status(*, project: Project = None, runs: Runs = None, as_json: Json = False) -> None:
    """Where every planned run stands, from the files alone."""
    from harness import console, review
    from harness.core import keys

    found = review.status(_context(project, runs))
    if as_json:
        rows = [{**keys.plain(run), "state": run.state} for run in found]
        console.show_json({"runs": rows})
        return
    cells = []
    for run in found:
        done = sum(step.state == "done" for step in run.steps)
        now = next((s.name for s in run.steps if s.state in {"running", "failed"}), "")
        cells.append((run.id, run.state, f"{done}/{len(run.steps)}", now))
    console.show_table("runs", ("run", "state", "steps", "now"), cells)


@app.command()
def logs(
    step: Annotated[str, typer.Argument(help="RUN/STEP")],
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Until the step ends.")] = False,
    project: Project = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Print a step's log."""
    from harness import console, review

    context = _context(project, runs)
    found = review.find_step(context, step)
    pieces = review.read_log(context, found, follow=follow)
    if as_json:
        console.show_json({"step": found.name, "key": found.key, "log": "".join(pieces)})
        return
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()


@app.command()
def why(
    step: Annotated[str, typer.Argument(help="RUN/STEP")],
    *,
    project: Project = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """What differs between a step's key and the nearest finished one."""
    from harness import console, review

    context = _context(project, runs)
    found = review.find_step(context, step)
    nearest, differing = review.why(context, found)
    if as_json:
        rows = [{"part": p, "finished": a, "planned": b} for p, a, b in differing]
        console.show_json({"step": found.name, "key": found.key, "nearest": nearest, "parts": rows})
    elif nearest is None:
        console.out.print(f"{found.name}: no step of that name is finished")
    elif not differing:
        console.out.print(f"{found.name}: finished under its key {found.key[:12]}")
    else:
        cells = [(p, str(a), str(b)) for p, a, b in differing]
        console.show_table(
            f"{found.name} {found.key[:12]}, nearest finished {nearest[:12]}",
            ("part", "finished", "planned"),
            cells,
        )


@app.command()
def score(
    *,
    pred: Annotated[Path, typer.Option(help="Folder of predictions, one file per id.")],
    gt: Annotated[Path, typer.Option(help="Folder of ground-truth PNGs.")],
    ids: Annotated[Path, typer.Option("--list", help="File of ids, one a line.")],
    kind: Annotated[str, typer.Option(help="png, or cam (npy dicts).")] = "png",
    curve: Annotated[bool, typer.Option("--curve", help="CAMs: 60 thresholds.")] = False,
    as_json: Json = False,
) -> None:
    """J (mIoU), F (contour) and J&F of a folder of predictions, in percent."""
    from harness import console
    from harness.scoring import score_folder

    found = score_folder(pred, gt, ids, kind=kind, curve=curve)
    if as_json:
        console.show_json(found)
        return
    scores = found["scores"]
    console.show_table(
        "scores", ("J", "F", "J&F"), [[f"{scores[m]:.2f}" for m in ("J", "F", "JF")]]
    )


@app.command()
def repos(*, project: Project = None, as_json: Json = False) -> None:
    """The pinned repositories of Tab. 8."""
    from harness import console
    from harness.core import keys

    repositories = _context(project, None).catalogue.repositories
    if as_json:
        console.show_json({"repositories": keys.plain(repositories)})
        return
    rows = [
        (name, r.url, r.commit[:12], r.date, r.licence or "none", _stages(r.stages))
        for name, r in repositories.items()
    ]
    columns = ("repository", "URL", "commit", "date", "licence", "stages")
    console.show_table("repositories", columns, rows)


@app.command()
def methods(*, project: Project = None, as_json: Json = False) -> None:
    """The methods that can be run."""
    from harness import console, shapes

    rows = shapes.method_rows(_context(project, None))
    if as_json:
        console.show_json({"methods": rows})
        return
    cells = [
        (
            r["method"],
            r["title"],
            ", ".join(r["backbones"]),
            ", ".join(r["stacks"]),
            str(r["steps"]),
        )
        for r in rows
    ]
    console.show_table("methods", ("method", "title", "backbones", "stacks", "steps"), cells)


@assets_app.command("list")
def assets_list(
    *, project: Project = None, runs: Runs = None, data: Data = None, as_json: Json = False
) -> None:
    """Which assets are there, and how to get the others."""
    from harness import console
    from harness.core import keys

    found = _context(project, runs, None, data).assets.status()
    if as_json:
        console.show_json({"assets": [keys.plain(one) for one in found]})
        return
    cells = [(s.name, s.title, s.state.value, str(s.path or s.how)) for s in found]
    console.show_table("assets", ("asset", "what", "state", "where, or how to get it"), cells)


@assets_app.command("add")
def assets_add(
    name: str, file: Path, *, project: Project = None, runs: Runs = None, as_json: Json = False
) -> None:
    """Take in a file that only a browser can fetch."""
    from harness import console

    path = _context(project, runs).assets.add(name, file)
    if as_json:
        console.show_json({"asset": name, "path": str(path)})
    else:
        console.out.print(f"{name}: {path}")


@manifest_app.command("check")
def manifest_check(*, project: Project = None, as_json: Json = False) -> None:
    """Read every manifest strictly."""
    from harness import console
    from harness.core.manifest import method_names

    context = _context(project, None)
    names = method_names(context.project)
    steps = {name: len(context.method(name).steps) for name in names}
    counts = {
        "repositories": len(context.catalogue.repositories),
        "assets": len(context.catalogue.assets),
        "stacks": len(context.catalogue.stacks),
        "methods": steps,
    }
    if as_json:
        console.show_json({"ok": True, **counts})
    else:
        console.out.print(f"manifests hold: {counts}", markup=False)


@manifest_app.command("schema")
def manifest_schema(folder: Path) -> None:
    """Write the JSON Schema of each manifest into a folder."""
    import json

    from harness.core.manifest import json_schemas

    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in json_schemas().items():
        text = json.dumps(schema, indent=1, sort_keys=True) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


def _context(
    project: Path | None,
    runs: Path | None,
    mirror: Path | None = None,
    data: Path | None = None,
    ca_bundle: Path | None = None,
    wheelhouse: Path | None = None,
    base: str | None = None,
) -> "Context":
    from harness.context import Context, find_cache, find_project
    from harness.core.building import BuildOptions
    from harness.core.layout import RunLayout

    found = find_project(project)
    mirror = mirror.resolve() if mirror else None
    return Context(
        project=found,
        layout=RunLayout((runs or found.root / "runs").resolve()),
        cache=find_cache(),
        mirror=mirror,
        data=data.resolve() if data else None,
        build=BuildOptions.from_environment(
            os.environ, ca_bundle=ca_bundle, wheelhouse=wheelhouse, base=base
        ),
    )


def _ask(
    methods: list[str],
    backbone: str | None,
    losses: str,
    seeds: int | None,
    seed: str | None,
    scale: str,
    stack: str | None,
    runtime: str,
    option: list[str] | None,
    until: str | None,
) -> "Ask":
    from harness.core.model import Losses
    from harness.reproduce import Ask

    if seeds is not None and seed is not None:
        raise UsageError("--seeds and --seed together", hint="give a count or the seeds, not both")
    return Ask(
        methods=tuple(methods),
        backbone=backbone,
        losses=tuple(Losses) if losses == "all" else _losses(losses),
        seeds=seeds,
        seed=_seed_list(seed),
        scale=_scale(scale),
        stack=stack,
        runtime=_runtime(runtime),
        options=dict(_pair(text) for text in option or ()),
        until=until,
    )


def _losses(text: str) -> tuple[Any, ...]:
    from harness.core.model import Losses

    return tuple(_member(Losses, part.strip(), "--losses") for part in text.split(","))


def _scale(text: str) -> Any:
    from harness.core.model import Scale

    return _member(Scale, text, "--scale")


def _runtime(text: str) -> Any:
    from harness.core.model import RuntimeName

    return _member(RuntimeName, text, "--runtime")


def _member(kind: Any, text: str, option: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise UsageError(f"{option} {text}: unknown", hint=f"one of: {known}") from None


def _seed_list(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise UsageError(f"--seed {text}: not a list of numbers", hint="--seed 1,2") from None


def _pair(text: str) -> tuple[str, str]:
    name, sign, choice = text.partition("=")
    if not sign:
        raise UsageError(f"--option {text}: no '='", hint="--option NAME=CHOICE")
    return name, choice


def _work(jobs: int, stop: Event, board: Any) -> Any:
    from harness.adapters.gpu import gpu_uuids
    from harness.engine.host import total_memory_gb
    from harness.engine.schedule import Tokens, Watch
    from harness.reproduce import Work

    tokens = Tokens(cpus=os.cpu_count() or 1, memory_gb=total_memory_gb(), gpus=gpu_uuids())
    watch = Watch(started=board.started, ended=board.ended)
    return Work(jobs=jobs, tokens=tokens, stop=stop, watch=watch, say=board.say)


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


def _log(context: "Context", key: str) -> Path | None:
    from harness.review import log_path

    return log_path(context, key)


def _show_error(error: HarnessError) -> None:
    from harness import console

    if "--json" in sys.argv:
        from harness.shapes import explain

        console.show_json(explain(error))
    console.show_error(error)


def _stages(stages: Any) -> str:
    return ", ".join(f"{method} {text}" for method, text in stages.items())


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

"""What the options of all commands are, and how their texts become values."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.commands.plan import Ask

Methods = Annotated[list[str], typer.Argument(help="Methods by name, or all.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")]
Project = Annotated[Path | None, typer.Option(help="Project root.", envvar="HARNESS_PROJECT")]
Runs = Annotated[Path | None, typer.Option(help="Folder instead of the project's runs/.")]
Mirror = Annotated[
    Path | None,
    typer.Option(
        help="Folder that `mirror create` made, or of bare repositories OWNER/NAME.git.",
        envvar="HARNESS_MIRROR",
    ),
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
WithTest = Annotated[bool, typer.Option("--with-test", help="Predict the VOC test split too.")]
CaBundle = Annotated[Path | None, typer.Option(help="CA bundle for builds behind a proxy.")]
Wheelhouse = Annotated[Path | None, typer.Option(help="Folder of wheels for builds.")]
Base = Annotated[str | None, typer.Option(help="Another base image (recorded by its id).")]
Gpus = Annotated[
    str | None, typer.Option(help="Only these GPUs: UUID|INDEX,... (indices as nvidia-smi's).")
]
Jobs = Annotated[int, typer.Option(min=1, help="Steps at a time.")]
ShardCount = Annotated[
    int, typer.Option("--shards", min=1, help="Parts into which a step is split that can be.")
]
Keep = Annotated[bool, typer.Option("--keep", help="Drop no intermediate that was read.")]
RetryCount = Annotated[
    int,
    typer.Option(
        "--retries", min=0, help="Tries after an infrastructure fault; never after others."
    ),
]
Detach = Annotated[
    bool, typer.Option("--detach", help="On Ctrl-C let containers run on, to be followed later.")
]


def make_context(
    project: Path | None,
    runs: Path | None,
    mirror: Path | None = None,
    data: Path | None = None,
    ca_bundle: Path | None = None,
    wheelhouse: Path | None = None,
    base: str | None = None,
    *,
    fresh: bool = False,
    examined: bool = False,
) -> "Context":
    """Return the folders and build options of one command.

    A mirror that cannot be opened is an error, unless the mirror is itself `examined`.
    """
    from harness.commands.context import Context, default_runs, find_cache, find_project
    from harness.environments.builder import BuildOptions
    from harness.environments.mirror import open_mirror
    from harness.errors import HarnessError
    from harness.layout import RunLayout

    found = find_project(project)
    mirror = mirror.resolve() if mirror else None
    try:
        opened = open_mirror(mirror) if mirror else None
    except HarnessError:
        if not examined:
            raise
        opened = None
    options = BuildOptions.from_environment(
        os.environ,
        ca_bundle=ca_bundle,
        wheelhouse=wheelhouse,
        base=base,
        mirror=opened,
        fresh=fresh,
    )
    return Context(
        project=found,
        layout=RunLayout((runs or default_runs(found)).resolve()),
        cache=find_cache(),
        mirror=mirror,
        data=data.resolve() if data else None,
        build=options,
    )


def make_ask(
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
    *,
    with_test: bool,
) -> "Ask":
    """Return what the user asks for. Raises UsageError, naming the option."""
    from harness.commands.plan import Ask
    from harness.manifest.model import Losses

    if seeds is not None and seed is not None:
        raise UsageError("--seeds and --seed together", hint="give a count or the seeds, not both")
    return Ask(
        methods=tuple(methods),
        backbone=backbone,
        losses=tuple(Losses) if losses == "all" else _losses(losses),
        seeds=seeds,
        seed=_seed_list(seed),
        scale=parse_scale(scale),
        stack=stack,
        runtime=parse_runtime(runtime),
        options=dict(_pair(text) for text in option or ()),
        until=(until,) if until else (),
        with_test=with_test,
    )


def _losses(text: str) -> tuple[Any, ...]:
    from harness.manifest.model import Losses

    return tuple(_member(Losses, part.strip(), "--losses") for part in text.split(","))


def parse_scale(text: str) -> Any:
    """Return the Scale of that name."""
    from harness.manifest.model import Scale

    return _member(Scale, text, "--scale")


def parse_runtime(text: str) -> Any:
    """Return the RuntimeName of that name."""
    from harness.manifest.model import RuntimeName

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

"""Arguments and options that several commands have, with their help and completion."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import completers

Methods = Annotated[
    list[str], typer.Argument(help="Methods by name, or all.", autocompletion=completers.methods)
]
MethodName = Annotated[
    str, typer.Argument(help="A method by name.", autocompletion=completers.one_method)
]
Runs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[METHOD|RUN]...",
        help="Runs by method or beginning; all by default.",
        autocompletion=completers.methods_or_runs,
    ),
]
RunOrStep = Annotated[
    str, typer.Argument(metavar="RUN[/STEP]", autocompletion=completers.run_steps)
]
RunStep = Annotated[str, typer.Argument(metavar="RUN/STEP", autocompletion=completers.run_steps)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]
Gpus = Annotated[
    str | None,
    typer.Option(
        help="Use only these GPUs: UUID|INDEX,... (indices as nvidia-smi's).",
        envvar="HARNESS_GPUS",
    ),
]
Jobs = Annotated[
    int, typer.Option(min=1, help="Run this many steps at a time.", envvar="HARNESS_JOBS")
]
Notify = Annotated[
    str | None,
    typer.Option(
        metavar="URL|COMMAND",
        help="Post news of the execution there, or start this with the news on stdin.",
        envvar="HARNESS_NOTIFY",
    ),
]
Every = Annotated[
    float | None,
    typer.Option(
        metavar="HOURS",
        help="With --notify: also how far it is, every so many hours.",
        envvar="HARNESS_EVERY",
    ),
]
Retry = Annotated[
    int, typer.Option(min=0, help="Retries after an infrastructure fault; never after others.")
]
TrustStore = Annotated[
    bool, typer.Option("--trust-store", help="Do not hash stored files of the size recorded.")
]
ScaleText = Annotated[
    str | None,
    typer.Option(
        "--scale",
        help="paper (demo for the demo), rehearsal, rehearsal-cpu or smoke; by default the first.",
        autocompletion=completers.scales,
    ),
]
StackName = Annotated[
    str | None,
    typer.Option(
        "--stack",
        help="Software stack; by default the method's first.",
        envvar="HARNESS_STACK",
        autocompletion=completers.stacks,
    ),
]
RuntimeText = Annotated[
    str,
    typer.Option(
        "--runtime",
        help="docker, podman or process.",
        autocompletion=completers.runtimes,
        envvar="HARNESS_RUNTIME",
    ),
]


def folder(text: str) -> Path:
    """A path that was given; an empty one is refused, which would be the working directory."""
    if not text:
        raise typer.BadParameter("expected a path, found nothing")
    return Path(text)

"""The command line: options in, one verb each, errors to exit codes; heavy imports come late."""

from harness.cli import (  # noqa: I001 - the order of --help
    reproduce,
    plan,
    fetch,
    verify,
    build,
    doctor,
    gc,
    shell,
    anchor,
    inspect,
    manifest,
    assets,
    mirror,
    method,
    score,
    scores,
    ablate,
)
from harness.cli.app import main

__all__ = [
    "ablate",
    "anchor",
    "assets",
    "build",
    "doctor",
    "fetch",
    "gc",
    "inspect",
    "main",
    "manifest",
    "method",
    "mirror",
    "plan",
    "reproduce",
    "score",
    "scores",
    "shell",
    "verify",
]

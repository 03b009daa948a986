"""The application that commands register with, and the way from errors to exit codes."""

import gc
import io
import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from harness import __version__
from harness.cli import completion, failure
from harness.cli.group import Commands, Root
from harness.cli.lasting import flushed, outlast_readers, unwritten
from harness.errors import HarnessError, UsageError
from harness.terminal import readable

_NAME = "harness"  # `python -m harness` is the same

app = typer.Typer(
    cls=Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Reproduce High-fidelity Pseudo-labels (WACV 2024) from nine pinned repositories.",
)


def _group(name: str, about: str) -> typer.Typer:
    found = typer.Typer(cls=Commands, no_args_is_help=True, help=about)
    app.add_typer(found, name=name)
    return found


assets_app = _group("assets", "Data sets and pre-trained weights.")
manifest_app = _group("manifest", "Manifests: check them, write their schema.")
method_app = _group("method", "A method of one's own.")
mirror_app = _group("mirror", "A folder to work from without a network.")
ablate_app = _group("ablate", "Studies of the paper on a loss alone.")
record_app = _group("record", "Records: list, show and compare them.")


def main() -> None:
    """Run the command line; every error becomes its exit code."""
    # What is read and planned stays: to look for garbage in it again and again finds none.
    gc.set_threshold(500_000)
    if completion.ASKS in os.environ:
        completion.complete(lambda: app(prog_name=_NAME))
    _prepare_streams()
    try:
        _run()
    except SystemExit as end:
        sys.exit(flushed(end.code))
    except OSError as error:  # of printing alone: `_run` answers all others
        sys.exit(unwritten(error))


def _run() -> NoReturn:
    """Run the command line up to its exit code."""
    try:
        sys.exit(app(prog_name=_NAME, standalone_mode=False))
    except HarnessError as error:
        failure.fail(error, _command())
    except typer.TyperException as error:
        if failure.is_help(error):
            sys.exit(UsageError.exit_code)
        failure.fail(failure.usage_error(error), _command())
    except Exception as error:  # noqa: BLE001 - a bug
        failure.fail_by_bug(error, _command())


def _command() -> str:
    return failure.command_of(typer.main.get_command(app), sys.argv[1:])


class _ReadableLines(logging.Formatter):
    """A warning as it may go to a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The message, readable."""
        return readable(super().format(record))


def _prepare_streams() -> None:
    """Let no character end a command that a terminal cannot show, and no warning reach it raw."""
    outlast_readers()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    warnings = logging.StreamHandler()
    warnings.setFormatter(_ReadableLines())
    logging.basicConfig(level=logging.WARNING, handlers=[warnings])


@app.callback(invoke_without_command=True)
def _root(*, version: Annotated[bool, typer.Option("--version", help="Print it.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit

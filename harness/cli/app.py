"""The application that commands register with, and the way from errors to exit codes."""

import gc
import io
import logging
import os
import sys
import traceback
from typing import Annotated

import typer

from harness import __version__
from harness.cli import completion
from harness.errors import HarnessError
from harness.terminal import readable

_NAME = "harness"  # `python -m harness` is the same

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Reproduce High-fidelity Pseudo-labels (WACV 2024) from nine pinned repositories.",
)
assets_app = typer.Typer(no_args_is_help=True, help="Data sets and pre-trained weights.")
manifest_app = typer.Typer(no_args_is_help=True, help="Manifests: check them, write their schema.")
ablate_app = typer.Typer(no_args_is_help=True, help="Studies of the paper on a loss alone.")
app.add_typer(assets_app, name="assets")
app.add_typer(manifest_app, name="manifest")
method_app = typer.Typer(no_args_is_help=True, help="A method of one's own.")
app.add_typer(method_app, name="method")
mirror_app = typer.Typer(no_args_is_help=True, help="A folder to work from without a network.")
app.add_typer(mirror_app, name="mirror")
app.add_typer(ablate_app, name="ablate")
record_app = typer.Typer(no_args_is_help=True, help="Records: list, show and compare them.")
app.add_typer(record_app, name="record")


def main() -> None:
    """Run the command line; every error becomes its exit code."""
    # What is read and planned stays: to look for garbage in it again and again finds none.
    gc.set_threshold(100_000)
    if completion.ASKS in os.environ:
        completion.complete(lambda: app(prog_name=_NAME))
    _prepare_streams()
    try:
        app(prog_name=_NAME)
    except HarnessError as error:
        _show_error(error)
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001 - a bug: shown whole, but for what a terminal would obey
        sys.stderr.write(readable(traceback.format_exc()))
        sys.exit(HarnessError.exit_code)


class _ReadableLines(logging.Formatter):
    """A warning as it may go to a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The message, readable."""
        return readable(super().format(record))


def _prepare_streams() -> None:
    """Let no character end a command that a terminal cannot show, and no warning reach it raw."""
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


def _show_error(error: HarnessError) -> None:
    from harness import console

    if "--json" in sys.argv:
        from harness.shapes.errors import explain

        console.show_json(explain(error))
    console.show_error(error)

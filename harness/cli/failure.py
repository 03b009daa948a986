"""How a command ends that cannot do what it was asked: on stderr, and with --json on stdout."""

import itertools
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import typer

from harness.errors import HarnessError, UsageError
from harness.names import nearest
from harness.terminal import readable


def fail(error: HarnessError, command: str) -> NoReturn:
    """Show an error once, and end with its exit code."""
    from harness import console

    console.show_error(error)
    _answer(command, error)
    sys.exit(error.exit_code)


def fail_by_bug(error: Exception, command: str) -> NoReturn:
    """Show an exception that nobody expected, whole but for what a terminal would obey."""
    what = f"{type(error).__name__}: {error}"
    hint = "this is a bug in harness: report it with the traceback on stderr"
    sys.stderr.write(readable("".join(traceback.format_exception(error))))
    _answer(command, HarnessError(what, hint=hint))
    sys.exit(HarnessError.exit_code)


def _answer(command: str, error: HarnessError) -> None:
    """Print the error as JSON where that is wanted, unless the command has answered already."""
    from harness import console
    from harness.shapes.errors import explain

    if wants_json(sys.argv) and not console.has_answered():
        console.show_json(command, explain(error))


def usage_error(error: typer.TyperException) -> UsageError:
    """What the parser of the command line refused, as an error of ours."""
    context: Any = getattr(error, "ctx", None)
    if context is None:
        return UsageError(error.format_message(), hint="see `harness --help`")
    text = error.message if _is_unknown(error) else error.format_message()
    what = f"{context.command_path}: {text[:1].lower()}{text[1:]}".rstrip(".")
    help_ = f"see `{context.command_path} --help`"
    word = getattr(error, "option_name", "") if _is_unknown(error) else ""
    near = nearest(word, _options(context.command)) if word else None
    return UsageError(what, hint=f"did you mean {near}? {help_}" if near else help_)


def is_help(error: typer.TyperException) -> bool:
    """Whether a group was called without a command: its help is shown already."""
    return type(error).__name__ == "NoArgsIsHelpError"


def command_of(root: Any, words: Sequence[str]) -> str:
    """The command that the words of a command line begin with; empty if there is none."""
    found: list[str] = []
    for word in words:
        commands = getattr(root, "commands", None)
        if commands is None:
            break
        if word in commands:
            found.append(word)
            root = commands[word]
    usual = getattr(root, "usual", None)
    return " ".join([*found, usual] if usual else found)


def wants_json(words: Sequence[str]) -> bool:
    """Whether a command line asks for JSON."""
    json = {"--json", "--format=json"} & {*words}
    return bool(json) or ("--format", "json") in itertools.pairwise(words)


def _is_unknown(error: typer.TyperException) -> bool:
    """Whether an option does not exist."""
    return hasattr(error, "possibilities")


def _options(command: Any) -> list[str]:
    return [name for one in command.params for name in one.opts if name.startswith("--")]

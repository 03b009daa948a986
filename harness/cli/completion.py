"""The answer to a shell that asks how a word goes on: `harness --install-completion`."""

import os
import sys
from collections.abc import Callable, MutableMapping
from contextlib import redirect_stdout
from io import StringIO
from typing import Final

ASKS: Final = "_HARNESS_COMPLETE"  # set by the shell that asks


def complete(run: Callable[[], object]) -> None:
    """Answer the shell that asks: nothing but candidates may reach its prompt."""
    split = _glue(os.environ) if os.environ[ASKS] == "complete_bash" else ""
    answer, code = StringIO(), 1
    try:
        with redirect_stdout(answer):
            run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except Exception:  # noqa: BLE001 - at a prompt a traceback helps nobody: nothing is offered
        sys.exit(1)
    for line in answer.getvalue().splitlines():
        sys.stdout.write(line.removeprefix(split) + "\n")
    sys.exit(code)


def _glue(environ: MutableMapping[str, str]) -> str:
    """Join the words that bash has split at `=`; what it will not replace of the last one."""
    at = int(environ.get("COMP_CWORD", 0))
    words = environ.get("COMP_WORDS", "").split("\n")[: at + 1]
    joined: list[str] = []
    for word in words:
        before = joined[-1] if joined else ""
        if joined and (word == "=" or (before.endswith("=") and before != "=")):
            joined[-1] += word
        else:
            joined.append(word)
    if len(joined) == len(words):
        return ""
    environ["COMP_WORDS"], environ["COMP_CWORD"] = "\n".join(joined), str(len(joined) - 1)
    word = joined[-1]
    value = word.partition("=")[2] if word.startswith("-") else word
    return value[: value.rfind("=") + 1]

"""What `harness.again` answers from: a note on a `reproduce` that found everything done."""

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import again
from harness.files import write_bytes

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.plan.plan import Plan

_PACKAGE = Path(__file__).resolve().parent.parent
#: What executions leave in `runs/` besides the entries of a plan's own steps.
_WORKPLACES = {"attempts", "leases", "store"}
_MOST_NOTES = 64


@dataclass(slots=True)
class Note:
    """What a call looked at, and whether the same call would print the same."""

    looked: list[dict[str, Any]] = field(default_factory=list)
    holds: bool = True

    def look(self, **at: Iterable[Path]) -> None:
        """Keep the state of paths as it is before anybody reads them; see `again.state`."""
        texts = {how: [str(path) for path in paths] for how, paths in at.items()}
        try:
            self.looked.append({"at": texts, "state": again.state(**texts)})
        except (again.Unsure, OSError):
            self.holds = False


def begin(context: "Context") -> Note:
    """A note on all that a plan is made of, before it is made."""
    from harness.commands.places import marks_before
    from harness.commands.settings import settings_files

    note, mirror = Note(), context.build.mirror
    read = [_PACKAGE, *context.project.inputs, *settings_files(context.project)]
    try:
        read += marks_before(context.project)
    except FileNotFoundError:  # the working directory is gone
        note.holds = False
    read += [mirror.layout.list] if mirror else []
    used = (context.mirror, context.data, context.build.wheelhouse, context.build.ca_bundle)
    note.look(below=read, names=[one for one in used if one])
    note.holds &= context.build.base is None  # an engine says which image that is
    return note


@contextmanager
def noting(note: Note, context: "Context", plan: "Plan") -> Iterator[None]:
    """Keep what is printed meanwhile for the same call, if then the note holds.

    The caller found every step of the plan done, and looks at the outputs within.
    """
    layout = context.layout
    entries = [layout.entry(key).root for key in plan.steps]
    written = [layout.runs, layout.numbers, layout.report]  # by this call, if they say less
    apart = _WORKPLACES | {one.name for one in (*written, layout.plans)}
    kept = [one for one in layout.root.iterdir() if one.name not in apart]
    note.look(below=[*kept, *entries])
    printed: list[tuple[str, str]] = []
    warnings = _Warnings()
    logging.getLogger().addHandler(warnings)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Heard("stdout", printed), _Heard("stderr", printed)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        logging.getLogger().removeHandler(warnings)
    names = [layout.root, layout.plans]
    note.look(below=written, names=names, replaced=layout.plans.glob("*.json"))
    if note.holds and not warnings.came:
        write_note(
            {
                "looked": note.looked,
                "plan": str(layout.plan(plan.id)),
                "writes": [str(layout.root), str(context.cache.root)],
                "printed": printed,
            }
        )


def write_note(note: dict[str, Any]) -> None:
    """Leave a note for the same call; the oldest ones go. Where none can be left there is none."""
    try:
        file = Path(again.note_file())
        write_bytes(file, again.sealed(note), flush=False)
        newest = sorted(file.parent.iterdir(), key=lambda one: -one.stat().st_mtime_ns)
        for one in newest[_MOST_NOTES:]:
            one.unlink()
    except OSError:
        return


class _Heard:
    """A stream that also keeps what is written to it."""

    def __init__(self, name: str, printed: list[tuple[str, str]]) -> None:
        self._stream: Any = getattr(sys, name)
        self._name, self._printed = name, printed

    def write(self, text: str) -> int:
        self._printed.append((self._name, text))
        written: int = self._stream.write(text)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Warnings(logging.Handler):
    """Whether anything was logged, which goes to the terminal past the streams."""

    came = False

    def emit(self, _: logging.LogRecord) -> None:
        self.came = True

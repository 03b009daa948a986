"""How a diagnosis is shown."""

from collections.abc import Iterator
from typing import Any

from harness.doctor import Diagnosis, heading, told


def diagnosis_document(found: Diagnosis) -> dict[str, Any]:
    """`doctor --json`."""
    return {
        "methods": list(found.methods),
        "ready": found.ready,
        "lines": [
            {"name": one.name, "state": one.state.value, "found": one.found, "needed": one.needed}
            for one in found.lines
        ],
        "missing": [one.document() for one in found.missing],
        "notes": [one.document() for one in found.notes],
    }


def diagnosis_rows(found: Diagnosis) -> list[tuple[str, str, str, str]]:
    """The rows of the table: check, state, found, needed."""
    return [(one.name, one.state.value, one.found, one.needed) for one in found.lines]


def diagnosis_lines(found: Diagnosis) -> Iterator[str]:
    """What is below the table: everything missing, then what is worth a look."""
    yield heading(found.missing)
    yield from told(found.missing)
    if found.notes:
        yield "worth a look:"
        yield from told(found.notes)

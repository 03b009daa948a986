"""What the evaluation server answered for a run, written down beside the runs."""

import datetime as dt
import math
from typing import Any

from harness.errors import UsageError
from harness.evidence.evidence import RunEvidence
from harness.files import DamagedFile, read_sealed, write_sealed
from harness.layout import RunLayout

SCHEMA = 1
_PERCENT = 100


def record_answer(
    layout: RunLayout,
    run: RunEvidence,
    answer: tuple[float, str | None, dt.date | None],
    *,
    replace: bool = False,
) -> dict[str, Any]:
    """Write J in percent, the address of the result and its date; what is known stays.

    Raises UsageError for a J that is no percentage, and unless `replace` for another answer than
    the one that is there.
    """
    value, url, date = answer
    if not (math.isfinite(value) and 0 <= value <= _PERCENT):
        raise UsageError(f"--J {value}: expected a percentage, 0 to 100", hint="--J 69.4")
    path = layout.submission(run.id)
    found = {
        "schema": SCHEMA,
        "run": run.id,
        "J": value,
        "url": url,
        "date": date.isoformat() if date else None,
    }
    if not replace:
        _refuse_other(layout, run, found)
    write_sealed(path, found)
    return found


def _refuse_other(layout: RunLayout, run: RunEvidence, found: dict[str, Any]) -> None:
    path = layout.submission(run.id)
    try:
        before = read_sealed(path)
    except DamagedFile as error:
        raise UsageError(str(error), hint="write it anew with --replace") from error
    if before is not None and before != found:
        raise UsageError(
            f"{run.id} has an answer already: J {before['J']}, {before['url']}, {before['date']}",
            hint="correct it with --replace",
        )

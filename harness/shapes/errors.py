"""How an error is shown to machines."""

from collections.abc import Mapping
from typing import Any

from harness.doctor import Unready
from harness.errors import HarnessError


def explain(error: HarnessError) -> Mapping[str, Any]:
    """An error as `--json` prints it."""
    document = {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}
    if isinstance(error, Unready):
        return {**document, "missing": [one.document() for one in error.missing]}
    return document

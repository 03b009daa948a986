"""How an error is shown to machines."""

from collections.abc import Mapping
from typing import Any

from harness.errors import HarnessError


def explain(error: HarnessError) -> Mapping[str, Any]:
    """An error as `--json` prints it."""
    return {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}

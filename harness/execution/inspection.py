"""Inspect what an attempt wrote, in a child process."""

from collections.abc import Mapping
from threading import Event
from typing import Any

from harness.contracts.confined import CONFINED
from harness.contracts.limits import seconds_for
from harness.contracts.outputs import Declared, inspect_outputs
from harness.execution.attempt import Attempt

_GB = 2**30
_MOST = 4  # times the disk that the step declares
_LEAST_GB = 2.0


def inspect(attempt: Attempt, stop: Event) -> Mapping[str, Any]:
    """Each output as its record describes it, with the fingerprint of its files.

    Raises ContractError, OSError if the disk fails, Interrupted if `stop` is set.
    """
    step = attempt.workspace.step
    most = max(_LEAST_GB, _MOST * step.resources.disk_gb) * _GB
    outputs = {name: Declared(o.path, o.contract) for name, o in step.outputs.items()}
    found: Mapping[str, Any] = CONFINED.call(
        inspect_outputs,
        attempt.folder.out,
        outputs,
        attempt.workspace.places(),
        most,
        what=f"what {step.title} wrote",
        seconds=seconds_for(most),
        stop=stop,
    )
    return found

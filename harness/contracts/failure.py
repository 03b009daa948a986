"""The error of a broken contract, and the types that all checks share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from harness.errors import StepError
from harness.manifest.contract import Contract
from harness.terminal import readable

Render: TypeAlias = Callable[[str], Path]  # a template such as `{in.lists}/val.txt` to a host path
Summary: TypeAlias = Mapping[str, object]  # what a check found, JSON-able, for records

#: Entry of a summary: texts about what readers can bear but people should know.
WARNINGS = "warnings"

#: What to do about an output if no more is known.
WRITER = "it was written without complaint, so look for the cause in the log of its writer"


class ContractError(StepError):
    """An output is not what its readers need."""


def broken(
    file: Path, contract: Contract, *, expected: str, found: str, hint: str = ""
) -> ContractError:
    """The error to raise: names file, contract, what was expected and what was found.

    `hint` is what to do about the file itself, whoever wrote it.
    """
    text = f"{file} breaks its contract {contract.kind}: expected {expected}, found {found}"
    # Names and messages may hold what the file holds.
    return ContractError(readable(text), hint=readable(hint) or WRITER)

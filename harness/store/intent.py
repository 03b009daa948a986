"""`attempt.json`: what was about to start, so that another process can take it up or end it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.files import DamagedFile, read_sealed
from harness.layout import StepFolder
from harness.store.owner import Owner, read_owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The content of `attempt.json`, from before the execution starts until it is settled."""

    runtime: str
    name: str  # of the execution
    gpus: tuple[str, ...]
    started: str  # for records; no decision rests on it
    owner: Owner
    inputs: Mapping[str, str]  # name -> digest of its files' sizes and times
    reattached: int = 0


def read_intent(attempt: StepFolder) -> Intent | None:
    """The intent of an attempt that is not settled; None if nothing was started in it.

    None, too, if it is damaged: then nobody can follow what was started.
    """
    try:
        found = read_sealed(attempt.intent)
        if found is None:
            return None
        fields = {**found, "gpus": tuple(found["gpus"]), "owner": read_owner(found["owner"])}
        return Intent(**fields)
    except (DamagedFile, TypeError, KeyError):
        return None


def execution_name(folder: Path) -> str:
    """The name of what runs in an attempt's folder."""
    return f"harness-{folder.name}"

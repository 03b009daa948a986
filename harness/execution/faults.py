"""Whose fault an end was: the step's own, or the machinery's, which is worth another try."""

import errno
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from harness.errors import DiskFull, EngineGone, HarnessError
from harness.files import FAILING, FULL
from harness.layout import StepFolder
from harness.runtimes.runtime import Cause, Exit

#: How the detail of a fault begins whose cause is a full disk.
NO_SPACE = "no space left"
_SCARCE_BYTES = 2**20
#: No step sends these to itself: somebody, or the kernel for want of memory, ended it.
_FROM_OUTSIDE = {"SIGKILL", "SIGTERM", "SIGHUP"}
#: Messages of CUDA, NVML and the driver about a card that was lost under a step.
_GPU_LOST = re.compile(
    r"NVML: Unknown Error|GPU is lost|has fallen off the bus|uncorrectable ECC error"
    r"|no CUDA-capable device is detected|CUDA-capable device\S* (?:is/)?are busy or unavailable"
    r"|Unable to determine the device handle"
)


class Fault(StrEnum):
    """Whose fault a failure was."""

    STEP = "step"
    INFRASTRUCTURE = "infrastructure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often an infrastructure fault is answered by another try, and after which pause.

    Never by another batch size or another limit: a try is the same command again.
    """

    limit: int = 2
    out_of_memory: int = 1  # the same command most often ends the same way
    pause: float = 10.0  # seconds for engine, disk or GPU to come back; doubled each time

    @classmethod
    def at_most(cls, limit: int) -> Self:
        """So many tries after infrastructure faults, of these one for want of memory."""
        return cls(limit=limit, out_of_memory=min(1, limit))

    def allow(self, faults: Sequence[Exit]) -> bool:
        """Whether there is to be another try after these faults."""
        starved = sum(fault.cause is Cause.OOM for fault in faults)
        return len(faults) <= self.limit and starved <= self.out_of_memory

    def wait(self, faults: Sequence[Exit]) -> float:
        """Seconds before the next try; none where there is nothing to come back."""
        if faults[-1].cause is not Cause.INFRASTRUCTURE:
            return 0.0
        return self.pause * 2.0 ** (len(faults) - 1)


class Faulty(Exception):  # noqa: N818 - carries an end to whoever decides on another try
    """An attempt met an infrastructure fault.

    `error` is the message if it is not tried again, which `final` forbids; `kept` is a recorded
    attempt of which nothing but record and log is worth keeping if it is.
    """

    def __init__(
        self,
        exit_: Exit,
        error: HarnessError,
        *,
        kept: StepFolder | None = None,
        final: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.exit, self.error, self.kept, self.final = exit_, error, kept, final


def fault_of(exit_: Exit) -> Fault | None:
    """Whose fault an end was; None if it was nobody's."""
    match exit_.cause:
        case Cause.DONE | Cause.INTERRUPTED:
            return None
        case Cause.INFRASTRUCTURE | Cause.OOM:
            return Fault.INFRASTRUCTURE
        case Cause.SIGNAL if exit_.signal in _FROM_OUTSIDE:
            return Fault.INFRASTRUCTURE
        case _:
            return Fault.STEP


def find_cause(exit_: Exit, folder: Path, gpus: Sequence[str], log: str) -> Exit:
    """The end as it was, or as an infrastructure fault if the disk or a GPU explains it."""
    if fault_of(exit_) is not Fault.STEP or exit_.cause is Cause.TIMEOUT:
        return exit_
    if disk_is_full(folder):
        detail = f"{NO_SPACE} on the device of {folder}"
        return replace(exit_, cause=Cause.INFRASTRUCTURE, detail=detail)
    lost = _GPU_LOST.search(log) if gpus else None
    if lost is not None:
        detail = f"a GPU was lost ({', '.join(gpus)}): {lost[0]}"
        return replace(exit_, cause=Cause.INFRASTRUCTURE, detail=detail)
    return exit_


def disk_is_full(folder: Path) -> bool:
    """Whether nothing can be written there: no bytes, or no inodes on a file system that counts."""
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize < _SCARCE_BYTES or (
        space.f_files > 0 and space.f_favail == 0
    )


def storage_fault(error: OSError, doing: str, *, final: bool = False) -> Faulty | None:
    """A failing disk as an infrastructure fault; None if the error is another."""
    # Copying a folder collects errors as text.
    copying = isinstance(error, shutil.Error) and os.strerror(errno.ENOSPC) in str(error)
    if error.errno not in FULL | FAILING | {errno.EROFS} and not copying:
        return None
    exit_ = Exit(cause=Cause.INFRASTRUCTURE, detail=f"{doing}: {error}")
    hint = "free space (`harness gc --dry-run` shows what can go), then run the same command again"
    return Faulty(exit_, DiskFull(f"{doing}: {error}", hint=hint), final=final)


def engine_fault(error: EngineGone) -> Faulty:
    """An engine that does not answer as an infrastructure fault."""
    exit_ = Exit(cause=Cause.INFRASTRUCTURE, detail=str(error), lost=True)
    return Faulty(exit_, error)

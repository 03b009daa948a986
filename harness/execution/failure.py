"""What is said of a step that failed: written when it ends, read again by whoever asks why."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.runtimes.runtime import Cause, Exit

_LOG, _KEPT = "\nlog: ", "\nkept: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The reason in a line, the lines that show it, and where log and folder are."""

    reason: str
    lines: tuple[str, ...] = ()
    log: Path | None = None  # None: it failed before it started
    kept: Path | None = None

    @property
    def text(self) -> str:
        """All of it, as errors and records hold it."""
        places = [(_LOG, self.log), (_KEPT, self.kept)]
        shown = "\n".join((self.reason, *self.lines))
        return shown + "".join(f"{name}{path}" for name, path in places if path is not None)

    @classmethod
    def read(cls, text: str) -> Self:
        """What `text` says; of any other text its first line is the reason."""
        shown, _, places = text.rpartition(_LOG) if _LOG in text else (text, "", "")
        log, _, kept = places.partition(_KEPT)
        reason, *lines = shown.split("\n")
        return cls(
            reason=reason,
            lines=tuple(lines),
            log=Path(log) if log else None,
            kept=Path(kept) if kept else None,
        )


def ending_text(exit_: Exit, *, limit_gb: float | None, machine_gb: float, hours: float) -> str:
    """How an execution ended; `limit_gb` is None where no runtime bounds its memory."""
    memory = _memory(exit_, limit_gb, machine_gb)
    killed = f"killed by {exit_.signal}"
    if exit_.signal == "SIGKILL":
        killed += f", {exit_.detail or 'perhaps for want of memory'}; {memory}"
    return {
        Cause.STEP: f"exit code {exit_.code}",
        Cause.SIGNAL: killed,
        Cause.OOM: f"out of memory: {memory}",
        Cause.TIMEOUT: f"ran past its limit of {hours:g} hours",
        Cause.INFRASTRUCTURE: f"infrastructure fault: {exit_.detail}",
    }.get(exit_.cause, exit_.cause.value)


def _memory(exit_: Exit, limit_gb: float | None, machine_gb: float) -> str:
    """What it used when it was last looked at, and what it had."""
    had = f"this machine's {machine_gb:.3g} GB" if limit_gb is None else f"its {limit_gb:g} GB"
    used = exit_.peak_memory_gb
    return f"it used {'an unknown part' if used is None else f'{used:.2g} GB'} of {had}"

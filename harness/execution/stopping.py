"""When a step has to stop: the whole command is asked to, or just this step is cancelled."""

from pathlib import Path
from threading import Event


class StepStop(Event):
    """Set once the command's stop is set or somebody left the file that cancels the step."""

    def __init__(self, command: Event, cancelled: Path) -> None:
        super().__init__()
        self._command, self._cancelled = command, cancelled

    @property
    def cancelled(self) -> bool:
        """Whether just this step is to stop."""
        return self._cancelled.exists()

    def is_set(self) -> bool:
        """Whether the step has to stop."""
        return self._command.is_set() or self.cancelled

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the command's stop; a cancellation is seen once the time is over."""
        return self._command.wait(0 if self.cancelled else timeout) or self.cancelled

"""Every error a user can meet: what broke, what to do, and the exit code.

The class decides the exit code (design: 1 bug, 2 usage or manifest, 3 environment not ready,
4 source, patch or asset mismatch, 5 image build, 6 step failed or runs incomplete,
7 verdict not as expected, 130 interrupted).
"""

from typing import ClassVar


class HarnessError(Exception):
    """Say what broke (with where, expected and found) and, in `hint`, what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class UsageError(HarnessError):
    """The command asked for something that cannot be."""

    exit_code = 2


class ManifestError(HarnessError):
    """A manifest cannot be read."""

    exit_code = 2


class NotReadyError(HarnessError):
    """A tool, device, data set or weight that the command needs is not there."""

    exit_code = 3


class EngineGone(NotReadyError):  # noqa: N818 - it may come back
    """A container engine does not answer."""


class DiskFull(NotReadyError):  # noqa: N818 - a state, not an error
    """There is no space left, or the disk fails."""


class MismatchError(HarnessError):
    """A source, patch or asset differs from its pin; nothing was changed."""

    exit_code = 4


class SourceMismatch(MismatchError):  # noqa: N818 - the base has the suffix
    """A repository, patch or checkout differs from its pin at `where`."""

    def __init__(self, where: str, *, expected: str, found: str, hint: str) -> None:
        super().__init__(f"{where}: expected {expected}, found {found}", hint=hint)
        self.where = where
        self.expected = expected
        self.found = found


class BuildError(HarnessError):
    """An image or virtual environment could not be built."""

    exit_code = 5


class StepError(HarnessError):
    """A step failed, or its outputs break their contract."""

    exit_code = 6


class NotAsExpected(HarnessError):  # noqa: N818 - a verdict, not an error
    """A verdict is not the expected one."""

    exit_code = 7


class Interrupted(HarnessError):  # noqa: N818 - a user's wish, not an error
    """The user stopped the command."""

    exit_code = 130


class LeftRunning(Interrupted):
    """The user stopped the command, and what a step started goes on without it."""


class Cancelled(Interrupted):
    """The user stopped this step alone."""

"""Where a command works, as its options say it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.commands.places import absolute, default_runs, disk_error, find_cache, find_project
from harness.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a command works and what it may use there, from its options."""

    project: Path | None = None
    runs: Path | None = None
    archive: Path | None = None
    mirror: Path | None = None
    data: Path | None = None
    ca_bundle: Path | None = None
    wheelhouse: Path | None = None
    base: str | None = None
    usual_stack: str | None = None  # by settings: of methods that have it
    cache: Path | None = None  # by settings
    options: frozenset[str] = frozenset()  # the names of those that the command has
    origins: Mapping[str, str] = field(default_factory=dict)  # what set an option that nobody typed

    def label(self, name: str) -> str:
        """What gave an option, for errors."""
        return self.origins.get(name, f"--{name.replace('_', '-')}")


@contextmanager
def naming_disks(where: Where) -> Iterator[None]:
    """Turn an error of a disk in a command into one that names the folder and what to do."""
    try:
        yield
    except OSError as error:
        runs = where.runs or default_runs(find_project(where.project))
        fault = disk_error(error, (runs, find_cache(where.cache).root))
        if fault is None:
            raise
        raise fault from error


@contextmanager
def reading_archive(where: Where) -> Iterator[Where]:
    """The same with the runs of --from, which are there within the context, in place of --runs.

    Raises UsageError or MismatchError if the archive cannot be read.
    """
    if where.archive is None:
        yield where
        return
    from harness.archive.opening import opened

    if where.runs is not None:
        raise UsageError("--from and --runs together", hint="name the archive or the folder")
    with opened(absolute(where.archive, "--from")) as runs:
        yield replace(where, runs=runs)

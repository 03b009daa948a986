"""What a child process that reads untrusted files may take."""

import resource

_GB = 2**30
_MEMORY_GB = 4.0
_OPEN_FILES = 256
_COPIES = 3  # of the largest file in memory at a time


def limit() -> None:
    """Limit memory and open files, and write no core files."""
    allow_memory_for(0)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_memory_for(size: int) -> None:
    """Allow the memory that reading a file of `size` bytes may take."""
    memory = int(_MEMORY_GB * _GB) + _COPIES * size
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))


def seconds_for(size: float) -> float:
    """How long reading files of `size` bytes in all may take: at 10 MB/s, and 15 minutes."""
    return 900.0 + size / 1e7

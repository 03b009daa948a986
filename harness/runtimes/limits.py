"""How many files and processes a step may have, within what this machine lets its user ask for."""

import resource

OPEN_FILES = 65536
PROCESSES_OF_USER = 32768  # for all containers of a user; Podman grants no more


def within_hard_limit(kind: int, most: int) -> int:
    """`most`, or the hard limit of this kind (`resource.RLIMIT_...`) if that is lower."""
    hard = resource.getrlimit(kind)[1]
    return most if hard == resource.RLIM_INFINITY else min(hard, most)


def raise_open_files() -> None:
    """Raise this process's soft limit on open files, which child processes inherit.

    A loader's worker sends each tensor of a sample as an open file. PMM's crops are up to 1,181
    tensors per picture, and 1,024 is the usual soft limit: the worker fails, the loader waits.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = within_hard_limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

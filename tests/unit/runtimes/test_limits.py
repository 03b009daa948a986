"""Limits that steps get, within the hard limits of this machine."""

import resource

import pytest

from harness.runtimes import limits

NONE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1024, 524288), (65536, 524288)),
        ((1024, 4096), (4096, 4096)),
        ((1024, NONE), (65536, NONE)),
        ((100_000, 524288), (100_000, 524288)),  # never lowered
        ((NONE, NONE), (NONE, NONE)),
    ],
)
def test_open_files_are_raised_within_the_hard_limit(
    monkeypatch: pytest.MonkeyPatch, before: tuple[int, int], after: tuple[int, int]
) -> None:
    found = {resource.RLIMIT_NOFILE: before}
    monkeypatch.setattr(resource, "getrlimit", found.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", found.__setitem__)
    limits.raise_open_files()
    assert found == {resource.RLIMIT_NOFILE: after}

"""What every test may use: how a missing tool is treated, and what is said of it at the end."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.needs import NEEDS, missing
from tests.services.docker_engine import docker_host, own_engine
from tests.services.podman_engine import podman_host
from tests.services.slurm_cluster import cluster, slurm_conf

__all__ = ["cluster", "docker_host", "own_engine", "podman_host", "slurm_conf"]

# Time never decides a test: the machine may have much else to do.
settings.register_profile("harness", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("harness")


def _in_ci() -> bool:
    return os.environ.get("CI") == "true"


def _bare() -> bool:
    """Whether tests/services/bare.sh hides all that the markers need."""
    return os.environ.get("HARNESS_BARE") == "true"


@pytest.fixture(scope="session")
def require() -> Callable[[bool, str], None]:
    """Skip when something else than a marker's tool is missing; under CI=true that is a failure."""

    def check(there: bool, reason: str) -> None:
        if there:
            return
        if _in_ci():
            pytest.fail(f"missing under CI: {reason}")
        pytest.skip(reason)

    return check


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test with a marker whose tools are missing; under CI=true that is a failure."""
    for marker in NEEDS:
        if item.get_closest_marker(marker) is not None:
            _treat(item, marker, missing(marker))


def _treat(item: pytest.Item, marker: str, reason: str) -> None:
    if not reason:
        if _bare():
            pytest.fail(f"{marker} is there, although tests/services/bare.sh should hide it")
        return
    if _in_ci() and not _bare():
        pytest.fail(f"missing under CI: {reason}")
    item.user_properties.append(("lacks", marker))  # the report takes it along
    pytest.skip(reason)


def _skips(config: pytest.Config) -> Counter[tuple[str, str]]:
    """How many tests were skipped by marker ('' for none of the list) and reason."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    reports: Iterable[Any] = terminal.stats.get("skipped", ()) if terminal is not None else ()
    return Counter(
        (dict(getattr(report, "user_properties", ())).get("lacks", ""), _reason(report))
        for report in reports
    )


def _reason(report: Any) -> str:
    said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return said.removeprefix("Skipped: ")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was skipped in one line for each reason."""
    for (marker, reason), count in sorted(_skips(config).items()):
        terminalreporter.write_line(f"skipped: {marker or 'no marker'} {count} ({reason})")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """On a bare machine nothing may hide among the skips of the markers."""
    if _bare() and any(not marker for marker, _ in _skips(session.config)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

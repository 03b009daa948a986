"""Environments of the process runtime: what counts in their ids, and that they are built once."""

import importlib.metadata
import re
from pathlib import Path
from typing import Any

import pytest

from harness.environments.builder import BuildOptions
from harness.environments.probe import keep_probe, read_probe
from harness.environments.requirements import read_lock
from harness.environments.venv import (
    HOST,
    HostEnvironments,
    VenvEnvironments,
    own_packages,
    pip_options,
)
from harness.errors import BuildError, NotReadyError
from harness.files import read_sealed
from harness.layout import CacheLayout
from tests.unit.environments.environments import (
    LOCK,
    PROBE,
    STACKS,
    FakeVenvBuilder,
    make_project,
)


@pytest.fixture
def builder() -> FakeVenvBuilder:
    return FakeVenvBuilder()


@pytest.fixture
def host(tmp_path: Path, builder: FakeVenvBuilder) -> HostEnvironments:
    return HostEnvironments(*make_project(tmp_path), builder)


@pytest.fixture
def environments(tmp_path: Path, builder: FakeVenvBuilder) -> VenvEnvironments:
    return VenvEnvironments(*make_project(tmp_path), STACKS, builder)


def write_host_lock(tmp_path: Path, *names: str) -> None:
    lines = [f"{name}==1 --hash=sha256:{'a' * 64}" for name in names]
    path = tmp_path / "project" / "dockerfiles" / "tool" / "host.lock"
    path.write_text("\n".join(lines) + "\n")


def test_the_id_holds_lock_and_python_and_nothing_else(
    tmp_path: Path, environments: VenvEnvironments, builder: FakeVenvBuilder
) -> None:
    first = environments.identify("tool", "cu117")
    assert len(first) == 64
    assert environments.identify("tool", "cu117") == first
    builder.version = "3.11.8"
    assert environments.identify("tool", "cu117") != first
    builder.version = "3.11.7"
    lock = tmp_path / "project" / "dockerfiles" / "tool" / "cu117.lock"
    lock.write_text(LOCK.replace("2.0.1", "2.0.2"))
    assert environments.identify("tool", "cu117") != first
    assert builder.built == []


def test_a_venv_is_built_once_and_probed_once(
    tmp_path: Path, environments: VenvEnvironments, builder: FakeVenvBuilder
) -> None:
    made = environments.ensure("tool", "cu117", tmp_path / "log")
    again = environments.ensure("tool", "cu117", tmp_path / "log")
    assert made == again
    assert made.python.endswith("/bin/python")
    lock = read_lock(make_project(tmp_path / "same")[0], "tool", "cu117")
    assert made.probe == {**PROBE, "lock": lock.sha256}
    assert len(builder.built) == len(builder.probed) == 1


def test_a_venv_probed_by_an_older_release_is_probed_again_and_not_built(
    tmp_path: Path, environments: VenvEnvironments, builder: FakeVenvBuilder
) -> None:
    builder.found = {name: value for name, value in PROBE.items() if name != "probe"}
    environments.ensure("tool", "cu117", tmp_path / "log")
    builder.found = {**PROBE, "os": "Debian"}
    assert environments.ensure("tool", "cu117", tmp_path / "log").probe["os"] == "Debian"
    assert (len(builder.built), len(builder.probed)) == (1, 2)


def test_a_half_built_venv_is_built_again(
    tmp_path: Path, environments: VenvEnvironments, builder: FakeVenvBuilder
) -> None:
    made = environments.ensure("tool", "cu117", tmp_path / "log")
    probe = next((tmp_path / "cache" / "environments").glob("*.json"))
    probe.write_text(probe.read_text()[:5])  # as if harness had been killed
    assert environments.ensure("tool", "cu117", tmp_path / "log") == made
    assert len(builder.built) == 2
    Path(made.python).unlink()
    environments.ensure("tool", "cu117", tmp_path / "log")
    assert len(builder.built) == 3


def test_host_is_this_python_and_counts_what_is_installed(
    tmp_path: Path, host: HostEnvironments, builder: FakeVenvBuilder
) -> None:
    write_host_lock(tmp_path, "pytest", "numpy")
    builder.found = {**PROBE, **own_packages()}
    first = host.ensure("tool", HOST, tmp_path / "log")
    assert builder.built == []
    assert len(builder.probed) == 1
    host.ensure("tool", HOST, tmp_path / "log")
    assert len(builder.probed) == 1
    write_host_lock(tmp_path, "pytest")
    assert host.identify("tool", HOST) != first.id


def test_host_names_the_packages_that_it_misses(tmp_path: Path, host: HostEnvironments) -> None:
    write_host_lock(tmp_path, "pytest", "no-such-package")
    with pytest.raises(NotReadyError, match="misses the packages no-such-package") as error:
        host.ensure("tool", HOST, tmp_path / "log")
    assert "make install" in error.value.hint


def test_pip_is_told_of_certificates_wheels_and_the_stacks_index() -> None:
    host, cu117 = STACKS["host"], STACKS["cu117"]
    assert pip_options(BuildOptions(), cu117) == ()
    assert pip_options(BuildOptions(), host) == ("--extra-index-url", host.index)
    given = BuildOptions(ca_bundle=Path("/ca.pem"), wheelhouse=Path("/wheels"))
    assert pip_options(given, host)[:4] == ("--cert", "/ca.pem", "--find-links", "/wheels")
    assert pip_options(given, host)[4:] == ("--extra-index-url", host.index)
    full = BuildOptions(wheelhouse=Path("/wheels"), wheelhouse_has_torch=True)
    assert pip_options(full, host) == ("--find-links", "/wheels")


def test_the_demos_lock_has_the_versions_that_harness_runs_on() -> None:
    """Else the demo could score otherwise in a container than in a process."""
    from harness.environments.requirements import read_requirements

    lock = read_requirements(Path(__file__).parents[3] / "dockerfiles" / "demo" / "host.lock")
    for one in lock.requirements:
        if one.name != "torch":  # a machine with a GPU has another build of it
            assert importlib.metadata.version(one.name) == one.version, one.name


@pytest.mark.parametrize(
    "before",
    [
        {"pip_freeze": ["pytest==0"]},
        {"installers": {"conda": ["pytest"]}},
        {"wheels": {"cp311-cp311-linux_x86_64": ["pytest"]}},
    ],
)
def test_a_python_that_was_changed_beside_the_lock_is_probed_again(
    tmp_path: Path, host: HostEnvironments, builder: FakeVenvBuilder, before: dict[str, Any]
) -> None:
    write_host_lock(tmp_path, "pytest")
    builder.found = {**PROBE, **own_packages(), **before}  # as it was at another time
    first = host.identify("tool", HOST)
    host.ensure("tool", HOST, tmp_path / "log")
    builder.found = {**PROBE, **own_packages()}
    now = host.ensure("tool", HOST, tmp_path / "log").probe
    assert now == {**now, **own_packages()}
    assert len(builder.probed) == 2
    assert host.identify("tool", HOST) == first


def test_probes_are_sealed_json(tmp_path: Path, environments: VenvEnvironments) -> None:
    environments.ensure("tool", "cu117", tmp_path / "log")
    probe = next((tmp_path / "cache" / "environments").glob("*.json"))
    assert read_sealed(probe) == PROBE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found[1:], "jinja2==3.1.6 is missing"),
        (lambda found: [*found, "extra_one==2"], "extra-one==2 is not locked"),
        (lambda found: ["jinja2==3.1.5", *found[1:]], "jinja2: expected 3.1.6, found 3.1.5"),
        (lambda found: [], "torch==2.0.1 is missing"),
    ],
)
def test_a_venv_that_is_not_its_lock_is_refused_and_built_again(
    environments: VenvEnvironments, builder: FakeVenvBuilder, tmp_path: Path, change: Any, said: str
) -> None:
    builder.found = {**PROBE, "pip_freeze": change(PROBE["pip_freeze"])}
    for count in (1, 2):
        with pytest.raises(BuildError, match=re.escape(said)):
            environments.ensure("tool", "cu117", tmp_path / "log")
        assert len(builder.built) == count
    builder.found = {**PROBE, "pip_freeze": [*PROBE["pip_freeze"], "pip==23.2.1"]}  # type: ignore[misc]
    environments.ensure("tool", "cu117", tmp_path / "log")
    environments.ensure("tool", "cu117", tmp_path / "log")
    assert len(builder.built) == 3


@pytest.mark.parametrize("text", ["", "null", "[]", '{"python": "3.11"}', "{" * 9])
def test_a_damaged_note_of_a_probe_is_none(tmp_path: Path, text: str) -> None:
    cache = CacheLayout(tmp_path)
    kept = keep_probe(cache, "a" * 64, {"python": "3.11"})
    assert read_probe(cache, "a" * 64) == kept == {"python": "3.11"}
    cache.probe("a" * 64).write_text(text)
    assert read_probe(cache, "a" * 64) is None

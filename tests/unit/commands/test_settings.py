"""Settings: the project's file before the user's, variables before both, errors with their place."""

from pathlib import Path

import pytest

from harness.commands.settings import KEYS, all_settings, read_settings, settings_files, variable
from harness.errors import UsageError
from harness.layout import ProjectLayout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectLayout:
    """A project and a user's folder without settings, and no variable."""
    for name in KEYS:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "config" / "harness").mkdir(parents=True)
    (tmp_path / "project").mkdir()
    return ProjectLayout(tmp_path / "project")


def write(project: ProjectLayout, own: str, users: str = "") -> None:
    for file, text in zip(settings_files(project), (own, users), strict=True):
        file.write_text(text)


def test_the_files_are_the_projects_and_the_users(project: ProjectLayout, tmp_path: Path) -> None:
    assert settings_files(project) == (
        tmp_path / "project" / "harness.toml",
        tmp_path / "config" / "harness" / "harness.toml",
    )
    assert read_settings(project) == {}


def test_the_projects_file_counts_before_the_users(project: ProjectLayout) -> None:
    write(project, "jobs = 3\n\nruntime = 'proc'\n", "jobs = 8\nstack = 'cu130'\n")
    found = read_settings(project)
    own, users = settings_files(project)
    assert {name: one.value for name, one in found.items()} == {
        "jobs": 3,
        "runtime": "process",
        "stack": "cu130",
    }
    assert found["runtime"].origin == f"{own}:3"
    assert found["stack"].origin == f"{users}:2"


def test_a_variable_counts_before_the_files(
    project: ProjectLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "jobs = 3\nca-bundle = 'ca.pem'\n")
    monkeypatch.setenv("HARNESS_JOBS", "4")
    monkeypatch.setenv("HARNESS_CA_BUNDLE", "")
    assert set(read_settings(project)) == {"ca-bundle"}
    shown = {one.name: one for one in all_settings(project)}
    assert (shown["jobs"].value, shown["jobs"].origin) == ("4", "HARNESS_JOBS")


def test_paths_are_relative_to_the_file(project: ProjectLayout, tmp_path: Path) -> None:
    write(project, "runs = '../runs'\ndata = '/data'\n", "mirror = 'mirror'\ncache = '~/cache'\n")
    found = read_settings(project)
    assert found["runs"].value == tmp_path / "project" / ".." / "runs"
    assert found["data"].value == Path("/data")
    assert found["mirror"].value == tmp_path / "config" / "harness" / "mirror"
    assert found["cache"].value == Path("~/cache").expanduser()


@pytest.mark.parametrize(
    ("gpus", "found"), [("'0,1'", "0,1"), ("0", "0"), ("[0, 'GPU-1f']", "0,GPU-1f")]
)
def test_gpus_in_any_spelling(project: ProjectLayout, gpus: str, found: str) -> None:
    write(project, f"gpus = {gpus}\n")
    assert read_settings(project)["gpus"].value == found


@pytest.mark.parametrize(
    ("text", "line", "what", "hint"),
    [
        ("\nruntmie = 'process'", 2, "unknown key 'runtmie'", "did you mean 'runtime'?"),
        ("jobs = 2\n[defaults]\nruns = 'r'", 2, "unknown key 'defaults'", "keys: runs"),
        ("jobs = 0", 1, "jobs = 0: expected a whole number of at least 1", "correct the file"),
        ("jobs = true", 1, "jobs = True: expected a whole number", "correct the file"),
        ("jobs = '2'", 1, "jobs = '2': expected a whole number", "correct the file"),
        ("runs = 3", 1, "runs = 3: expected a text", "correct the file"),
        ("runs = ''", 1, "runs = '': expected a text", "correct the file"),
        ("runtime = 'p'", 1, "write more of one: podman, process", "correct the file"),
        ("gpus = [true]", 1, "gpus = [True]: expected a text", "correct the file"),
        ("every = 0", 1, "every = 0: expected hours", "correct the file"),
        ("every = nan", 1, "every = nan: expected hours", "correct the file"),
    ],
)
def test_errors_name_the_file_the_line_and_the_key(
    project: ProjectLayout, text: str, line: int, what: str, hint: str
) -> None:
    write(project, text)
    with pytest.raises(UsageError) as raised:
        read_settings(project)
    assert str(raised.value).startswith(f"{settings_files(project)[0]}:{line}: ")
    assert what in str(raised.value)
    assert hint in raised.value.hint


@pytest.mark.parametrize("text", [b"jobs 2", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(project: ProjectLayout, text: bytes) -> None:
    file = settings_files(project)[0]
    file.write_bytes(text)
    with pytest.raises(UsageError, match=f"{file} cannot be read") as raised:
        read_settings(project)
    assert "runtime = 'process'" in raised.value.hint


def test_every_setting_is_shown_with_what_set_it(project: ProjectLayout) -> None:
    write(project, "notify = 'https://hooks.example/secret'\n")
    shown = {one.name: one for one in all_settings(project)}
    assert set(shown) == {"project", *KEYS}
    assert shown["notify"].origin == f"{settings_files(project)[0]}:1"
    assert (shown["jobs"].value, shown["jobs"].origin) == (2, "default")

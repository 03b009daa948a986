"""Folders that are missing, wrong, read-only or full: said at once, by the name that gave them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.test_faults import GOOD
from tests.project import Project

_RUN = (
    "reproduce",
    "toy",
    "--losses",
    "none",
    "--seeds",
    "1",
    "--runtime",
    "process",
    "--no-report",
)
_ASK = ("toy", "--losses", "none", "--seeds", "1", "--runtime", "process")
_CAN_MOUNT = (
    os.geteuid() == 0
    and shutil.which("unshare") is not None
    and subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0
)
mounts = pytest.mark.skipif(not _CAN_MOUNT, reason="mounting takes root and namespaces")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose run is done, with its cache beside it."""
    project = Project(tmp_path_factory.mktemp("finished"), GOOD)
    project.environ["DOCKER_HOST"] = f"unix://{project.runs}/nowhere.sock"
    code, _, said = project.reproduce()
    assert code == 0, said
    Path(project.environ["HARNESS_CACHE"]).mkdir(exist_ok=True)
    return project


def harness(
    project: Project, *words: str, first: tuple[str, ...] = (), **environ: str
) -> "subprocess.CompletedProcess[str]":
    """The command with these words alone, started by `first`."""
    return subprocess.run(
        [*first, sys.executable, "-m", "harness", *words],
        env={**project.environ, "HARNESS_PROJECT": str(project.root), **environ},
        capture_output=True,
        text=True,
        check=False,
        cwd=project.root.parent,
    )


def refused(done: "subprocess.CompletedProcess[str]", code: int, *said: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for text in said:
        assert text in done.stderr


@pytest.fixture
def odd(tmp_path: Path) -> Callable[[str], Path]:
    """Places that are not what they should be."""
    (tmp_path / "file").write_text("text")
    (tmp_path / "dangling").symlink_to(tmp_path / "unmounted" / "disk")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "empty").mkdir()
    return lambda name: tmp_path / name


@pytest.mark.parametrize(
    ("words", "place", "said"),
    [
        ((*_RUN, "--runs"), "file", "is a file"),
        ((*_RUN, "--runs"), "file/below", "is a file"),
        ((*_RUN, "--runs"), "dangling", "which is not there"),
        ((*_RUN, "--runs"), "dangling/below", "which is not there"),
        (("plan", *_ASK, "--runs"), "loop", "--runs"),
        (("plan", *_ASK, "--runs"), "n" * 300, "--runs"),
        (("status", "--runs"), "missing", "no such folder"),
        (("gc", "--runs"), "missing", "no such folder"),
        (("verify", "--store", "--runs"), "missing", "no such folder"),
        (("plan", *_ASK, "--data"), "missing", "no such folder"),
        (("assets", "list", "--data"), "file", "is a file"),
        (("plan", *_ASK, "--mirror"), "missing", "no such folder"),
        (("doctor", "toy", "--mirror"), "file", "is a file"),
        (("build", "toy", "--wheelhouse"), "missing", "no such folder"),
        (("status", "--project"), "missing", "is no harness project"),
        (("status", "--project"), "file", "is no harness project"),
        (("status", "--project"), "empty", "is no harness project"),
        (("mirror", "verify"), "missing", "no such folder"),
        (("mirror", "create"), "file", "is a file"),
        (("manifest", "schema"), "file/below", "is a file"),
        (("build", "toy", "--ca-bundle"), "missing", "cannot be read"),
        (("fetch", "toy", "--ca-bundle"), "file", "holds no certificate"),
        (("verify", "--ca-bundle"), "empty", "found a folder"),
    ],
)
def test_a_wrong_place_is_refused_by_the_name_of_its_option(
    finished: Project, odd: Callable[[str], Path], words: tuple[str, ...], place: str, said: str
) -> None:
    option = next((word for word in words[::-1] if word.startswith("--")), "")
    refused(harness(finished, *words, str(odd(place))), 2, option, place, said)


@pytest.mark.parametrize(
    ("words", "variable", "place"),
    [
        (("status",), "HARNESS_CACHE", "file"),
        (("plan", *_ASK), "HARNESS_CACHE", "file/below"),
        (_RUN, "HARNESS_CACHE", "dangling"),
        (("plan", *_ASK), "HARNESS_MIRROR", "missing"),
        (("build", "toy", "--runtime", "process"), "HARNESS_WHEELHOUSE", "missing"),
        (("status",), "HARNESS_PROJECT", "missing"),
        (("fetch", "toy"), "HARNESS_CA_BUNDLE", "missing"),
        (("fetch", "toy"), "REQUESTS_CA_BUNDLE", "file"),
        (_RUN, "SSL_CERT_FILE", "missing"),
    ],
)
def test_a_wrong_place_is_refused_by_the_name_of_its_variable(
    finished: Project, odd: Callable[[str], Path], words: tuple[str, ...], variable: str, place: str
) -> None:
    bundles = ("HARNESS_CA_BUNDLE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    unset = dict.fromkeys((*bundles, "GIT_SSL_CAINFO", "SSL_CERT_FILE"), "")
    done = harness(finished, *words, **{**unset, variable: str(odd(place))})
    refused(done, 2, variable, place)


_WRITES = (
    (*_RUN, "--junit"),
    ("report", "--output"),
    ("rehearse", "toy", "--runtime", "process", "--share"),
    ("submission", "package", "toy", "--out"),
    ("record", "export", "toy", "--ro-crate"),
    ("record", "rebuild", "toy", "--into"),
)


@pytest.mark.parametrize("place", ["file/below", "dangling", "loop", "/dev/full"])
@pytest.mark.parametrize("words", _WRITES)
def test_what_cannot_be_written_is_refused_before_the_work(
    finished: Project, odd: Callable[[str], Path], words: tuple[str, ...], place: str
) -> None:
    before = sorted(finished.runs.rglob("*"))
    done = harness(finished, *words, str(odd(place)), "--runs", str(finished.runs))
    refused(done, 2, words[-1], place)
    assert sorted(finished.runs.rglob("*")) == before
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("words", _WRITES[:4])
def test_a_folder_is_no_file_to_write(
    finished: Project, odd: Callable[[str], Path], words: tuple[str, ...]
) -> None:
    refused(harness(finished, *words, str(odd("empty"))), 2, words[-1], "is a folder, not a file")


def test_the_folder_of_a_file_is_made_once_it_is_written(finished: Project, tmp_path: Path) -> None:
    runs = ("--runs", str(finished.runs))
    file = tmp_path / "new" / "below"
    refused(harness(finished, "report", "other", *runs, "--output", str(file)), 2, "other")
    assert not file.parent.exists()
    for words in (_WRITES[0], _WRITES[1], _WRITES[4]):
        done = harness(finished, *words, str(file), *runs)
        assert done.returncode == 0, done.stderr
        assert file.is_file() or (file / "ro-crate-metadata.json").is_file()
        shutil.rmtree(file.parent)


@pytest.mark.parametrize(
    "words",
    [(*_RUN, "--runs"), (*_RUN, "--data"), ("plan", *_ASK, "--mirror"), ("report", "--output")],
)
def test_a_name_that_no_record_could_hold_is_refused(
    finished: Project, tmp_path: Path, words: tuple[str, ...]
) -> None:
    place = tmp_path / "caf\udce9"  # Latin-1
    place.mkdir()
    refused(harness(finished, *words, str(place)), 2, words[-1], "caf\\udce9 is not UTF-8")


@pytest.mark.parametrize("option", ["--runs", "--project", "--mirror", "--data"])
def test_an_empty_path_is_not_the_working_directory(finished: Project, option: str) -> None:
    refused(harness(finished, "plan", *_ASK, option, ""), 2, option)


def test_places_under_home_and_relative_ones_are_found(finished: Project, tmp_path: Path) -> None:
    runs = str(finished.runs)
    for named in ("~/other", "other", str(tmp_path / "other")):
        folder = tmp_path if named.startswith(("~", "/")) else finished.root.parent
        done = harness(finished, *_RUN, "--runs", runs, HOME=str(tmp_path), HARNESS_CACHE=named)
        assert done.returncode == 0, done.stderr
        assert (folder / "other").is_dir()
        assert not (finished.root.parent / "~").exists()
        shutil.rmtree(folder / "other")
    shown = harness(finished, "status", "--json", "--runs=~/runs", HOME=str(finished.runs.parent))
    assert len(json.loads(shown.stdout)["runs"]) == 1


# --- read-only and full --------------------------------------------------------------------------------


def mounted(script: str, *more: str) -> tuple[str, ...]:
    """Start a command in a mount namespace of its own, after `script`."""
    return (
        "unshare",
        "-m",
        "sh",
        "-c",
        f'set -e; {script}; shift {len(more)}; exec "$@"',
        "sh",
        *more,
    )


def read_only(*folders: Path) -> tuple[str, ...]:
    script = 'for f in "$@"; do case $f in +*) f=${f#+}; mount --bind "$f" "$f"; '
    script += 'mount -o remount,ro,bind "$f";; *) break;; esac; done'
    return mounted(script, *(f"+{folder}" for folder in folders))


@mounts
@pytest.mark.parametrize(
    "words",
    [
        ("status", "--json"),
        ("plan", *_ASK),
        ("logs", "toy/middle"),
        ("why", "toy/middle"),
        ("doctor",),
        ("assets", "list"),
        ("methods",),
        ("verify",),
        ("verify", "--store"),
        ("gc", "--dry-run"),
        ("cancel", "toy"),
    ],
)
def test_what_only_looks_works_where_nothing_can_be_written(
    finished: Project, words: tuple[str, ...]
) -> None:
    runs = () if words[0] == "methods" else ("--runs", str(finished.runs))
    cache = Path(finished.environ["HARNESS_CACHE"])
    done = harness(finished, *words, *runs, first=read_only(finished.runs, cache))
    assert done.returncode == 0, done.stderr


@mounts
@pytest.mark.parametrize(
    ("name", "said"), [("runs", "--runs"), ("cache", "HARNESS_CACHE"), ("home", "HARNESS_CACHE")]
)
@pytest.mark.parametrize(
    "words", [_RUN, ("build", "toy", "--runtime", "process"), ("fetch", "toy")]
)
def test_what_writes_is_refused_where_nothing_can_be_written(
    finished: Project, tmp_path: Path, words: tuple[str, ...], name: str, said: str
) -> None:
    folders = {"runs": finished.runs, "cache": tmp_path / "cache", "home": tmp_path / "home"}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    environ = {"HARNESS_CACHE": "" if name == "home" else str(folders["cache"])}
    environ |= {"HOME": str(folders["home"]), "XDG_CACHE_HOME": ""}
    first = read_only(folders[name])
    done = harness(finished, *words, "--runs", str(finished.runs), first=first, **environ)
    refused(done, 3, said, str(folders[name]), "Read-only file system")


@mounts
@pytest.mark.parametrize(("name", "said"), [("runs", "--runs"), ("cache", "HARNESS_CACHE")])
def test_a_full_disk_is_named(finished: Project, tmp_path: Path, name: str, said: str) -> None:
    folders = {"runs": tmp_path / "runs", "cache": tmp_path / "cache"}
    for folder in folders.values():
        folder.mkdir()
    script = 'mount -t tmpfs -o size=64k t "$1"; cat /dev/zero > "$1/filled" 2>/dev/null || true'
    words = (*_RUN, "--runs", str(folders["runs"]))
    environ = {"HARNESS_CACHE": str(folders["cache"])}
    done = harness(finished, *words, first=mounted(script, str(folders[name])), **environ)
    refused(done, 3, said, str(folders[name]), "No space left on device")


@mounts
def test_a_disk_that_fills_later_is_named(finished: Project, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    weights = tmp_path / "weights.bin"
    weights.write_bytes(bytes(1 << 20))
    project = Project(tmp_path, GOOD)
    asset = {"title": "w", "by_hand": "ask", "size_gb": 0.1}
    asset["contract"] = {"kind": "file", "min_bytes": 1}
    project._yaml("assets.yaml", {"assets": {"weights": asset}})
    first = mounted('mount -t tmpfs -o size=128k t "$1"', str(folder))
    done = harness(project, "assets", "add", "weights", str(weights), first=first)
    refused(done, 3, str(folder), "No space left on device")

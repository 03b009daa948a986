"""Rootless Podman, as a user made for it: who a step is, whose its files are, which limits hold."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.podman, pytest.mark.rootless, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "tests" / "services"
USER = "harness-rootless"
#: Runs as the user: one step through the adapter, then the same at paper scale.
SCRIPT = """
import json, os, sys
from pathlib import Path
from threading import Event
from harness.runtimes.container import ContainerRuntime
from harness.layout import CacheLayout
from harness.manifest.model import RuntimeName
from harness.runtimes.runtime import Environment
from harness.errors import NotReadyError
from tests.integration.steps import Bench
from tests.services.docker_engine import BASE

root = Path(sys.argv[1])
bench = Bench(root, Environment(id="0" * 64, handle=BASE, python="/usr/bin/python3"))
runtime = ContainerRuntime(
    CacheLayout(root / "cache"), engine=RuntimeName.PODMAN, strict_limits=False
)
code = '''
import json, os, socket
def tried(action):
    try: action()
    except OSError as error: return type(error).__name__
    return "worked"
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(json.dumps({
    "uid": os.getuid(), "capabilities": status["CapBnd"].strip(),
    "privileges": status["NoNewPrivs"].strip(),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "input": tried(lambda: open("{in.given}/input.txt", "w")),
    "root": tried(lambda: open("/usr/made", "w")),
    "out": tried(lambda: open("{out}/made", "w")),
    "home": tried(lambda: open("{home}/made", "w")),
}))
'''
ended = bench.run(runtime, code)
said = bench.said()
strict = ContainerRuntime(CacheLayout(root / "cache"), engine=RuntimeName.PODMAN)
try:
    refused = ""
    bench.run(strict, "pass")
except NotReadyError as error:
    refused = str(error)
print(json.dumps({
    "cause": ended.cause, "said": said,
    "isolation": dict(runtime.isolation()), "refused": refused, "me": os.getuid(),
    "owners": [(bench.out / "made").stat().st_uid, (bench.home / "made").stat().st_uid],
}))
"""


@dataclass(frozen=True)
class Person:
    """An ordinary user with a folder and an engine."""

    folder: Path
    python: str

    @property
    def uid(self) -> int:
        return pwd.getpwnam(USER).pw_uid

    def run(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        """Run a program as this user."""
        packages = [path for path in sys.path if path.endswith("-packages")]
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder / "runtime"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "HARNESS_SERVICES": str(self.folder),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *packages]),
            "CONTAINER_HOST": f"unix://{self.folder}/podman-{self.uid}/podman.sock",
        }
        return subprocess.run(
            ["runuser", "-u", USER, "--", *argv],
            env=environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


@pytest.fixture(scope="module")
def person(require: Callable[[bool, str], None]) -> Iterator[Person]:
    """A user with subordinate ids, and a rootless engine with the base image."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or ""
    version = ".".join(map(str, sys.version_info[:2]))
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    require(found == version, f"another user needs a Python {version} outside of our home")
    if USER not in {entry.pw_name for entry in pwd.getpwall()}:
        subprocess.run(["useradd", "--create-home", USER], check=True)
    made = Person(Path("/tmp") / f"rootless-{os.getpid()}", python)
    for name in ("runtime", "cache/harness-tests"):
        (made.folder / name).mkdir(parents=True)
    shutil.copy(_base_tar(made.folder), made.folder / "cache" / "harness-tests" / "bookworm.tar")
    subprocess.run(["chown", "-R", USER, str(made.folder)], check=True)
    try:
        for verb in ("start", "base"):
            done = made.run(str(SERVICES / "podman.sh"), verb)
            assert done.returncode == 0, done.stderr
        yield made
    finally:
        made.run(str(SERVICES / "podman.sh"), "purge")
        shutil.rmtree(made.folder)


def _base_tar(folder: Path) -> str:
    script = f". {SERVICES}/needs.sh; . {SERVICES}/base_image.sh; root={folder}; base_tar"
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def told(person: Person) -> dict[str, Any]:
    """What the script says."""
    work = person.folder / "work"
    made = person.run("mkdir", str(work))
    assert made.returncode == 0, made.stderr
    done = person.run(person.python, "-c", SCRIPT, str(work))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_step_is_root_inside_and_the_caller_outside(told: dict[str, Any], person: Person) -> None:
    assert told["cause"] == "done", told["said"]
    inside = json.loads(told["said"])
    assert inside["uid"] == 0
    assert told["me"] == person.uid
    assert told["owners"] == [person.uid, person.uid]
    assert told["isolation"]["user"] == "0:0"


def test_it_is_isolated_all_the_same(told: dict[str, Any]) -> None:
    inside = json.loads(told["said"])
    assert int(inside["capabilities"], 16) == 0
    assert inside["privileges"] == "1"
    assert inside["interfaces"] == ["lo"]
    assert (inside["input"], inside["root"]) == ("OSError", "OSError")
    assert (inside["out"], inside["home"]) == ("worked", "worked")


def test_limits_that_do_not_hold_are_told_and_refused_at_paper_scale(told: dict[str, Any]) -> None:
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        pytest.skip("cgroups of version 2, where limits may hold")
    assert told["isolation"]["limits"] == ["time"]
    assert told["isolation"]["warnings"] == [
        "podman cannot enforce the limit of memory",
        "podman cannot enforce the limit of processes",
    ]
    assert "cannot enforce the limit of memory, processes" in told["refused"]

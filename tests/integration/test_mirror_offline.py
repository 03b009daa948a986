"""From a mirror alone: engine, image build and steps where there is no network but loopback."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.outputs import valid
from tests.services.docker_engine import BASE

pytestmark = [pytest.mark.docker, pytest.mark.dockerd, pytest.mark.slow]
OFFLINE = Path(__file__).parents[1] / "services" / "offline.sh"
#: What could lead to packages, images or repositories past the mirror.
_LEADS = ("HARNESS_", "PIP_", "UV_", "DOCKER_HOST", "CONTAINER_HOST", "GIT_")


def images(made: dict[str, Any]) -> dict[str, str]:
    """The ids of images by their tags."""
    return {row["name"]: row["id"] for row in made["images"]}


@dataclass(frozen=True)
class Away:
    """A mirror, and a machine that has nothing else: no network, empty engine, empty cache."""

    root: Path
    engine: Path  # short: sockets lie there

    @property
    def mirror(self) -> Path:
        return self.root / "mirror"

    def creating(self, *words: str) -> tuple[list[str], dict[str, str]]:
        """`harness mirror create`, where there is a network: arguments and environment."""
        environ = {**os.environ, "HARNESS_CACHE": str(self.root / "cache-there")}
        argv = ["mirror", "create", str(self.mirror), *words, "--json", "--base", BASE]
        return [*argv, "--runs", str(self.root / "runs-there")], environ

    def create(self, *words: str) -> dict[str, Any]:
        """Make the mirror."""
        done = _harness(*self.creating(*words))
        assert done.returncode == 0, done.stdout + done.stderr
        return valid(done.stdout)

    def here(self, *commands: tuple[str, ...]) -> list[Any]:
        """Commands of harness offline, one after another in one engine; what they print."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith(_LEADS)}
        environ = {k: v for k, v in environ.items() if not k.lower().endswith("_proxy")}
        environ["HARNESS_CACHE"] = str(self.root / "cache-here")
        outs = [self.root / f"out-{number}.json" for number in range(len(commands))]
        script = self.root / "commands.sh"
        place = f"--mirror {self.mirror} --json"
        lines = [
            "set -euo pipefail",
            'test "$(ip -brief link | cut -d" " -f1)" = lo',
            *(
                f"{sys.executable} -m harness {' '.join(words)} {place} > {out}"
                for words, out in zip(commands, outs, strict=True)
            ),
        ]
        script.write_text("\n".join(lines))
        argv = [str(OFFLINE), str(self.engine), "bash", str(script)]
        done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
        said = "".join(out.read_text() for out in outs if out.exists())
        assert done.returncode == 0, said + done.stderr
        return [json.loads(out.read_text()) for out in outs]


@pytest.fixture
def away(tmp_path: Path, docker_host: str, require: Callable[[bool, str], None]) -> Iterator[Away]:
    """A machine apart."""
    del docker_host
    lacking = [tool for tool in ("unshare", "ip") if shutil.which(tool) is None]
    require(not lacking, f"not installed: {', '.join(lacking)}")
    engine = Path(tempfile.mkdtemp(prefix="offline-"))
    yield Away(tmp_path, engine)
    shutil.rmtree(engine)
    shutil.rmtree(tmp_path / "mirror", ignore_errors=True)


def test_the_demo_from_its_mirror_alone(away: Away) -> None:
    made = away.create("demo", "--scale", "smoke")
    assert made["methods"] == ["demo"]
    assert made["missing"] == []
    (tag,) = (tag for tag in images(made) if tag.startswith("harness/demo:"))
    assert sorted(name.partition(":")[0] for name in images(made)) == [
        "harness/demo",
        "harness/system",
        "harness/tools",
    ]
    assert _verify(away.mirror) == (0, [])
    again = away.create("demo", "--scale", "smoke")
    assert again == made, "a second call changes nothing"

    runs = away.root / "runs-here"
    built, reproduced = away.here(
        ("build", "demo", "--no-cache", "--runs", str(runs)),
        ("reproduce", "demo", "--scale", "smoke", "--losses", "none", "--seeds", "1",
         "--runs", str(runs)),
    )  # fmt: skip
    (image,) = built["built"]
    assert image["id"].startswith(tag.rpartition("-")[2])
    assert image["handle"] != images(made)[tag], "it was loaded, not built"
    (run,) = reproduced["runs"]
    assert run["status"] == "done"
    assert set(run["scores"]) == {"J", "F", "JF"}
    assert not any(step["cached"] for step in run["steps"])
    log = (runs / "build" / "demo-host-docker.log").read_text()
    assert "Looking in links: /options/wheels" in log
    assert "Looking in indexes" not in log, "pip asked an index"


@pytest.mark.upstream
def test_seam_from_its_mirror_alone(away: Away) -> None:
    """The same with real repositories and a package that comes as source. Takes 20 GB of disk."""
    made = away.create("seam", "--scale", "smoke")
    assert made["repositories"] == ["SEAM", "semantic-segmentation-codebase"]
    runs = ("--runs", str(away.root / "runs-here"))
    chain = ("reproduce", "seam", "--scale", "smoke", "--losses", "none", "--seeds", "1", *runs)
    built, reproduced = away.here(("build", "seam", "--no-cache", *runs), chain)
    (image,) = built["built"]
    (tag,) = (tag for tag in images(made) if tag.startswith("harness/seam:"))
    assert image["id"].startswith(tag.rpartition("-")[2])
    assert image["handle"] != images(made)[tag], "it was loaded, not built"
    assert reproduced["runs"][0]["status"] == "done"
    there, here = (_packages(away.root / f"cache-{where}") for where in ("there", "here"))
    assert there == here, "built on another engine, of the same hashes"


def test_an_image_of_the_mirror_is_loaded_and_its_id_is_the_same(away: Away) -> None:
    made = away.create("demo", "--scale", "smoke")
    (loaded,) = away.here(("build", "demo", "--runs", str(away.root / "runs-here")))
    (image,) = loaded["built"]
    assert image["handle"] in images(made).values()


def test_a_call_that_was_killed_is_taken_up_and_damage_is_found(away: Away) -> None:
    argv, environ = away.creating("demo", "--scale", "smoke")
    killed = subprocess.Popen(
        [sys.executable, "-m", "harness", *argv],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    packages = away.mirror / "packages"
    while not packages.is_dir() or not list(packages.iterdir()):
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.05)
    killed.kill()
    killed.communicate()
    code, damage = _verify(away.mirror)
    assert code == 4
    assert damage[0] == {
        "name": "mirror.json", "expected": "a complete mirror", "found": "one cut off",
    }  # fmt: skip
    used = _harness(["plan", "demo", "--mirror", str(away.mirror), "--json"], environ)
    assert used.returncode == 3
    assert "did not come to its end" in valid(used.stdout)["error"]

    away.create("demo", "--scale", "smoke")
    assert _verify(away.mirror) == (0, [])
    smallest = sorted(packages.iterdir(), key=lambda path: path.stat().st_size)[:2]
    smallest[0].write_bytes(b"another file")
    smallest[1].unlink()
    code, damage = _verify(away.mirror)
    assert code == 4
    found = sorted(one["name"] for one in damage)
    assert found == sorted(f"packages/{path.name}" for path in smallest)
    away.create("demo", "--scale", "smoke")  # what is not what the lock names counts for nothing
    code, damage = _verify(away.mirror)
    assert (code, damage) == (0, [])
    assert smallest[0].read_bytes() != b"another file"


def _packages(cache: Path) -> list[str]:
    """What the probe of the one image in a cache found."""
    (probe,) = (json.loads(path.read_text()) for path in (cache / "environments").glob("*.json"))
    found: list[str] = probe["pip_freeze"]
    return found


def _verify(mirror: Path) -> tuple[int, list[Any]]:
    done = _harness(["mirror", "verify", str(mirror), "--json"], os.environ)
    return done.returncode, valid(done.stdout)["damage"]


def _harness(argv: list[str], environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "harness", *argv]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

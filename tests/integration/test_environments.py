"""Real builds of small environments: venvs with pip, images with Docker, from a folder of wheels."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from harness.environments.builder import BuildOptions
from harness.environments.built_images import BuiltImages
from harness.environments.docker_build import EngineImageBuilder
from harness.environments.image import ImageEnvironments
from harness.environments.image_folder import ImageFolder
from harness.environments.pip import PipVenvBuilder
from harness.environments.registry import EngineImageCarrier
from harness.environments.venv import VenvEnvironments
from harness.errors import BuildError, NotReadyError
from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.catalogue import Stack
from harness.manifest.model import RuntimeName
from harness.runtimes.container import ContainerRuntime
from harness.runtimes.engine import Engine
from harness.runtimes.process import ProcessRuntime
from harness.runtimes.runtime import Cause
from tests.integration.steps import Bench
from tests.services.docker_engine import BASE

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "dockerfiles" / "Dockerfile"


def engine(
    name: RuntimeName = RuntimeName.DOCKER,
) -> tuple[EngineImageBuilder, EngineImageCarrier]:
    """What builds and carries images."""
    return EngineImageBuilder(name), EngineImageCarrier(name)


STACKS = {"small": Stack(title="one wheel", python="3.11", torch="0", cuda=None, base=BASE)}


@dataclass(frozen=True)
class Small:
    """A project whose environment is one wheel made on the spot."""

    root: Path
    uv: bool = True  # else pip installs

    @property
    def project(self) -> ProjectLayout:
        return ProjectLayout(self.root / "project")

    @property
    def cache(self) -> CacheLayout:
        return CacheLayout(self.root / "cache")

    @property
    def wheels(self) -> Path:
        return self.root / "wheels"

    @property
    def log(self) -> Path:
        return self.root / "logs" / "build.log"

    def lock(self, sha256: str) -> None:
        """Lock the wheel under this hash."""
        path = self.project.requirements("tool", "small")
        path.write_text(f"harness-smallest==1.0 --hash=sha256:{sha256}\n")

    def venvs(self) -> VenvEnvironments:
        options = BuildOptions(wheelhouse=self.wheels)
        builder = PipVenvBuilder(uv=self.uv)
        return VenvEnvironments(self.project, self.cache, STACKS, builder, options)

    def images(self, name: RuntimeName = RuntimeName.DOCKER) -> ImageEnvironments:
        options = BuildOptions(wheelhouse=self.wheels, base=BASE)
        return ImageEnvironments(self.project, self.cache, STACKS, engine(name), options)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    """A project with one wheel, and pip without any index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    made = Small(tmp_path)
    made.wheels.mkdir()
    wheel = made.wheels / "harness_smallest-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        info = "harness_smallest-1.0.dist-info"
        archive.writestr("harness_smallest.py", "VALUE = 41\n")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: harness-smallest\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    made.project.requirements("tool", "small").parent.mkdir(parents=True)
    shutil.copy(DOCKERFILE, made.project.common_dockerfile)
    made.lock(hashlib.sha256(wheel.read_bytes()).hexdigest())
    return made


@pytest.fixture(params=["uv", "pip"])
def either(small: Small, request: pytest.FixtureRequest) -> Small:
    """The same, with uv and with pip."""
    return replace(small, uv=request.param == "uv")


def test_a_venv_is_built_probed_reused_and_runs(either: Small) -> None:
    small = either
    made = small.venvs().ensure("tool", "small", small.log)
    assert "harness-smallest==1.0" in made.probe["pip_freeze"]  # type: ignore[operator]
    assert "harness-smallest" in made.probe["wheels"]["py3-none-any"]  # type: ignore[index]
    assert made.probe["torch"] is None
    assert ("uv pip install" in small.log.read_text().replace("/uv ", " uv ")) == small.uv
    assert list(Path(made.python).parents[1].rglob("harness_smallest.*.pyc"))
    said = small.log.stat().st_size
    assert small.venvs().ensure("tool", "small", small.log) == made
    assert small.log.stat().st_size == said, "it was built again"

    folder = small.root / "attempt"
    folder.mkdir()
    bench = Bench(folder, made)
    code = "import harness_smallest; print(harness_smallest.VALUE + 1)"
    assert bench.run(ProcessRuntime(), code).cause is Cause.DONE
    assert bench.said() == "42\n"


def test_a_wheel_of_another_hash_is_refused(either: Small) -> None:
    small = either
    small.lock("0" * 64)
    with pytest.raises(BuildError) as error:
        small.venvs().ensure("tool", "small", small.log)
    assert "harness-smallest" in str(error.value)
    assert "0" * 64 in str(error.value)  # what was expected
    assert f"full log: {small.log}" in str(error.value)
    assert "not the one that was locked" in error.value.hint
    assert error.value.exit_code == 5


def test_a_wheel_that_is_nowhere_is_named(either: Small) -> None:
    small = either
    shutil.rmtree(small.wheels)
    small.wheels.mkdir()
    with pytest.raises(BuildError, match=r"harness-smallest==1\.0") as error:
        small.venvs().ensure("tool", "small", small.log)
    assert "--wheelhouse" in error.value.hint


def test_a_source_package_without_a_compiler_is_refused_before_anything_is_fetched(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.project.build_requirements("tool", "small").write_text(f"x==1 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("CXX", "no-such-compiler -O2")
    with pytest.raises(NotReadyError, match="compiler no-such-compiler") as error:
        small.venvs().ensure("tool", "small", small.log)
    assert "apt-get install g++ python3.11-dev" in error.value.hint
    assert not small.cache.venvs.exists() or not list(small.cache.venvs.glob("*/pyvenv.cfg"))


def test_a_python_that_is_nowhere_is_named(small: Small) -> None:
    stacks = {"small": replace(STACKS["small"], python="3.4")}
    made = VenvEnvironments(small.project, small.cache, stacks, PipVenvBuilder())
    with pytest.raises(NotReadyError, match=r"python3\.4"):
        made.identify("tool", "small")


def _all_labels_come_at_once(client: docker.DockerClient, image: Image) -> None:
    """While an image is built, its newest layer is listed as an image."""
    names = {name for name in image.labels if name.startswith("harness.")}
    if parent := image.attrs["Parent"]:  # Podman need not name one
        assert not names & set(client.images.get(parent).labels)


def _is_listed(engine: RuntimeName, image: Image) -> None:
    (listed,) = [one for one in BuiltImages(engine).list() if one.name in image.tags]
    assert listed.environment == image.labels["harness.environment"]
    assert listed.checked
    assert listed.size > 0


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(RuntimeName.DOCKER, marks=pytest.mark.docker),
        pytest.param(RuntimeName.PODMAN, marks=pytest.mark.podman),
    ],
)
def test_an_image_is_built_probed_reused_and_runs(
    small: Small, name: RuntimeName, request: pytest.FixtureRequest
) -> None:
    host = request.getfixturevalue(f"{name}_host")
    made = small.images(name).ensure("tool", "small", small.log)
    with closing(docker.DockerClient(base_url=host)) as client:
        try:
            assert "harness-smallest==1.0" in made.probe["pip_freeze"]  # type: ignore[operator]
            said = small.log.stat().st_size
            assert small.images(name).ensure("tool", "small", small.log) == made
            assert small.log.stat().st_size == said, "it was built again"
            image = client.images.get(made.handle)
            assert image.labels["harness.method"] == "tool"
            assert image.attrs["Config"]["User"] == "65534:65534"
            _all_labels_come_at_once(client, image)
            _is_listed(name, image)
            assert [tag for tag in image.tags if "unchecked" in tag] == []
            folder = small.root / "attempt"
            folder.mkdir()
            bench, runtime = Bench(folder, made), ContainerRuntime(small.cache, engine=name)
            code = "import harness_smallest, sys; print(harness_smallest.VALUE, sys.prefix)"
            assert bench.run(runtime, code).cause is Cause.DONE, bench.said()
            assert bench.said() == "41 /opt/venv\n"
            found = "import os, shutil; print(os.path.exists('/options'), shutil.which('gcc'))"
            bench.run(runtime, found)
            assert bench.said() == "False None\n"
            _goes_into_a_folder_and_back(small, name, made.handle)
        finally:
            client.images.remove(made.handle, force=True)


def _goes_into_a_folder_and_back(small: Small, name: RuntimeName, image: str) -> None:
    """Export an image, forget it, load it again: it is the same."""
    builder, carrier = engine(name)
    folder, tag = ImageFolder(small.root / "images"), small.images(name).image("tool", "small").tag
    assert folder.add(tag, carrier.export(image)) == image
    with closing(docker.DockerClient(base_url=Engine.find(name, os.environ).address)) as client:
        client.images.remove(image, force=True)
    assert builder.image_id(tag) is None
    carrier.load(folder.archive(tag))
    assert builder.image_id(tag) == image


@pytest.mark.docker
@pytest.mark.usefixtures("docker_host")
def test_an_image_that_does_not_build_tells_the_last_lines_and_the_log(small: Small) -> None:
    small.lock("0" * 64)
    with pytest.raises(BuildError) as error:
        small.images().ensure("tool", "small", small.log)
    assert "harness-smallest" in str(error.value)
    assert f"full log: {small.log}" in str(error.value)
    assert "Step 1/" in small.log.read_text()
    assert error.value.exit_code == 5


@pytest.mark.docker
@pytest.mark.usefixtures("docker_host")
def test_a_base_that_is_not_there_is_named(small: Small) -> None:
    options = BuildOptions(base="harness/none:such")
    made = ImageEnvironments(small.project, small.cache, STACKS, engine(), options)
    with pytest.raises(NotReadyError, match="harness/none:such"):
        made.ensure("tool", "small", small.log)


def test_no_engine_to_build_with(
    small: Small, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    with pytest.raises(NotReadyError, match=r"nowhere\.sock") as error:
        small.images().ensure("tool", "small", small.log)
    assert "--runtime process" in error.value.hint


@pytest.mark.slow
@pytest.mark.docker
def test_one_changed_hash_of_the_demo_stops_its_build_and_names_the_package(
    tmp_path: Path, docker_host: str
) -> None:
    del docker_host
    root = tmp_path / "project"
    for name in ("manifests", "dockerfiles", "patches"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "harness.lock", root)
    lock = root / "dockerfiles" / "demo" / "host.lock"
    (block,) = re.findall(r"^tqdm==.*?(?=^\S|\Z)", lock.read_text(), re.MULTILINE | re.DOTALL)
    changed = re.sub(r"[0-9a-f]{64}", "0" * 64, block)
    lock.write_text(lock.read_text().replace(block, changed))
    argv = [sys.executable, "-m", "harness", "build", "demo", "--base", BASE, "--json"]
    argv += ["--project", str(root), "--runs", str(tmp_path / "runs")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 5, done.stderr
    said = json.loads(done.stdout)
    assert block.split()[0] in said["error"], "the package and its version"
    assert f"Expected sha256 {'0' * 64}" in said["error"]
    assert "not the one that was locked" in said["hint"]


_HOSTILE = {
    "target": "target = {0}/target\nrequire-virtualenv = true",
    "no-binary": "no-binary = :all:\nconstraint = {0}/constraint.txt\nprefix = {0}/prefix",
    "quiet": "quiet = 3\nlog = {0}/no/such/folder/log\npython = {0}/nowhere",
    "all-at-once": "user = true\nno-deps = true\nroot = {0}/r\ndry-run = true\nreport = -",
}


@pytest.mark.parametrize("name", sorted(_HOSTILE))
def test_settings_of_a_user_change_no_environment(
    either: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    small, home = either, tmp_path / "home"
    (home / ".config" / "pip").mkdir(parents=True)
    settings = _HOSTILE[name].format(home)
    (home / ".config" / "pip" / "pip.conf").write_text(f"[global]\n{settings}\n")
    (home / "constraint.txt").write_text("harness-smallest==2.0\n")
    (home / ".pydistutils.cfg").write_text("[install]\nprefix=/nowhere\n")
    for module in ("pip", "venv", "json"):
        (home / f"{module}.py").write_text("raise SystemExit('trapped')\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for variable in ("PYTHONPATH", "PYTHONUSERBASE", "VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.setenv(variable, str(home))
    for line in settings.splitlines():
        option, _, value = line.partition(" = ")
        monkeypatch.setenv(f"PIP_{option.upper().replace('-', '_')}", value)
    monkeypatch.chdir(home)
    made = small.venvs().ensure("tool", "small", small.log)
    assert "harness-smallest==1.0" in made.probe["pip_freeze"]  # type: ignore[operator]

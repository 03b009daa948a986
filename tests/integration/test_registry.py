"""Digests, moved tags and pushes with a real registry; images that must not be with a real engine."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from harness.environments.builder import BuildOptions, unchecked
from harness.environments.built_images import BuiltImages
from harness.environments.image import ImageEnvironments
from harness.errors import BuildError, MismatchError, NotReadyError
from harness.manifest.model import RuntimeName
from tests.integration.test_environments import DOCKERFILE, STACKS, Small, engine, small
from tests.outputs import valid
from tests.project import FIRST, Project
from tests.services.docker_engine import BASE
from tests.services.registry import registry

__all__ = ["registry", "small"]
pytestmark = [pytest.mark.docker, pytest.mark.slow]


@dataclass
class Registered:
    """A small environment whose base lies in a registry."""

    small: Small
    address: str
    client: docker.DockerClient

    @property
    def base(self) -> str:
        return f"{self.address}/base:stable"

    def publish(self, mark: str) -> str:
        """Push an image as the base, as if it were another one than before; its digest."""
        context = self.small.root / mark
        context.mkdir()
        (context / "Dockerfile").write_text(f"FROM {BASE}\nLABEL mark={mark} at={self.address}\n")
        image, _ = self.client.images.build(path=str(context), tag=self.base, rm=True)
        self.client.images.push(self.base)
        image.reload()
        digest = str(image.attrs["RepoDigests"][0]).partition("@")[2]
        self.forget()
        return digest

    def pin(self, digest: str) -> None:
        """What harness.lock says."""
        self.small.project.lock.write_text(f"bases:\n  {self.base}: {digest}\n")

    def forget(self) -> None:
        """The engine knows none of the registry's images by name."""
        for image in self.client.images.list(f"{self.address}/base"):
            for name in (*image.tags, *image.attrs["RepoDigests"]):
                with suppress(docker.errors.ImageNotFound):  # the last name takes the others along
                    self.client.images.remove(name, force=True)

    def images(self, **options: Any) -> ImageEnvironments:
        stacks = {"small": replace(STACKS["small"], base=self.base)}
        given = BuildOptions(wheelhouse=self.small.wheels, **options)
        return ImageEnvironments(self.small.project, self.small.cache, stacks, engine(), given)

    def build(self, **options: Any) -> str:
        """The image's id."""
        return self.images(**options).ensure("tool", "small", self.small.log).handle


@pytest.fixture
def registered(docker_host: str, registry: str, small: Small) -> Iterator[Registered]:
    """A registry with one version of the base, which is pinned."""
    with closing(docker.DockerClient(base_url=docker_host, timeout=120)) as client:
        made = Registered(small, registry, client)
        made.pin(made.publish("first"))
        yield made
        for image in client.api.images(filters={"label": "harness.method=tool"}):
            if registry in image["Labels"]["org.opencontainers.image.base.name"]:
                client.images.remove(image["Id"], force=True)
        made.forget()


@pytest.mark.registry
def test_the_base_is_pulled_by_its_digest(registered: Registered) -> None:
    image = registered.client.images.get(registered.build())
    assert image.labels["mark"] == "first"
    name = f"{registered.base}@{registered.images()._base_image(registered.base).content}"
    assert image.labels["org.opencontainers.image.base.name"] == name


@pytest.mark.registry
def test_a_moved_tag_is_an_error_that_shows_both_digests(registered: Registered) -> None:
    first = registered.images()._base_image(registered.base).content
    second = registered.publish("second")
    assert first != second
    with pytest.raises(MismatchError) as error:
        registered.build()
    assert f"harness.lock pins {first}, the registry has {second}" in str(error.value)
    assert error.value.exit_code == 4
    assert f"--base {registered.base}@{first}" in error.value.hint

    pinned = registered.build(base=f"{registered.base}@{first}")
    assert registered.client.images.get(pinned).labels["mark"] == "first"
    same = registered.images().identify("tool", "small")
    assert registered.images(base=f"{registered.base}@{first}").identify("tool", "small") == same


@pytest.mark.registry
def test_a_base_that_the_engine_has_is_not_asked_for(registered: Registered) -> None:
    first = registered.images()._base_image(registered.base).content
    registered.client.images.pull(registered.base.rpartition(":")[0], tag=first)
    context = registered.small.root / "second"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {BASE}\nLABEL mark=second\n")
    registered.client.images.build(path=str(context), tag=registered.base, rm=True)
    registered.client.images.push(registered.base)
    assert registered.client.images.get(registered.build()).labels["mark"] == "first"


@pytest.mark.registry
def test_a_digest_that_no_registry_has_is_named(registered: Registered) -> None:
    nowhere = f"sha256:{'1' * 64}"
    registered.pin(nowhere)
    with pytest.raises(NotReadyError, match="cannot be pulled") as error:
        registered.build(base=f"{registered.base}@{nowhere}")
    assert nowhere in str(error.value)


@pytest.mark.registry
def test_an_image_is_pushed_once_and_never_over_another(registered: Registered) -> None:
    images, (_, carrier) = registered.images(), engine()
    image = registered.build()
    reference = f"{registered.address}/lab/{images.image('tool', 'small').tag}"
    pushed = carrier.push(image, reference)
    assert carrier.current(reference) == pushed.partition("@")[2]
    assert carrier.push(image, reference) == pushed
    pulled = registered.client.images.pull(pushed.partition("@")[0], tag=pushed.partition("@")[2])
    assert pulled.id == image

    other = registered.build(fresh=True)
    assert other != image, "built at another time"
    with pytest.raises(MismatchError) as error:
        carrier.push(other, reference)
    assert other in str(error.value)
    assert pushed.partition("@")[2] in str(error.value)
    assert carrier.current(reference) == pushed.partition("@")[2]


@pytest.mark.registry
def test_lock_compares_and_pins_anew(registered: Registered, tmp_path: Path) -> None:
    project = Project(tmp_path / "toy", FIRST)
    stacks = project.root / "manifests" / "stacks.yaml"
    declared = yaml.safe_load(stacks.read_text())
    declared["stacks"]["host"]["base"] = registered.base
    stacks.write_text(yaml.safe_dump(declared))
    lock = project.root / "harness.lock"
    first = registered.images()._base_image(registered.base).content
    comment = "# why\nbases:\n"
    lock.write_text(f"{comment}  {registered.base}: {first}\n")
    words = ("lock", "--check", "--json")
    assert valid(_ask(project, *words, code=0))["bases"][0]["current"] == first

    second = registered.publish("second")
    said = valid(_ask(project, *words, code=4))["error"]
    assert first in said
    assert second in said
    assert first in lock.read_text()
    _ask(project, "lock", code=0)
    assert lock.read_text() == f"{comment}  {registered.base}: {second}\n"


def _ask(project: Project, *words: str, code: int) -> str:
    argv = [sys.executable, "-m", "harness", *words, "--project", str(project.root)]
    done = subprocess.run(argv, env=project.environ, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


BAD = {
    "RUN mkdir -p /work/SEAM && touch /work/SEAM/train.py": "/work/SEAM/train.py: a place",
    "RUN cp /usr/bin/env /usr/local/bin/g++": "/usr/local/bin/g++: a compiler",
    "RUN head -c 100000 /dev/zero > /usr/share/net.params": "/usr/share/net.params: weights",
    "COPY options/ca.pem /etc/ssl/certs/proxy.pem": "/etc/ssl/certs/proxy.pem: certificates",
    "RUN echo x > /opt/packages/lib/python3.11/site-packages/net.py": "net.py: code of no package",
}


def test_an_image_that_holds_what_it_must_not_is_refused(small: Small, docker_host: str) -> None:
    """A recipe of the method's own puts five things into the image that belong in none."""
    own = small.project.dockerfile("tool")
    added = "\n".join(f"{line}" for line in BAD)
    own.write_text(DOCKERFILE.read_text().replace("USER 65534", f"{added}\nUSER 65534"))
    bundle = small.root / "ca.pem"
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", bundle)
    options = BuildOptions(wheelhouse=small.wheels, base=BASE, ca_bundle=bundle)
    images = ImageEnvironments(small.project, small.cache, STACKS, engine(), options)
    wanted = images.image("tool", "small")
    with closing(docker.DockerClient(base_url=docker_host)) as client:
        kept: list[str] = []
        try:
            with pytest.raises(BuildError) as error:
                images.ensure("tool", "small", small.log)
            for fault in BAD.values():
                assert fault in str(error.value)
            assert str(error.value).count("\n") == len(BAD), "something else was found"
            assert not client.images.list(wanted.tag)
            named = {one.name for one in BuiltImages(RuntimeName.DOCKER).list() if not one.checked}
            kept += [name for name in named if name.startswith(unchecked(wanted.tag))]
            assert len(kept) == 1
        finally:
            for name in kept:
                client.images.remove(name, force=True)

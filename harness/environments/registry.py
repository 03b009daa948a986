"""Images on their way: from and to registries, to and from archives."""

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from harness.errors import MismatchError, NotReadyError
from harness.manifest.model import RuntimeName
from harness.runtimes.engine import A_DAY, Engine, engine_errors

if TYPE_CHECKING:
    from docker import DockerClient


class EngineImageCarrier:
    """`harness.environments.builder.ImageCarrier` on Docker or Podman."""

    def __init__(self, engine: RuntimeName = RuntimeName.DOCKER) -> None:
        self._engine = Engine.find(engine, os.environ)

    def export(self, image: str) -> Iterator[bytes]:
        """The image as an archive in the manner of `docker save`."""
        with self._engine.client(A_DAY) as client:
            yield from client.images.get(image).save()

    def load(self, archive: Iterable[bytes]) -> None:
        """Take in an archive. Raises NotReadyError."""
        chunks: Any = archive  # the stubs know of no stream
        with self._engine.client(A_DAY) as client:
            try:
                client.images.load(chunks)
            except engine_errors() as error:
                raise NotReadyError(
                    f"{self._engine.name} does not take an image of the mirror: {error}",
                    hint="see whether its disk has room; `harness mirror verify` checks the mirror",
                ) from error

    def current(self, reference: str) -> str | None:
        """The digest of a tag in its registry; None without one. Raises NotReadyError."""
        with self._engine.client() as client:
            return registry_digest(client, reference)

    def push(self, image: str, reference: str) -> str:
        """Push under this reference; NAME@DIGEST. Raises MismatchError, NotReadyError."""
        name, _, tag = reference.rpartition(":")
        with self._engine.client(A_DAY) as client:
            found = client.images.get(image)
            there = registry_digest(client, reference)
            if there is not None:
                if f"{name}@{there}" in found.attrs.get("RepoDigests", ()):
                    return f"{name}@{there}"
                raise MismatchError(
                    f"{reference} is another image already: expected {found.id}, found {there} in "
                    "the registry; nothing was pushed",
                    hint="use the one that is there, or remove it from the registry first",
                )
            found.tag(name, tag)
            return f"{name}@{_pushed(client, name, tag)}"


def obtain(client: "DockerClient", name: str, digest: str, *, asked: bool) -> str:
    """Have NAME@DIGEST in the engine; that reference.

    The tag in the registry is compared first: a pin that nobody can follow by name any more is to
    be seen, not stumbled over. With `asked` the digest was named by the user, and goes.
    """
    import docker

    pinned = f"{name}@{digest}"
    try:
        client.images.get(pinned)
    except docker.errors.ImageNotFound:
        now = None if asked else registry_digest(client, name)
        if now is not None and now != digest:
            raise MismatchError(
                f"{name} has moved: harness.lock pins {digest}, the registry has {now}; "
                "nothing was built",
                hint=f"--base {pinned} builds on the pinned one as long as the registry keeps it; "
                "`harness lock` pins the new one (every environment id changes)",
            ) from None
        _pull(client, name, digest)
    return pinned


def registry_digest(client: "DockerClient", reference: str) -> str | None:
    """What a tag is in its registry; None where the registry has no such tag.

    Raises NotReadyError where the registry, or the engine for it, does not answer.
    """
    import docker

    try:
        return str(client.images.get_registry_data(reference).id)
    except docker.errors.NotFound:
        return None
    except docker.errors.APIError as error:
        if _is_absent(error):
            return None
        raise _unreachable(reference, error) from error


def _pull(client: "DockerClient", name: str, digest: str) -> None:
    import docker

    repository = name if "/" in name.rpartition(":")[2] else name.rpartition(":")[0] or name
    try:
        client.images.pull(repository, tag=digest)
        client.images.get(f"{name}@{digest}")
    except docker.errors.APIError as error:
        raise NotReadyError(
            f"{name}@{digest}, which harness.lock pins, cannot be pulled: {error.explanation}",
            hint="use a mirror (--mirror DIR), or build on an image that you have (--base IMAGE)",
        ) from error


def _pushed(client: "DockerClient", name: str, tag: str) -> str:
    """Push; the digest under which the registry keeps it."""
    digest = None
    for event in client.images.push(name, tag=tag, stream=True, decode=True):
        if "error" in event:
            raise NotReadyError(
                f"{name}:{tag} cannot be pushed: {event['error']}",
                hint="log in to the registry with the engine's own command, and see its address",
            )
        digest = event.get("aux", {}).get("Digest", digest)
    return digest or str(registry_digest(client, f"{name}:{tag}"))


def _is_absent(error: Any) -> bool:
    said = str(error.explanation).lower()
    return "manifest unknown" in said or "name unknown" in said or "not found" in said


def _unreachable(reference: str, error: Any) -> NotReadyError:
    return NotReadyError(
        f"the registry of {reference} does not answer: {error.explanation}",
        hint="check the network and the address; --mirror DIR and --base IMAGE ask no registry",
    )

"""Build container images through the Docker SDK: the classic builder, or Podman's."""

import functools
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from harness.environments.build_log import hint_of, last_lines
from harness.environments.builder import ImageFile, ImageRecipe
from harness.environments.registry import obtain
from harness.environments.streams import Reading
from harness.errors import BuildError
from harness.manifest.model import RuntimeName
from harness.runtimes.engine import A_DAY, Engine, engine_errors, ulimits

_IN_MEMORY = 64 * 2**20
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class EngineImageBuilder:
    """`harness.environments.builder.ImageBuilder` on Docker or Podman."""

    def __init__(self, engine: RuntimeName = RuntimeName.DOCKER) -> None:
        self._engine = Engine.find(engine, os.environ)

    def image_id(self, reference: str) -> str | None:
        """The id of an image the engine has. Raises NotReadyError where there is no engine."""
        import docker

        with self._engine.client() as client:
            try:
                return str(client.images.get(reference).id)
            except docker.errors.ImageNotFound:
                return None

    def obtain(self, name: str, digest: str, *, asked: bool) -> str:
        """Have NAME@DIGEST; the reference to build on. Raises MismatchError, NotReadyError."""
        with self._engine.client(A_DAY) as client:
            return obtain(client, name, digest, asked=asked)

    def build(self, recipe: ImageRecipe, log: Path) -> str:
        """Build and tag; the image's id. Raises BuildError with the log's end, or NotReadyError."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with (
            self._engine.client(A_DAY) as client,
            tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as context,
            log.open("a") as file,
        ):
            _pack(_labelled(recipe), context)
            try:
                _follow(client.api.build(**_request(recipe, context)), file, log)
                return str(client.images.get(recipe.tag).id)
            except engine_errors() as error:
                raise BuildError(
                    f"building image {recipe.tag} failed: {error}\nfull log: {log}",
                    hint="see whether the engine still runs and has room on its disk",
                ) from error

    def probe(self, image: str, python: str, code: str) -> Mapping[str, object]:
        """The JSON object that `code` prints inside `image`. Raises BuildError."""
        import docker

        with self._engine.client() as client:
            try:
                said = client.containers.run(
                    image,
                    [python, "-I", "-c", code],
                    network_mode="none",
                    cap_drop=["ALL"],
                    ulimits=ulimits(),
                    remove=True,
                )
            except docker.errors.DockerException as error:
                raise BuildError(
                    f"image {image} does not start as it should: {error}",
                    hint="remove the image and build again",
                ) from error
        found: dict[str, object] = json.loads(said)
        return found

    def name(self, image: str, tag: str, *, drop: str, move: bool) -> str:
        """Name an image, and take the name `drop` away; the id of the image that has the name.

        Unless it may move, a name that is taken stays where it is.
        """
        import docker

        repository, _, name = tag.rpartition(":")  # apart: Podman does not take them together
        with self._engine.client() as client:
            try:
                named = None if move else client.images.get(tag)
            except docker.errors.ImageNotFound:
                named = None
            if named is None:
                client.images.get(image).tag(repository, name)
            client.images.remove(drop, noprune=True)
            return str(client.images.get(tag).id)

    def files(self, image: str) -> Iterator[ImageFile]:
        """Every regular file of an image, from a container that is never started."""
        with self._engine.client(A_DAY) as client:
            container = client.containers.create(image, ["true"], network_mode="none")
            try:
                archive: Any = container.export()  # chunks, whatever the type stubs claim
                yield from _files(archive)
            finally:
                container.remove(force=True)


def _files(archive: Iterable[bytes]) -> Iterator[ImageFile]:
    with tarfile.open(fileobj=Reading.buffered(archive), mode="r|") as tar:
        for member in tar:
            if member.isfile():
                yield ImageFile(
                    path=member.name.removeprefix("./"),
                    size=member.size,
                    state=(member.mode, member.size, int(member.mtime)),
                    read=functools.partial(_read, tar, member),
                )


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = tar.extractfile(member)
    assert content is not None
    return content.read()


def _request(recipe: ImageRecipe, context: IO[bytes]) -> dict[str, Any]:
    proxies = {name: os.environ[name] for name in _PROXIES if name in os.environ}
    return {
        "fileobj": context,
        "custom_context": True,
        "tag": recipe.tag,
        "buildargs": {**proxies, **recipe.arguments},
        "network_mode": "host" if recipe.network else "none",
        "target": recipe.target or "",
        "nocache": not recipe.cache,
        "rm": True,
        "forcerm": True,
        "decode": True,
    }


def _labelled(recipe: ImageRecipe) -> Mapping[str, bytes | Path]:
    """The context's files, with the labels as the last instruction of the Dockerfile.

    Docker sets labels that a request names one by one, each in a layer of its own. While a build
    runs, its newest layer is listed as an image: it would be one with some of the labels.
    """
    if not recipe.labels:
        return recipe.files
    dockerfile = recipe.files["Dockerfile"]
    assert isinstance(dockerfile, bytes)
    pairs = " ".join(f"{_quoted(name)}={_quoted(text)}" for name, text in recipe.labels.items())
    return {**recipe.files, "Dockerfile": dockerfile + f"\nLABEL {pairs}\n".encode()}


def _quoted(text: str) -> str:
    """As a Dockerfile takes it: JSON's quotes, and no variable in it."""
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$")


def _pack(files: Mapping[str, bytes | Path], context: IO[bytes]) -> None:
    """The build context as a tar without times and owners, so that equal files are equal layers."""
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.mode = 0o644
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
                continue
            info.size = content.stat().st_size
            with content.open("rb") as file:
                tar.addfile(info, file)
    context.seek(0)


def _follow(events: Iterable[Mapping[str, Any]], file: IO[str], log: Path) -> None:
    lines: list[str] = []
    failed = False
    for event in events:  # to the end even after an error: a stream half read keeps its connection
        text = str(event.get("stream") or event.get("status") or event.get("error") or "")
        file.write(text if text.endswith("\n") else f"{text}\n")
        file.flush()
        lines += text.splitlines()
        failed = failed or "error" in event
    if failed:
        end = last_lines(lines)
        raise BuildError(f"building the image failed:\n{end}\nfull log: {log}", hint=hint_of(end))

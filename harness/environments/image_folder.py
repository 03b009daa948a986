"""A folder of container images in the OCI image layout: every layer once, named by its content.

What engines give and take is an archive in the manner of `docker save`; it is taken apart and put
together again here. An image's id is the hash of its configuration, which names its layers by
their hashes, so every file in the folder can be checked by its name.
"""

import hashlib
import io
import json
import os
import posixpath
import tarfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from harness.environments.streams import Reading
from harness.errors import MismatchError, NotReadyError
from harness.files import remove_tree, write_bytes

_CHUNK = 1 << 20
_NAME = "org.opencontainers.image.ref.name"
_MEDIA = "application/vnd.oci.image."


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """Images by tag, in `root`."""

    root: Path

    def images(self) -> dict[str, str]:
        """Tag -> image id, of what is here in full."""
        found = {}
        for tag, entry in self._index().items():
            blobs = self._blobs(entry["digest"]) if self._blob(entry["digest"]).is_file() else []
            if blobs and all(self._blob(blob).is_file() for blob in blobs):
                found[tag] = blobs[0]
        return found

    def add(self, tag: str, archive: Iterable[bytes]) -> str:
        """Take in the one image of an archive under `tag`; its id. Raises MismatchError."""
        arriving = self.root / ".arriving" / uuid.uuid4().hex
        arriving.mkdir(parents=True)
        try:
            config, layers = self._take(archive, arriving, tag)
        except (tarfile.TarError, ValueError, KeyError) as error:
            raise MismatchError(
                f"{tag}: the engine's archive cannot be read: {error}",
                hint="run the command again; if it stays so, build the image anew",
            ) from error
        finally:
            remove_tree(arriving)
        return self._enter(tag, config, layers)

    def archive(self, tag: str) -> Iterator[bytes]:
        """The image as an archive for an engine. Raises NotReadyError without such an image."""
        if tag not in self.images():
            raise NotReadyError(
                f"{self.root} has no image {tag}",
                hint="add the method to the mirror: `harness mirror create DIR METHOD`",
            )
        config, *layers = self._blobs(self._index()[tag]["digest"])
        listed = [
            {
                "Config": f"{_hex(config)}.json",
                "RepoTags": [tag],
                "Layers": [f"{_hex(layer)}.tar" for layer in layers],
            }
        ]
        yield from _packed("manifest.json", io.BytesIO(json.dumps(listed).encode()))
        for name, digest in [
            (f"{_hex(config)}.json", config),
            *((f"{_hex(layer)}.tar", layer) for layer in dict.fromkeys(layers)),
        ]:
            with self._blob(digest).open("rb") as file:
                yield from _packed(name, file)
        yield bytes(2 * tarfile.BLOCKSIZE)

    # --- taking apart -----------------------------------------------------------------------------

    def _take(self, archive: Iterable[bytes], arriving: Path, tag: str) -> tuple[str, list[str]]:
        """Put the archive's files in their places; configuration and layers by digest."""
        files, links = _unpacked(archive, arriving)
        listed = json.loads(_named(files, links, "manifest.json").read_bytes())
        if len(listed) != 1:
            raise MismatchError(
                f"{tag}: expected an archive of one image, found {len(listed)}",
                hint="run the command again",
            )
        config = _named(files, links, listed[0]["Config"])
        layers = [_named(files, links, name) for name in listed[0]["Layers"]]
        expected = json.loads(config.read_bytes())["rootfs"]["diff_ids"]
        found = [f"sha256:{layer.name}" for layer in layers]
        if found != expected:
            raise MismatchError(
                f"{tag}: expected layers {', '.join(expected)}, found {', '.join(found)}",
                hint="the engine's store is damaged: remove the image and build it again",
            )
        for file in dict.fromkeys((config, *layers)):
            self._keep(file, file.name)
        return f"sha256:{config.name}", found

    def _enter(self, tag: str, config: str, layers: list[str]) -> str:
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{_MEDIA}manifest.v1+json",
            "config": self._described(config, "config.v1+json"),
            "layers": [self._described(layer, "layer.v1.tar") for layer in layers],
        }
        digest = self._write(json.dumps(manifest, sort_keys=True).encode())
        entries = {**self._index(), tag: self._described(digest, "manifest.v1+json")}
        index = {
            "schemaVersion": 2,
            "mediaType": f"{_MEDIA}index.v1+json",
            "manifests": [
                {**entry, "annotations": {_NAME: name}} for name, entry in sorted(entries.items())
            ],
        }
        self._place("oci-layout", b'{"imageLayoutVersion": "1.0.0"}\n')
        self._place("index.json", json.dumps(index, indent=1, sort_keys=True).encode())
        return config

    # --- blobs ------------------------------------------------------------------------------------

    def _index(self) -> dict[str, Mapping[str, Any]]:
        try:
            text = (self.root / "index.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        return {entry["annotations"][_NAME]: entry for entry in json.loads(text)["manifests"]}

    def _blob(self, digest: str) -> Path:
        return self.root / "blobs" / "sha256" / _hex(digest)

    def _blobs(self, manifest: str) -> list[str]:
        """The digests of an image's configuration and layers."""
        found = json.loads(self._blob(manifest).read_bytes())
        return [blob["digest"] for blob in (found["config"], *found["layers"])]

    def _described(self, digest: str, kind: str) -> dict[str, object]:
        size = self._blob(digest).stat().st_size
        return {"mediaType": f"{_MEDIA}{kind}", "digest": digest, "size": size}

    def _keep(self, file: Path, name: str) -> None:
        target = self._blob(f"sha256:{name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, target)

    def _write(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        self._place(f"blobs/sha256/{name}", content)
        return f"sha256:{name}"

    def _place(self, name: str, content: bytes) -> None:
        write_bytes(self.root / name, content)


def _unpacked(archive: Iterable[bytes], arriving: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Files of a tar stream by name, each kept under its sha256; and links."""
    files: dict[str, Path] = {}
    links: dict[str, str] = {}
    with tarfile.open(fileobj=Reading.buffered(archive), mode="r|") as tar:
        for member in tar:
            if member.issym():
                beside = posixpath.dirname(member.name)
                links[member.name] = posixpath.normpath(posixpath.join(beside, member.linkname))
            elif member.islnk():
                links[member.name] = member.linkname
            elif (content := tar.extractfile(member)) is not None:
                files[member.name] = _hashed(content, arriving)
    return files, links


def _hashed(content: IO[bytes], arriving: Path) -> Path:
    fresh, total = arriving / "file", hashlib.sha256()
    with fresh.open("wb") as file:
        while chunk := content.read(_CHUNK):
            total.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    kept = arriving / total.hexdigest()
    fresh.rename(kept)
    return kept


def _named(files: Mapping[str, Path], links: Mapping[str, str], name: str) -> Path:
    while name in links:
        name = links[name]
    if name not in files:
        raise MismatchError(
            f"the engine's archive of an image has no {name}", hint="run the command again"
        )
    return files[name]


def _packed(name: str, file: IO[bytes]) -> Iterator[bytes]:
    """One member of a tar."""
    info = tarfile.TarInfo(name)
    info.size = file.seek(0, io.SEEK_END)
    file.seek(0)
    yield info.tobuf(tarfile.GNU_FORMAT)
    while chunk := file.read(_CHUNK):
        yield chunk
    yield bytes(-info.size % tarfile.BLOCKSIZE)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")

"""What a finished image must not hold: certificates, upstream code, weights, compilers.

Only the files that the build added to its base are checked. They are read on the host; nothing in
the image is executed.
"""

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.environments.builder import ImageFile
from harness.errors import BuildError
from harness.layout import ProjectLayout

_PACKAGES = re.compile(r"^opt/(venv|packages)/")
_SITE = re.compile(r"^(opt/(?:venv|packages)/lib/python[\d.]+/site-packages)/(.+)$")
#: Where Debian's packages and the two folders of ours lie; an image needs no other place.
_PLACES = re.compile(
    r"^(opt/(venv|packages)|usr|lib|lib64|bin|sbin|var|etc)/|^\.dockerenv$|^(dev|proc|sys|run)/"
)
_WEIGHTS = re.compile(r"\.(pth|pt|ckpt|params|caffemodel|safetensors|onnx|h5|pdparams|tar|pkl)$")
_SMALLEST_WEIGHTS = 1 << 16  # `.pth` in site-packages is also a few lines of paths
_COMPILER = re.compile(
    r"^((x86_64|aarch64)-linux-gnu-)?(gcc|g\+\+|cc|c\+\+|clang(\+\+)?|cc1(plus)?|gfortran|nvcc|"
    r"rustc|tcc)(-\d+(\.\d+)*)?$"
)
_CERTIFICATES = re.compile(r"\.(pem|crt|cer)$")
_CODE = (".py", ".pyx", ".cu", ".cpp", ".c")
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidden:
    """What is known of things that belong in no image."""

    ca_bundle: str | None = None  # sha256
    upstream: Mapping[str, str] = field(default_factory=dict)  # git blob id -> where it comes from


def forbidden(project: ProjectLayout, ca_bundle: Path | None) -> Forbidden:
    """The build's own certificates, and every upstream file that a patch names."""
    upstream: dict[str, str] = {}
    for patch in sorted(project.patches.glob("*/*.patch")):
        text = patch.read_text(encoding="utf-8", errors="surrogateescape")
        for path, ids in re.findall(r"^diff --git a/(\S+) .*\nindex (\S+)", text, re.MULTILINE):
            upstream |= dict.fromkeys(ids.split(".."), f"{patch.parent.name}/{path}")
    digest = hashlib.sha256(ca_bundle.read_bytes()).hexdigest() if ca_bundle else None
    return Forbidden(ca_bundle=digest, upstream=upstream)


def check_image(
    tag: str, base: Iterable[ImageFile], image: Iterable[ImageFile], known: Forbidden
) -> None:
    """Raise BuildError that names every file of the image that must not be there."""
    of_base = {file.path: file.state for file in base}
    added = (file for file in image if of_base.get(file.path) != file.state)
    found = [f"/{path}: {why}" for path, why in _faults(added, known)]
    if found:
        more = len(found) - _MOST_NAMED
        named = found[:_MOST_NAMED] + ([f"and {more} more"] if more > 0 else [])
        raise BuildError(
            f"image {tag} holds what no image may hold:\n" + "\n".join(f"  {one}" for one in named),
            hint="fix the Dockerfile or the lock that installs it; the image was not used",
        )


def _faults(added: Iterable[ImageFile], known: Forbidden) -> Iterator[tuple[str, str]]:
    packaged: set[str] = set()
    modules: list[str] = []
    for file in added:
        why = _fault(file, known)
        if why is not None:
            yield file.path, why
        elif inside := _SITE.match(file.path):
            if inside[2].endswith(".dist-info/RECORD"):
                packaged |= _recorded(inside[1], file.read().decode())
            elif file.path.endswith(_CODE):
                modules.append(file.path)
    yield from ((path, "code of no package") for path in modules if path not in packaged)


def _fault(file: ImageFile, known: Forbidden) -> str | None:
    """What is wrong with one file by itself."""
    name = posixpath.basename(file.path)
    if not _PLACES.match(file.path):
        return "a place that no image needs"
    if "/.git/" in file.path:
        return "part of a git repository"
    if _COMPILER.match(name) and file.state[0] & 0o111:
        return "a compiler"
    if _WEIGHTS.search(name) and file.size >= _SMALLEST_WEIGHTS:
        return "weights"
    if _CERTIFICATES.search(name) and not _PACKAGES.match(file.path):
        return "certificates that the base has not"
    return _fault_of_content(file, known)


def _fault_of_content(file: ImageFile, known: Forbidden) -> str | None:
    if file.path.endswith(_CODE) and file.size and known.upstream:
        content = file.read()
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
        where = known.upstream.get(blob.hexdigest())
        return f"upstream code ({where})" if where else None
    if known.ca_bundle and _CERTIFICATES.search(file.path):
        same = hashlib.sha256(file.read()).hexdigest() == known.ca_bundle
        return "the certificates that this build was given" if same else None
    return None


def _recorded(site: str, record: str) -> set[str]:
    """The files that a package's RECORD names, from the root."""
    names = (line.rpartition(",")[0].rpartition(",")[0].strip('"') for line in record.splitlines())
    return {posixpath.normpath(f"{site}/{name}") for name in names if name}

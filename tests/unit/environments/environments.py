"""A small project with locks, and builders that only remember what they were asked for."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.environments.builder import ImageFile, ImageRecipe, Interpreter, Packages
from harness.environments.probe import VERSION
from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.catalogue import Stack

HASH = "a" * 64
LOCK = f"""\
# made by a tool
Jinja2==3.1.6 \\
    --hash=sha256:{HASH} \\
    --hash=sha256:{"b" * 64}
nvidia-cublas-cu11==11.10.3.66 \\
    --hash=sha256:{"c" * 64}
torch==2.0.1 --hash=sha256:{"d" * 64}
"""
STACKS = {
    "cu117": Stack(
        title="old", python="3.11", torch="2.0.1", cuda="11.7", base="debian:bookworm-slim"
    ),
    "host": Stack(
        title="own",
        python="3.11",
        torch="2.13.0",
        cuda=None,
        base="debian:bookworm-slim",
        index="https://wheels.example/cpu",
    ),
}

#: What an environment of that lock holds.
PROBE = {
    "probe": VERSION,
    "torch": "2.0.1",
    "installers": {"pip": ["jinja2", "nvidia_cublas_cu11", "torch"]},
    "wheels": {"py3-none-any": ["jinja2"], "cp311-cp311-linux_x86_64": ["torch"]},
    "pip_freeze": ["jinja2==3.1.6", "nvidia_cublas_cu11==11.10.3.66", "torch==2.0.1+cu117"],
}


def make_project(root: Path) -> tuple[ProjectLayout, CacheLayout]:
    """A project with method `tool` on stack cu117."""
    project = ProjectLayout(root / "project")
    folder = project.dockerfile("tool").parent
    folder.mkdir(parents=True)
    project.dockerfile("tool").write_text("FROM scratch\n")
    project.requirements("tool", "cu117").write_text(LOCK)
    project.stages_dockerfile.write_text("FROM scratch\n")
    project.lock.write_text(f"bases:\n  debian:bookworm-slim: sha256:{'e' * 64}\n")
    return project, CacheLayout(root / "cache")


class FakeVenvBuilder:
    """Makes an empty file in place of an interpreter."""

    def __init__(self) -> None:
        self.version = "3.11.7"
        self.built: list[tuple[Packages, tuple[str, ...]]] = []
        self.probed: list[Path] = []
        self.found: Mapping[str, object] = PROBE

    def interpreter(self, version: str) -> Interpreter:
        assert version == "3.11"
        return Interpreter(path=Path("/usr/bin/python3"), version=self.version, platform="linux-x")

    def build(
        self,
        interpreter: Interpreter,
        packages: Packages,
        folder: Path,
        pip: tuple[str, ...],
        log: Path,
    ) -> Path:
        del interpreter, log
        assert not folder.exists(), "a half-built environment was not cleared away"
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()
        self.built.append((packages, pip))
        return python

    def probe(self, python: Path, code: str) -> Mapping[str, object]:
        compile(code, "probe", "exec")
        self.probed.append(python)
        return self.found


class FakeImageBuilder:
    """Keeps images by tag; an engine's builder and carrier in one."""

    def __init__(self) -> None:
        self.images: dict[str, str] = {}
        self.recipes: list[ImageRecipe] = []
        self.obtained: list[tuple[str, str, bool]] = []
        self.contents: dict[str, list[ImageFile]] = {}  # by image
        self.archives: dict[bytes, tuple[str, str]] = {}  # what loading one brings
        self.probes = 0
        self.found: Mapping[str, object] = PROBE

    def image_id(self, reference: str) -> str | None:
        return self.images.get(reference)

    def obtain(self, name: str, digest: str, *, asked: bool) -> str:
        self.obtained.append((name, digest, asked))
        return f"{name}@{digest}"

    def build(self, recipe: ImageRecipe, log: Path) -> str:
        del log
        self.recipes.append(recipe)
        self.images[recipe.tag] = f"sha256:{len(self.recipes):064x}"
        return self.images[recipe.tag]

    def files(self, image: str) -> Iterator[ImageFile]:
        return iter(self.contents.get(image, []))

    def name(self, image: str, tag: str, *, drop: str, move: bool) -> str:
        if move or tag not in self.images:
            self.images[tag] = image
        del self.images[drop]
        return self.images[tag]

    def load(self, archive: Iterable[bytes]) -> None:
        tag, image = self.archives[b"".join(archive)]
        self.images[tag] = image

    def probe(self, image: str, python: str, code: str) -> Mapping[str, object]:
        del image, code
        assert python == "/opt/venv/bin/python"
        self.probes += 1
        return self.found

"""Stage the container-side packages a step declares, and hash them for its key."""

import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from harness.files import remove_tree
from harness.layout import RunLayout
from harness.plan.keys import digest
from harness.store.store import set_aside

_ROOT = Path(__file__).resolve().parent.parent
_SITE = _ROOT / "site"
_OURS = ("losses", "metrics", "glue", "readers")
#: What a package imports: staged with it, and part of its hash.
_NEEDS = {"metrics": ("readers",), "glue": ("readers",)}
#: Where each package's files come from, and where they lie in a staged folder: what starts with
#: every step, ours, stand-ins for packages missing in an environment, hooks into those it has.
_PLACES = {
    "site": (_SITE / "sitecustomize.py", Path("sitecustomize.py")),
    **{name: (_ROOT / name, Path("harness") / name) for name in _OURS},
    **{shim.name: (shim, Path(shim.name)) for shim in (_SITE / "shims").iterdir() if shim.is_dir()},
    **{
        hook.stem: (hook, Path("staged_hooks") / hook.name)
        for hook in (_SITE / "hooks").glob("*.py")
    },
}


@cache
def package_hashes() -> dict[str, str]:
    """The content hash of each container-side package with what it imports, for keys."""
    own = {name: _hash(source) for name, (source, _) in _PLACES.items()}
    needed = {name: {part: own[part] for part in (name, *more)} for name, more in _NEEDS.items()}
    return own | {name: digest(parts) for name, parts in needed.items()}


def stage(layout: RunLayout, packages: Sequence[str]) -> Path:
    """A folder for PYTHONPATH with `sitecustomize.py` and just `packages`, made once by content.

    One that is not as it was made is set aside and made again.
    """
    wanted = sorted({"site", *packages})
    folder = layout.stages(digest({name: package_hashes()[name] for name in wanted})[:16])
    content = _content(wanted)
    if folder.is_dir():
        if _found(folder) == content:
            return folder
        set_aside(layout, folder)
    fresh = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
    for place, data in content.items():
        (fresh / place).parent.mkdir(parents=True, exist_ok=True)
        (fresh / place).write_bytes(data)
    try:
        os.rename(fresh, folder)
    except OSError:  # somebody else staged the same content first
        remove_tree(fresh)
    return folder


def _content(wanted: Sequence[str]) -> dict[Path, bytes]:
    """What every file of a staged folder holds."""
    found = {}
    needed = (part for name in wanted for part in _NEEDS.get(name, ()))
    for name in sorted({*wanted, *needed}):
        source, place = _PLACES[name]
        for file in _files(source):
            inner = place / file.relative_to(source) if source.is_dir() else place
            found[inner] = file.read_bytes()
    # An installed harness has an __init__.py and would win over a folder without one.
    if any(place.parts[0] == "harness" for place in found):
        found[Path("harness", "__init__.py")] = b""
    return found


def _found(folder: Path) -> dict[Path, bytes]:
    files = (path for path in folder.rglob("*") if not path.is_dir())
    return {file.relative_to(folder): file.read_bytes() for file in files}


def _hash(source: Path) -> str:
    total = hashlib.sha256()
    for file in _files(source):
        name = file.relative_to(source).as_posix() if source.is_dir() else file.name
        total.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for file in sorted(source.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file

"""What a mirror holds: every file name in it, and the list of what is there.

A mirror that `harness mirror create` made has a list, `mirror.json`. A folder without one holds
bare repositories and nothing else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import MismatchError, NotReadyError
from harness.plan.keys import plain

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class MirrorLayout:
    """The only place that spells a file name of a mirror."""

    root: Path

    @property
    def list(self) -> Path:
        """What is there, with hashes."""
        return self.root / "mirror.json"

    @property
    def lock(self) -> Path:
        """Held by whoever fills the mirror."""
        return self.root / ".lock"

    @property
    def arriving(self) -> Path:
        """Where files are written before they count."""
        return self.root / ".arriving"

    def repository(self, url: str) -> Path:
        """The bare repository of an address: OWNER/NAME.git."""
        *owner, name = url.rstrip("/").removesuffix(".git").replace(":", "/").split("/")[-2:]
        return self.root.joinpath(*owner, f"{name}.git")

    @property
    def packages(self) -> Path:
        """Wheels and source packages, as the index calls them."""
        return self.root / "packages"

    @property
    def images(self) -> Path:
        """Container images as one OCI image layout, every layer once."""
        return self.root / "images"

    @property
    def assets(self) -> Path:
        """Data sets and weights, each in a folder of its name."""
        return self.root / "assets"


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredFile:
    """One file as it must be."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredBase:
    """What images of a mirror stand on."""

    content: str  # the digest in harness.lock, or the id of the image that replaced it
    replaced: bool  # by --base


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorList:
    """The list of a mirror. It is `complete` once `mirror create` came to its end."""

    complete: bool = False
    methods: tuple[str, ...] = ()
    bases: Mapping[str, MirroredBase] = field(default_factory=dict)  # by the name stacks give
    files: Mapping[str, MirroredFile] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"schema": SCHEMA, **plain(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A mirror that is used in place of every network address."""

    layout: MirrorLayout
    bases: Mapping[str, MirroredBase]


def open_mirror(root: Path) -> Mirror | None:
    """The mirror at `root`; None for a folder that holds repositories only.

    Raises NotReadyError for one that is not complete, MismatchError for a list of another kind.
    """
    layout = MirrorLayout(root)
    listed = read_list(layout)
    if listed is None:
        return None
    if not listed.complete:
        raise NotReadyError(
            f"{root}: `harness mirror create` did not come to its end here",
            hint="run it again: it goes on with what is missing",
        )
    return Mirror(layout=layout, bases=listed.bases)


def read_list(layout: MirrorLayout) -> MirrorList | None:
    """The list; None for a folder that holds repositories only. Raises MismatchError."""
    try:
        text = layout.list.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotReadyError(
            f"{layout.list}: {error.strerror}", hint="fix its permissions"
        ) from error
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MismatchError(
            f"{layout.list}: expected the list of a mirror (schema {SCHEMA}), found another text: "
            f"{error}",
            hint="make the mirror again with `harness mirror create`",
        ) from error


def _parsed(document: Any) -> MirrorList:
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema {document['schema']}")
    return MirrorList(
        complete=bool(document["complete"]),
        methods=tuple(document["methods"]),
        bases={name: MirroredBase(**base) for name, base in document["bases"].items()},
        files={name: MirroredFile(**file) for name, file in document["files"].items()},
    )

"""What an asset's declaration holds: its kind, names and checksums, and how to get it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from harness.assets import hashing
from harness.contracts.failure import WRITER, ContractError
from harness.errors import MismatchError, UsageError
from harness.manifest.catalogue import Asset
from harness.readers.formats import HEAD, Format, recognised

_FOLDERS = frozenset({"folder", "voc", "png-labels", "npy-maps"})  # contract kinds


class AssetState(StrEnum):
    """What is known of an asset without hashing it."""

    READY = "ready"  # there, and unchanged since it was hashed
    UNHASHED = "unhashed"  # there; the first use hashes it
    CHANGED = "changed"  # touched since it was hashed; the next use hashes it again
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetStatus:
    """One line of `harness assets`."""

    name: str
    title: str
    state: AssetState
    path: Path | None
    digest: str
    size_gb: float
    how: str  # how to get it
    downloads: bool = False  # the next fetch downloads it
    steps: tuple[str, ...] = ()  # how to get it by hand, in order
    command: str = ""  # what follows these steps
    elsewhere: str = ""  # where else it may be


def is_folder(asset: Asset) -> bool:
    """Whether the asset is a folder rather than a file."""
    return asset.contract.kind in _FOLDERS


def kept_name(name: str, asset: Asset) -> str:
    """Its own file or folder name, which upstream code may look at (suffixes count)."""
    if asset.unpack and asset.unpack.member != ".":
        return PurePosixPath(asset.unpack.member).name
    if asset.places:
        return PurePosixPath(asset.places[0]).name
    return file_name(asset.urls[0]) if asset.urls and not asset.unpack else name


def file_name(url: str) -> str:
    """The last part of an address, without its query."""
    return PurePosixPath(urlsplit(url).path).name


def published(asset: Asset) -> str | None:
    """The published sha256 of the asset itself; that of an archive does not identify a folder."""
    return None if asset.unpack else asset.sha256


def checksum(asset: Asset) -> str | None:
    """What a downloaded file must match, as `algorithm:hex`."""
    if asset.sha256:
        return f"sha256:{asset.sha256}"
    return f"md5:{asset.md5}" if asset.md5 else None


def origin(asset: Asset) -> str | None:
    """What the manifest says of the source of an asset that only its first use identifies."""
    if published(asset) is not None:
        return None
    member = f"#{asset.unpack.member}" if asset.unpack else ""
    return f"{checksum(asset) or ''}{member}" or None


def how_to_get(name: str, asset: Asset) -> str:
    """One sentence for hints."""
    if asset.urls:
        how = f"`harness fetch` downloads it ({asset.size_gb:g} GB) from {asset.urls[0]}"
    else:
        how = f"{', '.join(steps_by_hand(asset))}, then `{adding(name)}`"
    return f"{how}; or {elsewhere(name, asset)}"


def steps_by_hand(asset: Asset) -> tuple[str, ...]:
    """What a person does to get the file, step by step."""
    return tuple((asset.by_hand or "get it").splitlines())


def adding(name: str) -> str:
    """The command that takes a file in."""
    return f"harness assets add {name} FILE"


def elsewhere(name: str, asset: Asset) -> str:
    """How to name a place of one's own that holds it."""
    return f"name a folder that holds {' or '.join((name, *asset.places))} by --data"


def broken(name: str, asset: Asset, error: ContractError) -> MismatchError:
    """The error for a file or folder that is not what its contract says."""
    advice = how_to_get(name, asset)
    if error.hint != WRITER:
        advice = f"{error.hint}; {advice}"
    return MismatchError(f"asset {name}: {error}; nothing was changed", hint=advice)


def refuse_kind(name: str, asset: Asset, file: Path) -> None:
    """Raise UsageError if `file` cannot be the asset because it is missing or of another kind."""
    if not file.exists():
        raise UsageError(f"{file} does not exist", hint="name the file that you downloaded")
    if not (file.is_file() or file.is_dir()):
        raise UsageError(f"{file} is a device or a pipe", hint="name a file or a folder")
    if file.is_dir() and not is_folder(asset):
        raise UsageError(f"{file} is a folder", hint=f"asset {name} is a file: name the file")
    if file.is_file() and is_folder(asset) and asset.unpack is None:
        raise UsageError(f"{file} is a file", hint=f"asset {name} is a folder: name the folder")


def compare(name: str, file: Path, expected: str) -> None:
    """Raise MismatchError unless `file` has the checksum `expected` (`algorithm:hex`)."""
    algorithm, _, digest = expected.partition(":")
    found = hashing.file_digest(file, algorithm)
    if found != digest:
        advice = "it is cut off or another file; get it again"
        raise mismatch(name, file, f"{algorithm} {digest}", found, advice)


def mismatch(name: str, place: Path, expected: str, found: str, advice: str) -> MismatchError:
    """The error for an asset that is another one."""
    if place.is_file() and (other := _recognised(place)):
        found, advice = f"{found}, which is {other.name}", f"{other.advice}; {advice}"
    return MismatchError(
        f"asset {name}: {place} is not what was expected: expected {expected}, found {found}; "
        "nothing was changed",
        hint=advice,
    )


def _recognised(file: Path) -> Format | None:
    """What stands in the place of an asset that did not come, such as a web page; or None."""
    with file.open("rb") as stream:
        found = recognised(stream.read(HEAD))
    return found if found is not None and found.stands_in else None

"""What the checks of npy dicts share: reading one, and the keys that image labels ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from harness.contracts.failure import Render, Summary, broken
from harness.contracts.files import in_order, one_per_id, picture_sizes, read_ids
from harness.manifest.contract import NpyMaps, NpyRatios, NpyStacks
from harness.readers.safe_pickle import UnsafePickleError, load_npy_dict


@dataclass(frozen=True, slots=True)
class Seen:
    """The keys of one file, and the lowest and highest value of all its maps."""

    keys: frozenset[int]
    low: float
    high: float


#: Check one file against its picture's (width, height) and its labels' keys, where these are known.
CheckFile: TypeAlias = Callable[[Path, tuple[int, int] | None, frozenset[int] | None], Seen]


def check_each(
    contract: NpyMaps | NpyStacks, folder: Path, render: Render, check_file: CheckFile
) -> Summary:
    """Check every file; summary: their count, the keys seen, the lowest and highest value."""
    ids = read_ids(contract.ids, contract, render)
    files = one_per_id(folder, ids, ".npy", contract)
    sizes = picture_sizes(contract.size_of, ids, contract, render)
    seen = in_order(check_file, files, sizes, wanted_keys(contract, ids, render))
    return {
        "count": len(files),
        "keys": sorted(frozenset[int]().union(*(s.keys for s in seen))),
        "low": min(s.low for s in seen),
        "high": max(s.high for s in seen),
    }


def load_dict(file: Path, contract: NpyMaps | NpyStacks | NpyRatios) -> dict[int | str, Any]:
    """The dict in `file`, nothing in it executed. Raises ContractError."""
    try:
        return load_npy_dict(file)
    except (OSError, UnsafePickleError) as error:
        raise broken(
            file, contract, expected="a pickled dict of arrays", found=str(error)
        ) from error


def present_classes(
    contract: NpyMaps | NpyStacks | NpyRatios, ids: tuple[str, ...], render: Render
) -> tuple[frozenset[int] | None, ...]:
    """The classes of each image, from 0 on, or None where the contract names no image labels."""
    if contract.labels is None:
        return tuple(None for _ in ids)
    path = render(contract.labels)
    labels = load_dict(path, contract)
    for name in ids:
        if name not in labels:
            raise broken(path, contract, expected=f"labels of {name}", found="none")
    return tuple(frozenset(k for k, value in enumerate(labels[name]) if value) for name in ids)


def wanted_keys(
    contract: NpyMaps | NpyStacks, ids: tuple[str, ...], render: Render
) -> tuple[frozenset[int] | None, ...]:
    """The keys that each id must have by its image labels, or None where any will do."""
    background = {0} if contract.background else set[int]()
    return tuple(
        None
        if present is None
        else frozenset({k + contract.first_key for k in present} | background)
        for present in present_classes(contract, ids, render)
    )


def allowed_keys(contract: NpyMaps | NpyStacks) -> frozenset[int]:
    """The keys that a file may have whatever its image shows."""
    background = {0} if contract.background else set[int]()
    return frozenset(range(contract.first_key, contract.max_key + 1)) | background

"""Which files of a user's folder belong to an asset: what steps read, never what lies beside it.

Desktops, editors and other data sets leave files in such folders (`.DS_Store`, `Thumbs.db`,
`SegmentationClassAug/`). They change neither what an asset is nor whether it counts as changed.
"""

from pathlib import Path

from harness.contracts.plain import matching
from harness.contracts.voc import voc_files, voc_lists
from harness.manifest.contract import Contract, Folder, Voc


def belonging(contract: Contract, place: Path) -> tuple[str, ...] | None:
    """Sorted relative paths of the files of `place` that belong; None: all, or it is one file."""
    match contract:
        case Voc():
            lists = (path for path in voc_lists(contract) if (place / path).is_file())
            return tuple(sorted((*voc_files(contract, place), *lists)))
        case Folder(globs=globs, counts=counts) if globs or counts:
            found = {path for glob in (*globs, *counts) for path in matching(place, glob)}
            files = (path for path in found if path.is_file())
            return tuple(sorted(path.relative_to(place).as_posix() for path in files))
        case _:
            return None


def lists_in(contract: Contract) -> frozenset[str]:
    """Relative paths of the lists of ids in it: their ids count, not how they are written."""
    return frozenset(voc_lists(contract)) if isinstance(contract, Voc) else frozenset()

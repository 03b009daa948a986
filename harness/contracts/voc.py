"""A data set in VOC's layout: the files that its lists name, whatever else lies beside them."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.contracts.failure import Render, Summary, broken
from harness.manifest.contract import Voc
from harness.readers.id_lists import ListError, read_ids

_PICTURES, _MASKS, _LISTS = "JPEGImages", "SegmentationClass", "ImageSets/Segmentation"
_ALL = "ImageSets/Main/trainval.txt"  # as VOC comes; people leave it out
_TEST_LISTS = "ImageSets/*/test.txt"
_VOC_NAME = re.compile(r"\d{4}_\d{6}\.jpg", re.ASCII)
_SHOWN = 3  # names that an error lists


def check_voc(contract: Voc, folder: Path, _: Render) -> Summary:
    """Check that every listed picture and mask is there and not empty; summary: how many.

    With `others`, the pictures in `ImageSets/Main/trainval.txt` must be there too, if that list is.

    Raises ContractError: a list is missing or none, files are missing (the first are named), or
    there under another suffix.
    """
    ids = _listed(contract, folder, voc_lists(contract))
    more = (_ALL,) if contract.others and (folder / _ALL).is_file() else ()
    pictures = _sizes(folder / _PICTURES)
    masks = _sizes(folder / _MASKS) if contract.masks else {}
    shown = (*ids, *_listed(contract, folder, more))
    wanted = dict.fromkeys(f"{_PICTURES}/{name}.jpg" for name in shown)
    if contract.masks:
        wanted |= dict.fromkeys(f"{_MASKS}/{name}.png" for name in ids)
    there = {f"{_PICTURES}/{name}": size for name, size in pictures.items()}
    there |= {f"{_MASKS}/{name}": size for name, size in masks.items()}
    if missing := [name for name in wanted if name not in there]:
        raise broken(
            folder / missing[0],
            contract,
            expected=f"each of the {len(wanted)} pictures and masks that the lists name",
            found=_shown(f"{len(missing)} missing", missing) + _renamed(missing, there),
        )
    if empty := [name for name in voc_files(contract, folder) if there.get(name) == 0]:
        found = _shown(f"{len(empty)} empty ones", empty)
        raise broken(folder / empty[0], contract, expected="files with content", found=found)
    return {"ids": len(ids), "pictures": len(pictures), "masks": len(masks)}


def voc_lists(contract: Voc) -> tuple[str, ...]:
    """Relative paths of the lists that say what belongs."""
    return tuple(f"{_LISTS}/{name}.txt" for name in contract.lists)


def is_voc(contract: Voc, folder: Path) -> bool:
    """Whether a folder has the layout: pictures, and every list."""
    lists = all((folder / path).is_file() for path in voc_lists(contract))
    return lists and (folder / _PICTURES).is_dir()


def voc_files(contract: Voc, folder: Path) -> tuple[str, ...]:
    """Relative paths of all pictures and masks that belong and are there, sorted.

    With `others`, pictures that no list names belong too, unless a `test.txt` names them: people
    unpack the test split into the same folder. Lists that cannot be read name nothing.
    """
    listed = frozenset(name for path in voc_lists(contract) for name in _ids(folder / path))
    pictures = _sizes(folder / _PICTURES)
    wanted = {f"{name}.jpg" for name in listed}
    if contract.others:
        test = {f"{name}.jpg" for path in folder.glob(_TEST_LISTS) for name in _ids(path)}
        named = {name for name in pictures if _VOC_NAME.fullmatch(name)}
        wanted |= named - test
    found = [f"{_PICTURES}/{name}" for name in wanted & pictures.keys()]
    if contract.masks:
        masks = {f"{name}.png" for name in listed} & _sizes(folder / _MASKS).keys()
        found += [f"{_MASKS}/{name}" for name in masks]
    return tuple(sorted(found))


def _listed(contract: Voc, folder: Path, lists: Iterable[str]) -> tuple[str, ...]:
    """The ids of these lists, each once. Raises ContractError, naming the list."""
    ids: dict[str, None] = {}
    for path in lists:
        try:
            ids |= dict.fromkeys(read_ids(folder / path))
        except ListError as error:
            found = error.reason
            raise broken(folder / path, contract, expected="a list of ids", found=found) from error
    return tuple(ids)


def _ids(path: Path) -> tuple[str, ...]:
    try:
        return read_ids(path)
    except ListError:  # the check names it
        return ()


def _sizes(folder: Path) -> dict[str, int]:
    """Name and size in bytes of every file in a folder; empty if there is no such folder."""
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as entries:
        return {entry.name: entry.stat().st_size for entry in _files(entries)}


def _files(entries: Iterator["os.DirEntry[str]"]) -> Iterator["os.DirEntry[str]"]:
    return (entry for entry in entries if entry.is_file())  # neither folders nor links to nothing


def _shown(what: str, names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what}: {', '.join(names[:_SHOWN])}{more}"


def _renamed(missing: list[str], there: Iterable[str]) -> str:
    """What to rename, if missing files are there under another suffix (`.JPG`, `.jpeg`)."""
    other = {name.rpartition(".")[0]: name for name in there}
    pairs = [(name, other[stem]) for name in missing if (stem := name.rpartition(".")[0]) in other]
    if not pairs:
        return ""
    name, found = pairs[0]
    return f"; {len(pairs)} of them have another suffix: rename {found} to {Path(name).name}"

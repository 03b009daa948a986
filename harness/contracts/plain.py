"""The simple kinds: a JSON object, a list of ids, a folder of files, any file."""

import json
import math
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

from harness.contracts.failure import Render, Summary, broken
from harness.contracts.files import read_ids, require_file
from harness.manifest.contract import Folder, JsonObject, Listing, PlainFile


def check_json(contract: JsonObject, file: Path, _: Render) -> Summary:
    """Check that it is an object with the keys asked for and finite numbers; summary: its keys."""
    require_file(file, contract)
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        found = f"unreadable text ({error})"
        raise broken(file, contract, expected="a JSON object", found=found) from error
    if not isinstance(content, dict):
        found = type(content).__name__
        raise broken(file, contract, expected="a JSON object", found=found)
    if missing := [key for key in contract.keys if key not in content]:
        found = f"{', '.join(map(repr, content)) or 'none'}"
        raise broken(file, contract, expected=f"key {missing[0]!r}", found=found)
    for place, number in _numbers(content, ""):
        if not math.isfinite(number):
            found = f"{number} at {place}"
            raise broken(file, contract, expected="finite numbers", found=found)
    return {"keys": sorted(content)}


def _numbers(content: object, place: str) -> Iterator[tuple[str, float]]:
    """All numbers of a JSON value with where they stand."""
    match content:
        case dict():
            for key, value in content.items():
                yield from _numbers(value, f"{place}.{key}".lstrip("."))
        case list():
            for index, value in enumerate(content):
                yield from _numbers(value, f"{place}[{index}]")
        case float():
            yield place, content
        case _:
            pass


def check_list(contract: Listing, file: Path, _: Render) -> Summary:
    """Check that it holds enough ids, each once; summary: their count."""
    require_file(file, contract)
    ids = read_ids(str(file), contract, Path)
    if len(ids) < contract.min_count:
        expected = f"at least {contract.min_count} ids"
        raise broken(file, contract, expected=expected, found=str(len(ids)))
    return {"count": len(ids)}


def check_folder(contract: Folder, folder: Path, _: Render) -> Summary:
    """Check that every glob matches enough files, none empty; summary: how many each matches."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise broken(folder, contract, expected="a folder", found=found)
    wanted = dict.fromkeys(contract.globs, contract.min_count) | dict(contract.counts)
    counts = {}
    for glob, minimum in (wanted or {"**/*": contract.min_count}).items():
        files = [file for file in matching(folder, glob) if not file.is_dir()]
        if len(files) < minimum:
            expected = f"at least {minimum} of {glob}"
            raise broken(folder, contract, expected=expected, found=str(len(files)))
        for file in files:
            require_file(file, contract)
        counts[glob] = len(files)
    return {"counts": counts}


def matching(folder: Path, glob: str) -> Iterator[Path]:
    """What matches in `folder`; hidden files (`._a.png`, as macOS leaves them) do not count."""
    return (path for path in folder.glob(glob) if not path.name.startswith("."))


def check_file(contract: PlainFile, file: Path, _: Render) -> Summary:
    """Check its size and that it holds what it must; summary: its size in bytes."""
    size = require_file(file, contract)
    if size < contract.min_bytes:
        expected = f"at least {contract.min_bytes} bytes"
        raise broken(file, contract, expected=expected, found=str(size))
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for pattern in contract.contains:
            if re.search(pattern.encode(), text, re.MULTILINE) is None:
                found = "no match in the file"
                raise broken(file, contract, expected=f"text like {pattern!r}", found=found)
    return {"bytes": size}

"""What the checks of folders share: one file per id, many files at once."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from harness.contracts.failure import Render, broken
from harness.manifest.contract import Contract
from harness.readers import id_lists

T = TypeVar("T")

_SHOWN = 3  # names that an error lists
_THREADS = 4  # decoding and reading release the interpreter lock


def require_file(path: Path, contract: Contract) -> int:
    """Size of the file `path` in bytes; it must be there and not empty."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise broken(path, contract, expected="a file", found=found)
    if size := path.stat().st_size:
        return size
    raise broken(path, contract, expected="a file with content", found="an empty file")


def read_ids(template: str, contract: Contract, render: Render) -> tuple[str, ...]:
    """Ids of the list that a contract names."""
    path = render(template)
    try:
        return id_lists.read_ids(path)
    except id_lists.ListError as error:
        raise broken(path, contract, expected="a list of ids", found=error.reason) from error


def one_per_id(
    folder: Path, ids: Sequence[str], suffix: str, contract: Contract
) -> tuple[Path, ...]:
    """Files `<id><suffix>` of all ids, in order; all are there, nothing else is."""
    expected = f"exactly one {suffix} file for each of {len(ids)} ids"
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise broken(folder, contract, expected=f"a folder with {expected}", found=found)
    wanted = {f"{name}{suffix}" for name in ids}
    present = {entry.name for entry in folder.iterdir()}
    for names, verb in ((wanted - present, "missing"), (present - wanted, "unexpected")):
        if names:
            first = sorted(names)[:_SHOWN]
            more = f" and {len(names) - len(first)} more" if len(names) > len(first) else ""
            found = f"{len(names)} {verb}: {', '.join(first)}{more}"
            raise broken(folder / first[0], contract, expected=expected, found=found)
    files = tuple(folder / f"{name}{suffix}" for name in ids)
    for file in files:
        require_file(file, contract)
    return files


def picture_sizes(
    template: str | None, ids: Iterable[str], contract: Contract, render: Render
) -> tuple[tuple[int, int] | None, ...]:
    """(width, height) of `<folder>/<id>.jpg` for each id, or None where sizes are free."""
    if template is None:
        return tuple(None for _ in ids)
    folder = render(template)
    return tuple(in_order(lambda name: _size(folder / f"{name}.jpg", contract), ids))


def _size(picture: Path, contract: Contract) -> tuple[int, int]:
    from PIL import Image

    try:
        with Image.open(picture) as image:
            return image.size
    except (OSError, ValueError, SyntaxError) as error:
        raise broken(
            picture, contract, expected="the picture that sets the size", found=str(error)
        ) from error


def in_order(work: Callable[..., T], *items: Iterable[object]) -> list[T]:
    """Map in a few threads; the first error in order of items is raised and the rest dropped."""
    calls = list(zip(*items, strict=False))
    if len(calls) <= 1:  # to start threads takes longer
        return [work(*arguments) for arguments in calls]
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="contracts")
    try:
        return list(pool.map(lambda arguments: work(*arguments), calls))
    finally:
        pool.shutdown(cancel_futures=True)

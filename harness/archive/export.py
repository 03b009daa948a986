"""Write an archive as a folder or as a zip file, whole or not at all."""

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from harness.archive.contents import HandOver
from harness.archive.crate import write_crate
from harness.errors import UsageError
from harness.files import sync, sync_tree

LICENCE = "https://spdx.org/licenses/MIT"
# Equal files give an equal archive, whenever it is written: the earliest date that zip knows.
_DATE = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16


def export(wanted: HandOver, target: Path, licence: str = LICENCE) -> None:
    """Write the archive to `target`: a zip file if it is named so, else a folder.

    Raises UsageError if something is there already; OSError, and then nothing is.
    """
    refuse_taken(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        crate = fresh / "crate"
        crate.mkdir()
        write_crate(wanted, crate, licence)
        written = crate
        if is_zip(target):
            written = fresh / "crate.zip"
            _zip(crate, written)
        sync_tree(written)
        refuse_taken(target)
        os.rename(written, target)
        sync(target.parent)
    finally:
        shutil.rmtree(fresh)


def is_zip(target: Path) -> bool:
    """Whether an archive of that name is a zip file."""
    return target.suffix.lower() == ".zip"


def refuse_taken(target: Path) -> None:
    """Raise UsageError unless there is nothing yet, or an empty folder."""
    empty = target.is_dir() and not target.is_symlink() and not any(target.iterdir())
    if (target.exists() or target.is_symlink()) and (is_zip(target) or not empty):
        raise UsageError(
            f"--ro-crate {target}: there is something already",
            hint="name a new folder or .zip file, or remove what is there",
        )


def _zip(folder: Path, file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = _PLAIN_FILE
                with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as sink:
                    shutil.copyfileobj(source, sink)

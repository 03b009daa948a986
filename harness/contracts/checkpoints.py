"""Read torch checkpoints; what is none is named in our own words.

torch's text for a file that it refuses advises to load it with `weights_only=False`, which would
execute what a stranger wrote. So it is never shown.
"""

import re
import zipfile
from pathlib import Path
from typing import Any

from harness.contracts.failure import ContractError, broken
from harness.manifest.contract import MxnetParams, StateDict
from harness.readers.formats import HEAD, recognised

_ZIP = b"PK\x03\x04"
_PICKLE = "data.pkl"  # in every checkpoint of torch 1.6 or newer, below a folder
_SHOWN = 3  # names of an archive's files that an error lists
_OBJECT = re.compile(r"[Uu]nsupported (?:global: GLOBAL|GLOBAL|class) ([\w.]+)")
_AGAIN = "download it again and compare its size with the one announced"
_ONLY_TENSORS = (
    "where you trust the file, load it in a Python of your own and save its tensors alone: "
    "torch.save({name: tensor, ...}, FILE)"
)


def load_checkpoint(contract: StateDict, file: Path) -> Any:
    """The checkpoint's content, nothing in it executed, tensors mapped where the format allows it.

    Raises ContractError: it is another format, cut off, damaged, or holds other objects.
    """
    import torch

    refuse_other_formats(contract, file)
    packed = _is_zip(contract, file)  # files older than torch 1.6 are plain pickles
    try:
        return torch.load(file, map_location="cpu", weights_only=True, mmap=packed)
    except MemoryError:
        raise
    except Exception as error:  # torch raises nearly anything over a broken file
        raise _unreadable(contract, file, str(error)) from error


def refuse_other_formats(contract: StateDict | MxnetParams, file: Path) -> None:
    """Raise ContractError if the file is a web page, a pointer, an archive or the like."""
    with file.open("rb") as stream:
        found = recognised(stream.read(HEAD))
    if found is not None:
        expected = "a file of weights"
        raise broken(file, contract, expected=expected, found=found.name, hint=found.advice)


def _is_zip(contract: StateDict, file: Path) -> bool:
    """Whether it is a zip, as torch writes it; any other zip is refused."""
    with file.open("rb") as stream:
        if stream.read(len(_ZIP)) != _ZIP:
            return False
    if not zipfile.is_zipfile(file):
        found = "a checkpoint that is cut off: its table of contents is missing"
        raise broken(file, contract, expected="a whole checkpoint", found=found, hint=_AGAIN)
    names = zipfile.ZipFile(file).namelist()
    if not any(name.rpartition("/")[2] == _PICKLE for name in names):
        listed = ", ".join(ascii(name) for name in names[:_SHOWN]) or "nothing"
        found = f"a zip archive of {len(names)} files ({listed})"
        hint = "unpack it and name the file in it"
        raise broken(file, contract, expected="a torch checkpoint", found=found, hint=hint)
    return True


def _unreadable(contract: StateDict, file: Path, said: str) -> ContractError:
    expected = "a torch checkpoint of plain tensors"
    if other := _OBJECT.search(said):
        found = f"one that also holds objects of {other[1]}, which are not loaded"
        return broken(file, contract, expected=expected, found=found, hint=_ONLY_TENSORS)
    found = "a file that is damaged, cut off or of another format"
    return broken(file, contract, expected=expected, found=found, hint=_AGAIN)

"""Label PNGs: one per id, 8-bit, values 0..max_label (and 255 where void may occur)."""

from pathlib import Path

from harness.contracts.failure import Render, Summary, broken
from harness.contracts.files import in_order, one_per_id, picture_sizes, read_ids
from harness.manifest.contract import PngLabels
from harness.readers.label_png import LabelError, read_labels
from harness.readers.palettes import VOID


def check_png_labels(contract: PngLabels, folder: Path, render: Render) -> Summary:
    """Check every label map; summary: their count and the values seen."""
    ids = read_ids(contract.ids, contract, render)
    files = one_per_id(folder, ids, ".png", contract)
    sizes = picture_sizes(contract.size_of, ids, contract, render)

    def one(file: Path, size: tuple[int, int] | None) -> frozenset[int]:
        return _label_map(contract, file, size)

    seen = frozenset[int]().union(*in_order(one, files, sizes))
    return {"count": len(files), "values": sorted(seen)}


def _label_map(contract: PngLabels, file: Path, size: tuple[int, int] | None) -> frozenset[int]:
    """The values of one label map."""
    import numpy as np

    try:
        mode, labels = read_labels(file.read_bytes())
    except OSError as error:
        raise broken(file, contract, expected="a label PNG", found=str(error)) from error
    except LabelError as error:
        raise broken(file, contract, expected=error.expected, found=error.found) from error
    _check_shape(contract, file, (mode, labels.shape[1], labels.shape[0]), size)
    values = frozenset(np.flatnonzero(np.bincount(labels.reshape(-1))).tolist())
    allowed = set(range(contract.max_label + 1)) | ({VOID} if contract.void else set())
    if bad := sorted(values - allowed):
        expected = f"values 0..{contract.max_label}{f' or {VOID}' if contract.void else ''}"
        raise broken(file, contract, expected=expected, found=", ".join(map(str, bad[:8])))
    return values


def _check_shape(
    contract: PngLabels, file: Path, found: tuple[str, int, int], size: tuple[int, int] | None
) -> None:
    """Compare mode, width and height with the contract and the picture's `size`."""
    mode, width, height = found
    if mode not in contract.modes:
        expected = f"mode {' or '.join(contract.modes)}"
        raise broken(file, contract, expected=expected, found=f"mode {mode}")
    if size is not None and size != (width, height):
        expected = f"{size[0]}x{size[1]} pixels, as its picture"
        raise broken(file, contract, expected=expected, found=f"{width}x{height}")

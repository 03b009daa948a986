"""Label PNGs: one per id, 8-bit, values 0..max_label (and 255 where void may occur)."""

from pathlib import Path
from typing import TYPE_CHECKING

from harness.contracts.failure import Render, Summary, broken
from harness.contracts.files import in_order, one_per_id, picture_sizes, read_ids
from harness.manifest.contract import PngLabels

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_VOID = 255
_END = b"IEND\xaeB`\x82"


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
    from PIL import Image

    try:
        with Image.open(file, formats=("PNG",)) as image:
            _shape(contract, file, image, size)
            counts = image.histogram()
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise broken(
            file, contract, expected="a whole PNG", found=f"an unreadable one ({error})"
        ) from error
    # A decoder that has all pixels does not miss the rest of a file that was cut off.
    if not _ends_whole(file):
        raise broken(file, contract, expected="a whole PNG", found="one without its end")
    values = frozenset(value for value, count in enumerate(counts) if count)
    allowed = set(range(contract.max_label + 1)) | ({_VOID} if contract.void else set())
    if bad := sorted(values - allowed):
        void = " or 255" if contract.void else ""
        raise broken(
            file,
            contract,
            expected=f"values 0..{contract.max_label}{void}",
            found=", ".join(map(str, bad[:8])),
        )
    return values


def _ends_whole(file: Path) -> bool:
    with file.open("rb") as stream:
        stream.seek(-len(_END), 2)
        return stream.read() == _END


def _shape(contract: PngLabels, file: Path, image: "Picture", size: tuple[int, int] | None) -> None:
    if image.mode not in contract.modes:
        expected = f"mode {' or '.join(contract.modes)}"
        raise broken(file, contract, expected=expected, found=f"mode {image.mode}")
    if size is not None and image.size != size:
        raise broken(
            file,
            contract,
            expected="{}x{} pixels, as its picture".format(*size),
            found="{}x{}".format(*image.size),
        )

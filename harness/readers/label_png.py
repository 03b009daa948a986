"""Read label PNGs: 8-bit grey or palette images whose values are classes.

What decoders would guess at is refused: files that are not whole, other depths and colours,
palettes that contradict the values, pictures marked to be turned, animations.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from harness.readers import png as pngs
from harness.readers.formats import HEAD, recognised
from harness.readers.palettes import PaletteError, check_palette

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_PIXELS = 1 << 26  # OpenCV reads up to here; Pillow reads larger files
UPRIGHT = 1  # of EXIF's eight orientations
_ORIENTATION = 0x0112
_BYTE = 8
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_MAY_TURN = (b"Raw profile type", b"XML:com.adobe.xmp")  # texts in which tools put EXIF


class LabelError(ValueError):
    """A file that is not a label PNG: `found` and `expected` are in the text too."""

    def __init__(self, found: str, expected: str = "one whole label PNG") -> None:
        super().__init__(f"found {found}; expected {expected}")
        self.found, self.expected = found, expected


def read_labels(content: bytes) -> tuple[str, NDArray[np.uint8]]:
    """Return the mode of a label PNG, L or P (with a palette), and its values H x W.

    Raises:
        LabelError: the bytes are not one whole PNG of that kind, or its palette or orientation
            contradicts its values.

    """
    try:
        found = pngs.take_apart(content)
    except pngs.PngError as error:
        other = None if content.startswith(pngs.SIGNATURE) else recognised(content[:HEAD])
        raise LabelError(other.name if other else str(error)) from error
    _check_kind(found)
    _check_upright(content, found)
    labels = _by_opencv(found)
    if labels is None:
        labels = _pillow(content)[0]
    if found.header.colour == pngs.GREY:
        return "L", labels
    _check_colours(found, labels)
    return "P", labels


def _check_kind(found: pngs.Png) -> None:
    """Refuse colours, other depths than 8 bits (palettes may have fewer), and animations."""
    header = found.header
    depths = {pngs.GREY: (_BYTE,), pngs.PALETTE: (1, 2, 4, _BYTE)}.get(header.colour, ())
    if header.bits not in depths:
        kind = f"a PNG of {header.bits}-bit {pngs.KINDS[header.colour]}"
        raise LabelError(
            kind, "8-bit grey (mode L) or a palette (mode P), whose values are classes"
        )
    if found.bodies(b"acTL"):
        raise LabelError("an animated PNG", "one image")


def _check_upright(content: bytes, found: pngs.Png) -> None:
    """Refuse a picture that says that it must be turned or mirrored: readers disagree on it."""
    texts = (body for kind in _TEXTS for body in found.bodies(kind))
    if not found.bodies(b"eXIf") and not any(body.startswith(_MAY_TURN) for body in texts):
        return
    turned = _pillow(content)[1]
    if turned != UPRIGHT:
        upright = f"{UPRIGHT}, or none: save the labels as they lie on the image"
        raise LabelError(f"EXIF orientation {turned}", upright)


def _check_colours(found: pngs.Png, labels: NDArray[np.uint8]) -> None:
    import numpy as np

    palettes = found.bodies(b"PLTE")
    if len(palettes) != 1 or len(palettes[0]) % 3 or not palettes[0]:
        raise LabelError("a palette PNG without one whole palette")
    used = np.flatnonzero(np.bincount(labels.reshape(-1), minlength=256)).tolist()
    try:
        check_palette(palettes[0], used)
    except PaletteError as error:
        raise LabelError(str(error), "VOC's palette, greys or none") from error


def _by_opencv(found: pngs.Png) -> NDArray[np.uint8] | None:
    """Return the values of a plain 8-bit PNG in half of Pillow's time; None for any other.

    OpenCV turns a palette into colours. So it gets the pixels under the header of a grey image.
    """
    import cv2
    import numpy as np

    header = found.header
    if header.bits != _BYTE or header.interlace or header.width * header.height > MOST_PIXELS:
        return None
    pixels = b"".join(found.bodies(b"IDAT"))
    grey = pngs.pack(header._replace(colour=pngs.GREY), (b"IDAT", pixels))
    try:
        labels = cv2.imdecode(np.frombuffer(grey, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if labels is None or labels.shape != (header.height, header.width) or labels.dtype != np.uint8:
        return None
    return labels.astype(np.uint8, copy=False)


def _pillow(content: bytes) -> tuple[NDArray[np.uint8], int]:
    """Return the values and the EXIF orientation."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(BytesIO(content), formats=("PNG",)) as image:
            labels = np.array(image, dtype=np.uint8)
            return labels, int(image.getexif().get(_ORIENTATION, UPRIGHT))
    except Exception as error:  # Pillow raises nearly anything over a broken file
        raise LabelError(f"a PNG that cannot be decoded ({error})") from error

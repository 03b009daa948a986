"""Small pictures as data: URIs, and how good one prediction is."""

import base64
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.readers.label_png import MOST_PIXELS, LabelError, read_labels
from harness.readers.palettes import VOC

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Labels = NDArray[np.uint8]  # H x W: classes, 255 is void

WIDTH: Final = 144  # pixels, of a picture in the report
VOID: Final = 255
_GREY: Final = 0.45  # of the input under a CAM
_QUALITY: Final = 78


class UnreadablePicture(Exception):  # noqa: N818 - what it is
    """A file that is not the picture it should be."""


def labels_of(file: Path) -> "Labels":
    """The values of a label PNG, H x W. Raises UnreadablePicture."""
    try:
        return read_labels(file.read_bytes())[1]
    except (OSError, LabelError) as error:
        raise UnreadablePicture(f"{file.name}: {error}") from error


def values(labels: "Labels") -> "set[int]":
    """Which values occur."""
    import numpy as np

    return set(np.flatnonzero(np.bincount(labels.reshape(-1), minlength=256)).tolist())


def photo(file: Path) -> "Image":
    """A JPEG as RGB, at least as wide as a picture in the report. Raises UnreadablePicture."""
    from PIL import Image

    try:
        with Image.open(file, formats=("JPEG",)) as image:
            width, height = image.size
            if width * height <= MOST_PIXELS:
                image.draft("RGB", _small(width, height))
                return image.convert("RGB")
    except Exception as error:  # Pillow raises nearly anything over a broken file
        raise UnreadablePicture(f"{file.name}: {error}") from error
    raise UnreadablePicture(f"{file.name}: {width} x {height} pixels, more than {MOST_PIXELS}")


def photo_uri(image: "Image") -> str:
    """A photo as a small JPEG."""
    return _jpeg(image.resize(_small(*image.size)))


def labels_uri(labels: "Labels") -> str:
    """Labels as a small PNG in VOC's colours."""
    from PIL import Image

    height, width = labels.shape
    small = Image.fromarray(labels).resize(_small(width, height), Image.Resampling.NEAREST)
    small.putpalette([level for colour in VOC for level in colour])
    content = BytesIO()
    small.save(content, "PNG")
    return _uri("image/png", content.getvalue())


def cam_uri(maps: "dict[int, Labels]", image: "Image | None") -> str:
    """CAMs as one small picture: the strongest class's colour, over the grey input if it is there.

    `maps` has, by class, activations of 0 to 255, all H x W.
    """
    import numpy as np
    from PIL import Image

    height, width = next(iter(maps.values())).shape
    size = _small(width, height)
    small = [Image.fromarray(one).resize(size, Image.Resampling.BOX) for one in maps.values()]
    stack = np.stack([np.asarray(one, np.float32) for one in small]) / 255
    strength = stack.max(axis=0)[..., None]
    colours = np.array(VOC, np.float32)[np.array(list(maps))[stack.argmax(axis=0)]]
    under: Any = 0.0  # black
    if image is not None:
        under = np.asarray(image.convert("L").resize(size), np.float32)[..., None] * _GREY
    blended = under * (1 - strength) + colours * strength
    return _jpeg(Image.fromarray(blended.astype(np.uint8)))


def region_score(predicted: "Labels", truth: "Labels") -> float:
    """J of one image in percent: the mean IoU of the classes in either, without void pixels."""
    import numpy as np

    there = truth != VOID
    both = np.minimum(predicted[there], VOID), truth[there]
    size = 1 + max((int(one.max(initial=0)) for one in both), default=0)
    counts = np.bincount(both[1].astype(np.uint16) * size + both[0], minlength=size * size)
    table = counts.reshape(size, size)
    hit = table.diagonal()
    union = table.sum(0) + table.sum(1) - hit
    present = union > 0
    return float(100 * (hit[present] / union[present]).mean()) if present.any() else 100.0


def _small(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, WIDTH / width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _jpeg(image: "Image") -> str:
    content = BytesIO()
    image.save(content, "JPEG", quality=_QUALITY)
    return _uri("image/jpeg", content.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

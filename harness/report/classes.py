"""The classes of a data set and the colours in which label images show them."""

from harness.readers.palettes import voc_colour

_VOC = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa",
    "train", "tv monitor",
)  # fmt: skip
VOID = 255


def class_name(number: int, of: int) -> str:
    """The name of a class; VOC's if the data set has 21, else its number."""
    if number == VOID:
        return "void"
    if of == len(_VOC) and number < of:
        return _VOC[number]
    return "background" if number == 0 else f"class {number}"


def colour(number: int) -> str:
    """The colour of a class as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*voc_colour(number))

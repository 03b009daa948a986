"""Whether the palette of a label PNG says the same as its values.

A label PNG counts by its values; its palette only shows them. An image editor that saves such a
file anew may number the colours as it likes: the picture looks the same, and every value is another
class. So the colour of each value in use must be VOC's colour of that class, or the grey of it.
"""

from __future__ import annotations

from collections.abc import Sequence

VOID = 255
SHOWN = 4  # values that an error lists

Colour = tuple[int, int, int]


class PaletteError(ValueError):
    """A palette that contradicts the values of its image. The text lists values and colours."""


def voc_colour(label: int) -> Colour:
    """Return VOC's colour of a label 0..255: its bits, spread over red, green and blue."""
    red, green, blue = (
        sum((label >> (3 * place + channel) & 1) << (7 - place) for place in range(3))
        for channel in range(3)
    )
    return red, green, blue


VOC = tuple(voc_colour(label) for label in range(256))
GREYS = tuple((label, label, label) for label in range(256))


def check_palette(palette: bytes, used: Sequence[int]) -> None:
    """Raise PaletteError unless the palette shows the values in use as VOC's or as their greys.

    Args:
        palette: red, green and blue of each value from 0 on, one byte each.
        used: the values that occur in the image. 255, which is void, may lack a colour.

    """
    colours: list[Colour] = [
        (palette[at], palette[at + 1], palette[at + 2]) for at in range(0, len(palette), 3)
    ]
    if bare := [value for value in used if value >= len(colours) and value != VOID]:
        msg = f"value {bare[0]} has no colour in its palette of {len(colours)}"
        raise PaletteError(msg)
    shown = {value: colours[value] for value in used if value < len(colours)}
    if not any(all(shown[value] == known[value] for value in shown) for known in (VOC, GREYS)):
        raise PaletteError(_contradiction(shown))


def _contradiction(shown: dict[int, Colour]) -> str:
    wrong = {value: colour for value, colour in shown.items() if colour != VOC[value]}
    listed = [
        f"value {value} has the colour {colour} where VOC's is {VOC[value]}"
        for value, colour in list(wrong.items())[:SHOWN]
    ]
    if len(wrong) > SHOWN:
        listed.append(f"{len(wrong) - SHOWN} more")
    return f"a palette that contradicts the values: {'; '.join(listed)}; {_remedy(shown)}"


def _remedy(shown: dict[int, Colour]) -> str:
    """Return what to do: renumber by colour where all colours are VOC's or greys."""
    for name, known in (("VOC's colours", VOC), ("greys", GREYS)):
        if all(colour in known for colour in shown.values()):
            meant = ", ".join(f"{value} to {known.index(c)}" for value, c in shown.items())
            return (
                f"an image editor has probably numbered {name} anew: save the file it was made "
                f"from, or change the values {meant}"
            )
    return "if the values are the classes, save the image without palette (mode L)"

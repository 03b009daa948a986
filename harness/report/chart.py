"""Charts as SVG that takes its colours from the page, so that they work in light and dark.

matplotlib draws with stand-in colours. They become CSS variables, so the page decides.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A stand-in colour and the CSS that takes its place.
INK, FAINT, BAND = "#010201", "#020302", "#030403"
LOSSES: Final[Mapping[str, str]] = {
    "none": "#100001",
    "isl": "#100002",
    "fsl": "#100003",
    "isl+fsl": "#100004",
}
MARKERS: Final[Mapping[str, str]] = {"none": "o", "isl": "s", "fsl": "^", "isl+fsl": "D"}
STAGES: Final = tuple(f"#2000{stage:02}" for stage in range(1, 10))
_CSS: Final[Mapping[str, str]] = {
    INK: "var(--ink)",
    FAINT: "var(--line)",
    BAND: "var(--band)",
    **{colour: f"var(--loss-{at})" for at, colour in enumerate(LOSSES.values())},
    **{colour: f"var(--stage-{at})" for at, colour in enumerate(STAGES, 1)},
}
_STAND_IN: Final = re.compile("|".join(_CSS))
_ID: Final = re.compile(r'(?<= id=")|(?<=url\(#)|(?<=href="#)')
_FONT: Final = re.compile(r"font-family:[^;\"]*;? ?|'DejaVu Sans'[^;\"]*sans-serif")
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_SIZE: Final = re.compile(r'(<svg[^>]*?) width="[\d.]+pt" height="[\d.]+pt"')
_STYLE: Final[Any] = {  # matplotlib's types list every key
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "harness",  # equal charts are equal bytes
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "lines.linewidth": 1.6,
}


@dataclass(frozen=True, slots=True)
class Margins:
    """Room around the axes of a figure, and between them, in points.

    Explicit ones, since matplotlib's own layouts double the time that a figure takes.
    """

    left: float = 34
    right: float = 8
    top: float = 44
    bottom: float = 34
    between: float = 40


@contextmanager
def drawing(
    width: float, height: float, margins: Margins = Margins(), *, ncols: int = 1, **axes: Any
) -> "Iterator[tuple[Figure, Sequence[Any]]]":
    """A figure of width x height points with one row of axes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        inner = (width - margins.left - margins.right - (ncols - 1) * margins.between) / ncols
        places = {
            "left": margins.left / width,
            "right": 1 - margins.right / width,
            "top": 1 - margins.top / height,
            "bottom": margins.bottom / height,
            "wspace": margins.between / inner,
        }
        yield figure, figure.subplots(ncols=ncols, squeeze=False, gridspec_kw=places, **axes)[0]


def svg(figure: "Figure", name: str) -> str:
    """The figure as an SVG element whose ids begin with `name`, which is unique on the page."""
    import matplotlib as mpl

    text = StringIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(text, format="svg", metadata={"Date": None})
    whole = text.getvalue()
    return themed(whole[whole.index("<svg") :], name)


def themed(element: str, name: str) -> str:
    """An SVG element of matplotlib's with the page's colours and font, and ids of its own."""
    element = _METADATA.sub("", element)
    element = _SIZE.sub(r"\1", element)
    element = _FONT.sub(lambda found: "inherit" if found[0].startswith("'") else "", element)
    element = _STAND_IN.sub(lambda found: _CSS[found[0]], element)
    return _ID.sub(f"{name}-", element).strip()


def losses_legend(figure: "Figure", losses: Sequence[str]) -> None:
    """A legend of the losses above all axes."""
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color=LOSSES[one], marker=MARKERS[one], linestyle="-", markersize=5)
        for one in losses
    ]
    figure.legend(
        marks,
        losses,
        loc="upper left",
        ncols=len(losses),
        handlelength=1.6,
        columnspacing=1.2,
        borderpad=0,
        borderaxespad=0.3,
    )

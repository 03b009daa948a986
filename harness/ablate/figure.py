"""Plot J, F and J&F over mu and over sigma, with the unoptimised maps as horizontal lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .optimise import Quality

if TYPE_CHECKING:
    from .study import Ablation

# Three colours that differ in print and for colour-blind readers, each with its own marker.
STYLE = {"J": ("#0072b2", "o"), "F": ("#d55e00", "s"), "JF": ("#009e73", "^")}
NAMES = {"J": "J", "F": "F", "JF": "J&F"}


def draw_figure(found: Ablation, out: Path) -> None:
    """Write ``fig7.png`` and ``fig7.svg``; equal numbers give equal bytes."""
    with rc_context({"svg.hashsalt": "fig7", "font.size": 10, "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 3.8), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, sharey=True)
        _curves(left, found.over_mu, found.baseline)
        _curves(right, found.over_sigma, found.baseline)
        left.set(xlabel="μ  (σ = 5)", ylabel="score in %")
        right.set(xlabel="σ in pixels  (μ = 2.5)")
        for axes, at in zip((left, right), found.best, strict=True):
            axes.axvline(at, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)
        figure.suptitle(
            f"FSL alone on {len(found.names)} rough maps;"
            f" best J&F at μ = {found.best[0]:g}, σ = {found.best[1]:g} (dotted)",
            fontsize=10,
        )
        figure.savefig(out / "fig7.png", dpi=150, metadata={"Software": None})
        figure.savefig(out / "fig7.svg", metadata={"Date": None, "Creator": None})


def _curves(axes: Any, curve: Mapping[float, Quality], baseline: Quality) -> None:
    for name, (colour, marker) in STYLE.items():
        values = [getattr(quality, name) for quality in curve.values()]
        axes.plot(list(curve), values, color=colour, marker=marker, label=NAMES[name])
        axes.axhline(
            getattr(baseline, name),
            color=colour,
            linestyle="--",
            linewidth=1,
            label=f"{NAMES[name]}, not optimised",
        )
    axes.grid(color="0.9", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)

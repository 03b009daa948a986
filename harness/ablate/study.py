"""Run the study: curves over mu and sigma, sensitivity to the options, output files."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .drawn import drawn_pictures
from .optimise import Activation, Evaluation, Options, Quality, study_point, unoptimised
from .pictures import Picture, voc_pictures

MU, SIGMA = 2.5, 5.0
MUS = tuple(0.5 * step for step in range(1, 11))
SIGMAS = tuple(float(step) for step in range(1, 11))
MAP = 56  # side of SEAM's class maps
Tick = Callable[[str, int, int], None]  # what, how many are done, of how many


@dataclass(frozen=True)
class Ablation:
    """The results of the study; quality in percent.

    names: names of the pictures.
    baseline: quality of the rough maps before optimisation.
    over_mu: quality at each mu, with sigma = 5.
    over_sigma: quality at each sigma, with mu = 2.5.
    sensitivity: quality at (2.5, 5) with one option changed; the key names the change.
    """

    options: Options
    names: tuple[str, ...]
    baseline: Quality
    over_mu: dict[float, Quality]
    over_sigma: dict[float, Quality]
    sensitivity: dict[str, Quality]

    @property
    def best(self) -> tuple[float, float]:
        """The (mu, sigma) with the highest J&F of all points on both curves."""
        points = {(mu, SIGMA): found for mu, found in self.over_mu.items()}
        points |= {(MU, sigma): found for sigma, found in self.over_sigma.items()}
        return max(points, key=lambda point: points[point].JF)

    def as_dict(self) -> dict[str, Any]:
        """Return all results as a JSON object."""
        return {
            "options": asdict(self.options),
            "pictures": list(self.names),
            "baseline": _numbers(self.baseline),
            "mu": [{"mu": mu, **_numbers(found)} for mu, found in self.over_mu.items()],
            "sigma": [{"sigma": at, **_numbers(found)} for at, found in self.over_sigma.items()],
            "best": dict(zip(("mu", "sigma"), self.best, strict=True)),
            "sensitivity": {name: _numbers(found) for name, found in self.sensitivity.items()},
            "notes": notes(),
        }

    def text(self) -> str:
        """Return the results as text for a terminal."""
        best = f"best: mu = {self.best[0]:g}, sigma = {self.best[1]:g} (by J&F)"
        lines = [f"{len(self.names)} pictures, J / F / J&F in percent", ""]
        lines += [f"{'not optimised':28}{_line(self.baseline)}"]
        lines += [f"{f'mu {mu:g}, sigma {SIGMA:g}':28}{_line(q)}" for mu, q in self.over_mu.items()]
        lines += [f"{f'mu {MU:g}, sigma {s:g}':28}{_line(q)}" for s, q in self.over_sigma.items()]
        lines += ["", best, "", f"at mu = {MU:g}, sigma = {SIGMA:g}, with one option changed:"]
        lines += [f"{name:28}{_line(found)}" for name, found in self.sensitivity.items()]
        return "\n".join([*lines, "", *(f"{name}: {value}" for name, value in notes().items())])


def run(
    out: Path,
    *,
    voc: Path | None,
    options: Options | None = None,
    progress: Tick | None = None,
) -> Ablation:
    """Run the study of Sec. S.1 and write the figure, CSV and JSON files.

    Args:
        out: folder for ``fig7.png``, ``fig7.svg``, ``fig7.csv`` and ``fig7.json``; created if it
            does not exist.
        voc: folder ``VOCdevkit/VOC2012``; None uses drawn pictures.
        options: seed and settings that the paper does not specify.
        progress: called with text, a count and the total for every picture, then for every point.

    Raises:
        NotReadyError: if VOC is missing or incomplete.

    """
    from .figure import draw_figure

    options = options or Options()
    tick = progress or (lambda *_: None)
    pictures = (
        drawn_pictures(options.seed) if voc is None else voc_pictures(voc, options.seed, tick)
    )
    found = study(pictures, options, tick)
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found.as_dict(), indent=1) + "\n"
    (out / "fig7.json").write_text(text, encoding="utf-8")
    write_csv(found, out / "fig7.csv")
    draw_figure(found, out)
    return found


def study(pictures: list[Picture], options: Options, tick: Tick) -> Ablation:
    """Compute both curves, the baseline and the sensitivity at the default point."""
    over_mu = {mu: (mu, SIGMA, options) for mu in MUS}
    over_sigma = {sigma: (MU, sigma, options) for sigma in SIGMAS}
    changed = {name: (MU, SIGMA, other) for name, other in variants(options).items()}
    points = dict.fromkeys((*over_mu.values(), *over_sigma.values(), *changed.values()))
    found: dict[tuple[float, float, Options], Quality] = {}
    for count, (mu, sigma, chosen) in enumerate(points, start=1):
        found[mu, sigma, chosen] = study_point(pictures, mu, sigma, chosen)
        tick(f"mu = {mu:g}, sigma = {sigma:g}", count, len(points))
    return Ablation(
        options=options,
        names=tuple(picture.name for picture in pictures),
        baseline=unoptimised(pictures, options),
        over_mu={mu: found[point] for mu, point in over_mu.items()},
        over_sigma={sigma: found[point] for sigma, point in over_sigma.items()},
        sensitivity={name: found[point] for name, point in changed.items()},
    )


def variants(options: Options) -> dict[str, Options]:
    """Return variants of the options, each with one option changed."""
    activation: Activation = "clamp" if options.activation == "sigmoid" else "sigmoid"
    evaluation: Evaluation = "low" if options.evaluation == "full" else "full"
    return {
        "as given": options,
        f"activation {activation}": replace(options, activation=activation),
        f"rate {options.rate / 2:g}": replace(options, rate=options.rate / 2),
        f"rate {options.rate * 2:g}": replace(options, rate=options.rate * 2),
        f"steps {max(1, options.steps // 2)}": replace(options, steps=max(1, options.steps // 2)),
        f"steps {options.steps * 2}": replace(options, steps=options.steps * 2),
        "every step": replace(options, tolerance=0.0),
        f"evaluation {evaluation}": replace(options, evaluation=evaluation),
    }


def notes() -> dict[str, str]:
    """Describe the default mu and sigma: reach of the Gaussian, colour distances that attract."""
    plane = [100 * (1 - math.exp(-(reach**2) / 2)) for reach in (1, 2)]
    place = np.arange(MAP) - MAP // 2
    square = place[:, None] ** 2 + place[None, :] ** 2
    weight = np.exp(-square / (2 * SIGMA**2)) / (2 * math.pi * SIGMA**2)
    lattice = [100 * float(weight[square <= (reach * SIGMA) ** 2].sum()) for reach in (1, 2)]
    threshold = 1 / (1 + math.exp(MU))
    return {
        "weight within sigma": f"{plane[0]:.1f} % of the plane, {lattice[0]:.1f} % at {MAP}²",
        "weight within 2 sigma": f"{plane[1]:.1f} % of the plane, {lattice[1]:.1f} % at {MAP}²",
        f"attraction at mu = {MU:g}": f"colour distance below {threshold:.4f}",
    }


def write_csv(found: Ablation, file: Path) -> None:
    """Write the baseline and every point of both curves, one per row."""
    rows: list[tuple[str, float | str, float | str, Quality]] = [
        ("baseline", "", "", found.baseline)
    ]
    rows += [("mu", mu, SIGMA, quality) for mu, quality in found.over_mu.items()]
    rows += [("sigma", MU, sigma, quality) for sigma, quality in found.over_sigma.items()]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["curve", "mu", "sigma", "J", "F", "JF"])
        for curve, mu, sigma, quality in rows:
            writer.writerow([curve, mu, sigma, *(f"{x:.4f}" for x in _numbers(quality).values())])


def _numbers(quality: Quality) -> dict[str, float]:
    return {"J": quality.J, "F": quality.F, "JF": quality.JF}


def _line(quality: Quality) -> str:
    return "  ".join(f"{value:6.2f}" for value in _numbers(quality).values())

"""Images with their ground truth, CAMs, pseudo-labels and predictions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Final

from harness.evidence.evidence import Evidence
from harness.report import pixels
from harness.report.beside import Beside
from harness.report.blocks import Block, Gallery, Section, Text, Tile, Tone
from harness.report.classes import class_name, colour
from harness.report.pixels import UnreadablePicture
from harness.report.rows import Row, rows_of
from harness.report.samples import Samples, samples_of

WORST: Final = 6  # images with the lowest J
OTHERS: Final = 4  # images evenly spaced over the rest
TRAIN: Final = 6  # training images
_FINAL, _CAM, _PSEUDO = "final", "cam", "pseudo"


def gallery(evidence: Evidence, beside: Beside) -> Section | None:
    """For each row its predictions, worst first, and its CAMs beside its pseudo-labels."""
    blocks: list[Block] = []
    for row in rows_of(evidence.runs):
        shelf = _Shelf(row, evidence.root, beside.data)
        blocks += [one for one in (_predictions(shelf), _training(shelf)) if one is not None]
    if not blocks:
        return None
    text = (
        "From the samples that scoring keeps: the same images for all methods, losses and seeds. "
        "The number under a picture is J of that image alone: the mean IoU of the classes in it or "
        "in its ground truth, in percent."
    )
    return Section(id="images", title="Images", blocks=[Text(text=text, tone=Tone.PLAIN), *blocks])


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The samples of a row: of each of the losses those of its first seed."""

    row: Row
    root: Path
    data: Mapping[str, Path]

    def samples(self, label: str) -> dict[str, Samples]:
        """By losses."""
        found = {
            group.losses.value: samples_of(group.runs[0], label, self.root, self.data)
            for group in self.row.groups
        }
        return {losses: one for losses, one in found.items() if one is not None}

    @property
    def seeds(self) -> str:
        """The seeds whose pictures are shown."""
        seeds = dict.fromkeys(group.runs[0].seed for group in self.row.groups)
        return f"seed {', '.join(map(str, seeds))}"

    @property
    def classes(self) -> int:
        """How many classes were scored, the background included."""
        counts = [len(one.per_class) for run in self.row.runs for one in run.scores.values()]
        return max(counts, default=0)


def _predictions(shelf: _Shelf) -> Gallery | None:
    samples = shelf.samples(_FINAL)
    if not samples:
        return None
    first = next(iter(samples.values()))
    scores = _scores(samples)
    ids = _chosen(scores) if scores else _spaced(first.ids(), WORST + OTHERS)
    used: set[int] = set()
    rows = []
    for name in ids:
        tiles = [
            *_data_tiles(first, name, used),
            *(
                _labels_tile(partial(one.labels, name), used, _score(scores, name, losses))
                for losses, one in samples.items()
            ),
        ]
        rows.append((name, tuple(tiles)))
    worst = (
        f"the {min(WORST, len(ids))} worst by mean J first, then others" if scores else "samples"
    )
    return Gallery(
        caption=f"{shelf.row.title}: predictions on val, {shelf.seeds}; {worst}",
        columns=("input", "ground truth", *samples),
        rows=tuple(rows),
        legend=_legend(used, shelf.classes),
    )


def _training(shelf: _Shelf) -> Gallery | None:
    cams, pseudo = shelf.samples(_CAM), shelf.samples(_PSEUDO)
    every = [*cams.values(), *pseudo.values()]
    if not every:
        return None
    kept = {losses: one.cams() for losses, one in cams.items()}
    known = [*(set(maps) for maps in kept.values()), *(set(one.ids()) for one in pseudo.values())]
    used: set[int] = set()
    rows = []
    for name in _spaced(sorted(set.intersection(*known)), TRAIN):
        file = every[0].image(name)
        tiles = [
            *_data_tiles(every[0], name, used),
            *(_cam_tile(maps[name], file) for maps in kept.values()),
            *(_labels_tile(partial(one.labels, name), used) for one in pseudo.values()),
        ]
        rows.append((name, tuple(tiles)))
    columns = (*(f"CAM {losses}" for losses in cams), *(f"pseudo-label {one}" for one in pseudo))
    return Gallery(
        caption=f"{shelf.row.title}: CAMs and pseudo-labels on train, {shelf.seeds}",
        columns=("input", "ground truth", *columns),
        rows=tuple(rows),
        legend=_legend(used, shelf.classes),
    )


def _scores(samples: Mapping[str, Samples]) -> dict[str, dict[str, float]]:
    """J by image and losses; empty if the ground truth is not at hand."""
    first = next(iter(samples.values()))
    found: dict[str, dict[str, float]] = {}
    for name in first.ids():
        try:
            truth = first.ground_truth(name)
            for losses, one in samples.items():
                score = pixels.region_score(one.labels(name), truth)
                found.setdefault(name, {})[losses] = score
        except UnreadablePicture:
            continue  # its tile says so, if it is shown
    return found


def _chosen(scores: Mapping[str, Mapping[str, float]]) -> list[str]:
    ranked = sorted(scores, key=lambda name: (fmean(scores[name].values()), name))
    return [*ranked[:WORST], *_spaced(sorted(ranked[WORST:]), OTHERS)]


def _spaced(ids: Sequence[str], count: int) -> list[str]:
    count = min(count, len(ids))
    return [ids[at * len(ids) // count] for at in range(count)]


def _score(scores: Mapping[str, Mapping[str, float]], name: str, losses: str) -> str:
    score = scores.get(name, {}).get(losses)
    return "" if score is None else f"J {score:.0f}"


def _data_tiles(samples: Samples, name: str, used: set[int]) -> Iterator[Tile]:
    file = samples.image(name)
    if file is None:
        yield Tile(src=None, alt="the image is not at hand")
    else:
        yield _tile(lambda: pixels.photo_uri(pixels.photo(file)), "")
    yield _labels_tile(lambda: samples.ground_truth(name), used)


def _labels_tile(read: "Callable[[], pixels.Labels]", used: set[int], note: str = "") -> Tile:
    def draw() -> str:
        labels = read()
        used.update(pixels.values(labels))
        return pixels.labels_uri(labels)

    return _tile(draw, note)


def _cam_tile(maps: Mapping[int, Path], file: Path | None) -> Tile:
    def draw() -> str:
        image = pixels.photo(file) if file else None
        return pixels.cam_uri(
            {number: pixels.labels_of(one) for number, one in maps.items()}, image
        )

    return _tile(draw, "")


def _tile(draw: Callable[[], str], note: str) -> Tile:
    try:
        return Tile(src=draw(), alt="", note=note)
    except UnreadablePicture as error:
        return Tile(src=None, alt=str(error), note=note)


def _legend(used: set[int], classes: int) -> tuple[tuple[str, str], ...]:
    return tuple((class_name(number, classes), colour(number)) for number in sorted(used))

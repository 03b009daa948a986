"""The sample pictures that scoring steps keep, and the data that they were scored against."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from harness.contracts.content import describe
from harness.evidence.evidence import RunEvidence, StepEvidence
from harness.layout import RunLayout
from harness.report.pixels import UnreadablePicture, labels_of

if TYPE_CHECKING:
    from harness.report.pixels import Labels

_PLACE = re.compile(r"\{in\.(?P<name>[\w-]+)\}/?(?P<rest>.*)")
_CAM = re.compile(r"(?P<id>.+)-(?P<number>\d+)")


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one score of one run, and where images and ground truth are, if at hand."""

    folder: Path
    images: Path | None
    truth: Path | None

    def ids(self) -> tuple[str, ...]:
        """The images of which label samples were kept, in their order."""
        return tuple(sorted(file.stem for file in self.folder.glob("*.png")))

    def labels(self, name: str) -> "Labels":
        """The predicted labels of an image. Raises UnreadablePicture."""
        return labels_of(self.folder / f"{name}.png")

    def cams(self) -> Mapping[str, dict[int, Path]]:
        """The CAMs that were kept: by image and class (1 is the first after the background)."""
        found: dict[str, dict[int, Path]] = {}
        for file in sorted(self.folder.glob("*.png")):
            if match := _CAM.fullmatch(file.stem):
                found.setdefault(match["id"], {})[int(match["number"])] = file
        return found

    def ground_truth(self, name: str) -> "Labels":
        """The ground truth of an image. Raises UnreadablePicture."""
        if self.truth is None:
            raise UnreadablePicture("the data set is not at hand")
        return labels_of(self.truth / f"{name}.png")

    def image(self, name: str) -> Path | None:
        """The image itself, if it is at hand."""
        file = self.images / f"{name}.jpg" if self.images else None
        return file if file is not None and file.is_file() else None


def samples_of(
    run: RunEvidence, label: str, root: Path, data: Mapping[str, Path]
) -> Samples | None:
    """The samples of a score of a run; None if none were kept or they were changed since.

    `root` holds the steps' outputs; `data` says where assets are, by digest.
    """
    scores = run.scores.get(label)
    step = run.steps[scores.step] if scores else None
    if step is None or step.record is None or step.out is None:
        return None
    folder = _kept(step, step.record)
    if folder is None:
        return None
    truth = _given(step.record["identity"]["key_inputs"], "--gt", root, data)
    images = truth.with_name("JPEGImages") if truth else None
    return Samples(folder, images, truth)


def _kept(step: StepEvidence, record: Mapping[str, Any]) -> Path | None:
    recorded = record["outputs"].get("samples")
    if recorded is None:
        return None
    place = record["identity"]["key_inputs"]["outputs"]["samples"]["path"]
    folder = Path(str(step.out), place)
    if not folder.is_dir() or folder.is_symlink():
        return None
    return folder if describe(folder)["sha256"] == recorded["sha256"] else None


def _given(
    inputs: Mapping[str, Any], option: str, root: Path, data: Mapping[str, Path]
) -> Path | None:
    """The folder that an option of the command names as {in.NAME}/REST, if it is there."""
    argv = inputs.get("argv", ())
    if option not in argv:
        return None
    match = _PLACE.fullmatch(str(argv[argv.index(option) + 1]))
    source = inputs["inputs"].get(match["name"]) if match else None
    if match is None or source is None:
        return None
    if "step" in source:
        base: Path | None = RunLayout(root).entry(source["step"]).out
    else:
        base = data.get(source.get("asset", ""))
    if base is None:
        return None
    folder = base / PurePosixPath(source["path"]) / match["rest"]
    return folder if folder.is_dir() else None

"""Pack test predictions as the PASCAL VOC evaluation server takes them.

VOC 2012 development kit, section 3.6 and its submission guidelines: a tar file with
`results/VOC2012/Segmentation/comp6_test_cls/<id>.png`, an indexed PNG with VOC's palette per test
image. `comp6` is the competition in which any training data are allowed: the backbones were
pre-trained on ImageNet.
"""

import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.contracts.content import file_hash
from harness.contracts.png_labels import check_png_labels
from harness.errors import MismatchError
from harness.files import sync
from harness.manifest.contract import PngLabels
from harness.readers.id_lists import ListError, read_ids
from harness.readers.label_png import read_labels
from harness.readers.palettes import VOC

#: Images of VOC 2012's test list for segmentation.
TEST_IMAGES = 1456
FOLDER = "results/VOC2012/Segmentation/comp6_test_cls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Label maps of the test images, `labels/<id>.png`, and what they have to fit.

    `ids` is the file with the test list, `images` the folder with `<id>.jpg`.
    """

    labels: Path
    ids: Path
    images: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package as it was written."""

    file: Path
    images: int
    sha256: str


def pack(predictions: Predictions, target: Path, *, images: int = TEST_IMAGES) -> Package:
    """Write a tar.gz of the predictions, whole or not at all; equal predictions give equal bytes.

    Raises:
        MismatchError: the list does not have `images` ids.
        ContractError: a prediction is missing, unexpected, no label PNG, of another size than its
            image, or has a value that is none of 0..20.

    """
    ids = _check(predictions, images)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(file, _members(predictions, ids))
            file.flush()
            os.fsync(file.fileno())
        digest = file_hash(fresh)
        fresh.chmod(0o644)
        os.replace(fresh, target)
        sync(target.parent)
    finally:
        fresh.unlink(missing_ok=True)
    return Package(file=target, images=len(ids), sha256=digest)


def _check(predictions: Predictions, images: int) -> tuple[str, ...]:
    contract = PngLabels(kind="png-labels", ids="ids", modes=("L", "P"), size_of="images")
    places = {"ids": predictions.ids, "images": predictions.images}
    try:
        ids = tuple(sorted(read_ids(predictions.ids)))
    except ListError as error:
        raise MismatchError(
            str(error), hint="run `harness verify --store` to look for damage"
        ) from error
    if len(ids) != images:
        raise MismatchError(
            f"the test list {predictions.ids}: expected {images} ids, found {len(ids)}",
            hint="the server scores all test images of VOC 2012, or none",
        )
    check_png_labels(contract, predictions.labels, places.__getitem__)
    return ids


def _members(predictions: Predictions, ids: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for name in ids:
        content = (predictions.labels / f"{name}.png").read_bytes()
        yield f"{FOLDER}/{name}.png", coloured(content)


def coloured(content: bytes) -> bytes:
    """A label PNG as an 8-bit PNG with VOC's palette; the values stay."""
    from PIL import Image

    _, labels = read_labels(content)
    image = Image.fromarray(labels).convert("L")
    image.putpalette([part for colour in VOC for part in colour])
    written = io.BytesIO()
    image.save(written, format="PNG", bits=8)
    return written.getvalue()


def _write(file: io.BufferedWriter, members: Iterator[tuple[str, bytes]]) -> None:
    # No name, no time, no owner: only the predictions decide the bytes.
    with (
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))

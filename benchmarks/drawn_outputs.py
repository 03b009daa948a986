"""What steps write at the paper's volume, drawn: 64 pictures stand for all of VOC's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from harness.manifest.contract import (
    Folder,
    JsonObject,
    Listing,
    NpyArrays,
    NpyMaps,
    NpyRatios,
    NpyStacks,
    PlainFile,
    PngLabels,
    StateDict,
    Voc,
)
from harness.plan.keys import digest

DRAWN = 64  # different pictures; picture i is like picture i % 64
SIZES = (  # height, width; eight of VOC's, so that picture i has the size of picture i % 64
    *((375, 500), (500, 375), (333, 500), (500, 334)),
    *((375, 500), (281, 500), (366, 500), (332, 500)),
)
_LISTS = "ImageSets/Segmentation"
_IN_FOLDER = 20  # files for a glob of a folder


@dataclass(frozen=True, slots=True)
class Output:
    """An output to draw: where, by which contract, for which ids, how large where that is free."""

    path: Path
    contract: Any
    ids: tuple[str, ...] = ()
    gb: float = 0.0


def size_of(name: str) -> tuple[int, int]:
    """Height and width of a picture."""
    return SIZES[_number(name) % len(SIZES)]


@cache
def classes_of(number: int) -> tuple[int, ...]:
    """One to three classes of the picture of this number."""
    drawn = np.random.default_rng(number).choice(20, 1 + number % 3, replace=False)
    return tuple(sorted(map(int, drawn)))


def draw(output: Output, prototypes: Path) -> None:
    """Write an output; arrays and weights are links to files in `prototypes`."""
    output.path.parent.mkdir(parents=True, exist_ok=True)
    _DRAW[type(output.contract)](output, prototypes / _name(output.contract))


def draw_voc(folder: Path, ids: Mapping[str, Sequence[str]], others: int = 0) -> None:
    """A data set in VOC's layout with these lists, `others` more pictures, and annotations."""
    names = sorted({name for listed in ids.values() for name in listed})
    names += [f"2010_{number:06d}" for number in range(others)]
    for inner in ("JPEGImages", "Annotations", "SegmentationClass", "SegmentationObject", _LISTS):
        (folder / inner).mkdir(parents=True)
    pictures, masks, texts = _pictures(), _label_pngs("P", 20), [b"<annotation/>"] * DRAWN
    for kind, inner, suffix, some in (
        (pictures, "JPEGImages", "jpg", names),
        (texts, "Annotations", "xml", names),
        (masks, "SegmentationClass", "png", ids["val"]),
        (masks, "SegmentationObject", "png", ids["val"]),
    ):
        for name in some:
            (folder / inner / f"{name}.{suffix}").write_bytes(kind[_number(name) % DRAWN])
    for list_, listed in ids.items():
        (folder / _LISTS / f"{list_}.txt").write_text("".join(f"{name}\n" for name in listed))


def draw_labels(file: Path, ids: Sequence[str]) -> None:
    """A `cls_labels.npy`: id -> 20 numbers."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = {name: np.zeros(20, np.float32) for name in ids}
    for name, row in rows.items():
        row[list(_classes(name))] = 1
    np.save(file, rows)  # type: ignore[arg-type]


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])


def _classes(name: str) -> tuple[int, ...]:
    return classes_of(_number(name) % DRAWN)


def _name(contract: Any) -> str:
    return f"{contract.kind}-{digest(contract)[:8]}"


def _maps(output: Output, prototypes: Path) -> None:
    contract: NpyMaps = output.contract

    def one(name: str) -> dict[int, Any]:
        keys = _keys(contract, name)
        return {key: _noise(size_of(name)).astype(contract.dtype) for key in keys}

    _linked(output, prototypes, one)


def _stacks(output: Output, prototypes: Path) -> None:
    contract: NpyStacks = output.contract

    def one(name: str) -> dict[str, Any]:
        keys = _keys(contract, name)
        return {"keys": np.asarray(keys)} | {
            part: _noise((len(keys), *_by(size_of(name), stride)))
            for part, stride in contract.strides.items()
        }

    _linked(output, prototypes, one)


def _arrays(output: Output, prototypes: Path) -> None:
    contract: NpyArrays = output.contract
    _linked(
        output,
        prototypes,
        lambda name: _noise((contract.channels, *_by(size_of(name), contract.stride))),
    )


def _linked(output: Output, prototypes: Path, one: Any) -> None:
    """Save `one(id)` for each of the first ids and link all others to them."""
    prototypes.mkdir(parents=True, exist_ok=True)
    output.path.mkdir(exist_ok=True)
    for name in output.ids:
        file = prototypes / f"{_number(name) % DRAWN}.npy"
        if not file.exists():
            np.save(file, one(name), allow_pickle=True)
        os.link(file, output.path / f"{name}.npy")


def _keys(contract: NpyMaps | NpyStacks, name: str) -> list[int]:
    background = [0] if contract.background else []
    return background + [contract.first_key + one for one in _classes(name)]


def _by(size: tuple[int, int], stride: int) -> tuple[int, int]:
    return (size[0] - 1) // stride + 1, (size[1] - 1) // stride + 1


def _noise(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def _labels(output: Output, _: Path) -> None:
    """Label PNGs, each a file of its own: so flushing them costs what it costs."""
    contract: PngLabels = output.contract
    pngs = _label_pngs(contract.modes[0], contract.max_label)
    output.path.mkdir(exist_ok=True)
    for name in output.ids:
        (output.path / f"{name}.png").write_bytes(pngs[_number(name) % DRAWN])


@cache
def _label_pngs(mode: str, highest: int) -> list[bytes]:
    return [_label_png(number, mode, highest) for number in range(DRAWN)]


def _label_png(number: int, mode: str, highest: int) -> bytes:
    height, width = SIZES[number % len(SIZES)]
    rows, columns = np.indices((height, width))
    labels = np.zeros((height, width), np.uint8)
    for place, one in enumerate(classes_of(number), 1):
        inside = np.hypot(rows - height * place / 4, columns - width * place / 4) < 80
        labels[inside] = min(one + 1, highest)
    image, file = Image.fromarray(labels), BytesIO()
    if mode == "P":
        image.putpalette([value for value in range(256) for _ in range(3)])
    image.save(file, "PNG")
    return file.getvalue()


@cache
def _pictures() -> list[bytes]:
    found = []
    for number in range(DRAWN):
        file = BytesIO()
        Image.new("RGB", SIZES[number % len(SIZES)][::-1]).save(file, "JPEG")
        found.append(file.getvalue())
    return found


def _ratios(output: Output, _: Path) -> None:
    contract: NpyRatios = output.contract
    zero, share = np.float64(0), np.float64(0.25)
    rows = {
        name: [share if one in _classes(name) else zero for one in range(contract.classes)]
        for name in output.ids
    }
    with output.path.open("wb") as file:  # np.save would add a suffix
        np.save(file, rows)  # type: ignore[arg-type]


def _weights(output: Output, prototypes: Path) -> None:
    """A checkpoint of as many tensors and values as its contract asks for."""
    import torch

    contract: StateDict = output.contract
    if not prototypes.exists():
        state: dict[str, Any] = {
            name: torch.zeros(shape) for name, shape in contract.shapes.items()
        }
        for name, count in _rest(contract):
            state[name] = torch.zeros(count)
        for key in reversed(contract.at):
            state = {key: state}
        prototypes.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, prototypes)
    os.link(prototypes, output.path)


def _rest(contract: StateDict) -> Iterator[tuple[str, int]]:
    """Names and sizes of the tensors that no shape is declared of."""
    values = contract.values or 10_000_000
    left = values - sum(int(np.prod(shape)) for shape in contract.shapes.values())
    more = (contract.entries or len(contract.shapes) + 1) - len(contract.shapes)
    for number in range(more):
        size = left // more + (left % more if number == 0 else 0)
        yield f"rest.{number}", size


def _object(output: Output, _: Path) -> None:
    contract: JsonObject = output.contract
    output.path.write_text(json.dumps({key: {} for key in contract.keys}))


def _list(output: Output, _: Path) -> None:
    output.path.write_text("".join(f"{name}\n" for name in output.ids))


def _folder(output: Output, _: Path) -> None:
    """Files for every glob, as large together as the output is declared; full of zeros."""
    contract: Folder = output.contract
    output.path.mkdir(exist_ok=True)
    wanted = {glob: max(contract.min_count, _IN_FOLDER) for glob in contract.globs or ("*.bin",)}
    names = [
        glob.replace("*", str(number))
        for glob, count in (wanted | dict(contract.counts)).items()
        for number in range(count if "*" in glob else 1)
    ]
    for name in names:
        with (output.path / name).open("wb") as file:
            file.truncate(max(10_000, int(output.gb * 1e9 / len(names))))


def _voc(output: Output, _: Path) -> None:
    contract: Voc = output.contract
    draw_voc(output.path, dict.fromkeys((*contract.lists, "val"), output.ids))


def _file(output: Output, _: Path) -> None:
    output.path.write_bytes(bytes(max(output.contract.min_bytes, int(output.gb * 1e9))))


_DRAW = {
    PngLabels: _labels,
    NpyMaps: _maps,
    NpyStacks: _stacks,
    NpyArrays: _arrays,
    NpyRatios: _ratios,
    StateDict: _weights,
    JsonObject: _object,
    Listing: _list,
    Folder: _folder,
    Voc: _voc,
    PlainFile: _file,
}

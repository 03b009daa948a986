"""Label PNGs of every kind are read as Pillow reads them, or refused."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.metrics.errors import ScoreError
from harness.metrics.input_files import read_labels
from harness.metrics.label_png import decode

from .test_score import KINDS, draw_labels


def png(header: bytes, *pixels: bytes, end: bytes = b"") -> bytes:
    """Return a PNG of the header's fields with the data chunks given."""
    chunks = [(b"IHDR", header), *((b"IDAT", body) for body in pixels), (b"IEND", end)]
    packed = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("palette", [False, True])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"transparency": 3}, {"bits": 8}])
def test_labels_are_read_as_pillow_reads_them(
    tmp_path: Path, seed: int, options: dict[str, Any], *, palette: bool
) -> None:
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(1, 60)), int(rng.integers(1, 60)))
    image = Image.fromarray(draw_labels(rng, size, KINDS[seed]))
    if palette:
        image.putpalette([int(value) for value in rng.integers(0, 256, 768)])
    image.save(tmp_path / "a.png", **options)
    with Image.open(tmp_path / "a.png") as written:
        expected = np.array(written)
    assert decode((tmp_path / "a.png").read_bytes()) is not None
    assert read_labels(tmp_path / "a.png", 21).tolist() == expected.tolist()


def test_labels_of_few_bits_and_several_chunks_are_read(tmp_path: Path) -> None:
    labels = draw_labels(np.random.default_rng(1), (9, 11), "blocks")
    rows = b"".join(b"\0" + row.tobytes() for row in labels)
    packed = zlib.compress(rows)
    header = struct.pack(">IIBBBBB", 11, 9, 8, 0, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(png(header, packed[:5], packed[5:]))
    assert read_labels(tmp_path / "a.png", 21).tolist() == labels.tolist()
    few = Image.fromarray(labels % 4)
    few.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    few.save(tmp_path / "few.png", bits=2)
    assert decode((tmp_path / "few.png").read_bytes()) is None
    assert read_labels(tmp_path / "few.png", 21).tolist() == (labels % 4).tolist()


@pytest.mark.parametrize("mode", ["1", "RGB", "RGBA", "LA", "I;16"])
def test_other_modes_are_refused(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        Image.fromarray(np.zeros((9, 9), dtype=np.uint16)).save(tmp_path / "a.png")
    else:
        Image.new(mode, (9, 9)).save(tmp_path / "a.png")
    with pytest.raises(ScoreError, match="expected a PNG of mode L or P"):
        read_labels(tmp_path / "a.png", 21)


@pytest.mark.parametrize(
    "pixels",
    [b"", b"no stream", zlib.compress(bytes(110))[:-6], zlib.compress(b"\x09" * 110)],
)
def test_damaged_pixels_are_refused(tmp_path: Path, pixels: bytes) -> None:
    header = struct.pack(">IIBBBBB", 10, 10, 8, 0, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(png(header, pixels))
    with pytest.raises(ScoreError, match=re.escape("a.png cannot be read")):
        read_labels(tmp_path / "a.png", 21)

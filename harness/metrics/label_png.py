"""Decode common label PNGs with OpenCV, in half of Pillow's time."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">IIBBBBB")  # width, height, bits, colour, compression, filter, interlace
GREY = [8, 0, 0, 0, 0]  # the header fields from bits on
USUAL = (GREY, [8, 3, 0, 0, 0])  # the second one has a palette
MOST_PIXELS = 1 << 26  # Pillow reads larger files; it warns of decompression bombs
Labels = NDArray[np.uint8]


def decode(content: bytes) -> Labels | None:
    """Return the values H x W of an 8-bit grey or palette PNG; None for any other file.

    OpenCV converts a palette to colours. It is therefore given the pixel data with the header of a
    grey image. Interlaced, animated and damaged files give None; the caller must read them with
    another decoder, or reject them with a reason.
    """
    chunks = list(_chunks(content))
    kinds = [kind for kind, _ in chunks]
    if kinds[:1] != [b"IHDR"] or kinds[-1] != b"IEND" or b"acTL" in kinds:
        return None
    if len(chunks[0][1]) != HEADER.size:
        return None
    width, height, *kind = HEADER.unpack(chunks[0][1])
    if kind not in USUAL or not 0 < width * height <= MOST_PIXELS:
        return None
    pixels = b"".join(body for kind, body in chunks if kind == b"IDAT")
    header = HEADER.pack(width, height, *GREY)
    grey = SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    try:
        labels = cv2.imdecode(np.frombuffer(grey, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if labels is None or labels.shape != (height, width) or labels.dtype != np.uint8:
        return None
    return labels.astype(np.uint8, copy=False)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and body of each chunk of a PNG, up to IEND or the first damaged chunk."""
    place = len(SIGNATURE)
    kind = b""
    while content.startswith(SIGNATURE) and len(content) >= place + 12 and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, place)
        body = content[place + 8 : place + 8 + length]
        check = content[place + 8 + length : place + 12 + length]
        if len(body) < length or check != _checksum(kind, body):
            return
        yield kind, body
        place += 12 + length


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + _checksum(kind, body)


def _checksum(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))

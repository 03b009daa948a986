"""Take a PNG apart and refuse one that is not whole: every chunk there, undamaged, up to the end.

Decoders are more tolerant: they stop once they have all pixels, and some skip checksums.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # colour types
KINDS = {GREY: "grey", RGB: "RGB", PALETTE: "palette", GREY_ALPHA: "grey with alpha", RGBA: "RGBA"}
_HEADER = struct.Struct(">IIBBBBB")
_FRAME = 12  # length, kind and checksum of a chunk
_SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
_LAST_PASS = (0, 1, 1, 2)


class PngError(ValueError):
    """Bytes that are not one whole PNG. The text says what was found."""


class Header(NamedTuple):
    """The first chunk: size in pixels, bits per sample, colour type and how pixels are stored."""

    width: int
    height: int
    bits: int
    colour: int
    compression: int
    filter: int
    interlace: int


class Png(NamedTuple):
    """A whole PNG: its header and its chunks in order, as (kind, body)."""

    header: Header
    chunks: tuple[tuple[bytes, bytes], ...]

    def bodies(self, kind: bytes) -> list[bytes]:
        """Return the bodies of all chunks of one kind."""
        return [body for found, body in self.chunks if found == kind]


def take_apart(content: bytes) -> Png:
    """Return the chunks of a PNG.

    Raises PngError if the bytes are no PNG, are cut off or damaged, go on behind the end, or hold
    more or fewer pixels than the header says.
    """
    if not content.startswith(SIGNATURE):
        raise PngError("no PNG")
    chunks: list[tuple[bytes, bytes]] = []
    place = len(SIGNATURE)
    while not chunks or chunks[-1][0] != b"IEND":
        kind, body = _chunk(content, place)
        chunks.append((kind, body))
        place += _FRAME + len(body)
    if place < len(content):
        raise PngError(f"a PNG with {len(content) - place} bytes behind its end")
    first, body = chunks[0]
    if first != b"IHDR" or len(body) != _HEADER.size:
        raise PngError("a PNG without a header")
    png = Png(Header(*_HEADER.unpack(body)), tuple(chunks))
    _check_pixels(png)
    return png


def pack(header: Header, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of these chunks; header and end are added."""
    whole = ((b"IHDR", _HEADER.pack(*header)), *chunks, (b"IEND", b""))
    return SIGNATURE + b"".join(
        struct.pack(">I4s", len(body), kind) + body + _checksum(kind, body) for kind, body in whole
    )


def _chunk(content: bytes, place: int) -> tuple[bytes, bytes]:
    if len(content) < place + _FRAME:
        raise PngError("a PNG that is cut off: it has no end")
    length, kind = struct.unpack_from(">I4s", content, place)
    end = place + _FRAME + length
    if len(content) < end:
        raise PngError(f"a PNG that is cut off in {ascii(kind)[1:]}")
    body = content[place + 8 : end - 4]
    if content[end - 4 : end] != _checksum(kind, body):
        raise PngError(f"a damaged PNG: {ascii(kind)[1:]} does not match its checksum")
    return kind, body


def _checksum(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _check_pixels(png: Png) -> None:
    """Refuse pixel data that are not as long as the header says, or do not match their checksum."""
    header = png.header
    if header.colour not in _SAMPLES or header.compression or header.filter:
        raise PngError(f"a PNG of the unknown kind {tuple(header[2:])}")
    if not header.width or not header.height:
        raise PngError("a PNG without pixels")
    expected, packed = _raw_bytes(header), zlib.decompressobj()
    try:
        raw = packed.decompress(b"".join(png.bodies(b"IDAT")), expected + 1)
    except zlib.error as error:
        raise PngError(f"a damaged PNG: {error}") from error
    if len(raw) != expected or not packed.eof:
        raise PngError("a damaged PNG: more or fewer pixels than its header says")


def _raw_bytes(header: Header) -> int:
    """Return the length of all rows, each with the byte that names its filter."""
    bits = header.bits * _SAMPLES[header.colour]
    total = 0
    for left, top, across, down in (*_PASSES, _LAST_PASS) if header.interlace else ((0, 0, 1, 1),):
        width = (header.width - left + across - 1) // across
        height = (header.height - top + down - 1) // down
        if width > 0 and height > 0:
            total += height * (1 + (width * bits + 7) // 8)
    return total

"""Label PNGs of every kind are read as Pillow reads them, or refused."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from harness.readers import png
from harness.readers.label_png import LabelError, read_labels
from harness.readers.palettes import VOC
from tests.fuzz import rounds

Labels = NDArray[np.uint8]
FLAT = [channel for colour in VOC for channel in colour]
GREYS = [value for value in range(256) for _ in range(3)]


def drawn(seed: int, values: tuple[int, ...] = (0, 1, 5, 20, 255)) -> Labels:
    rng = np.random.default_rng(seed)
    size = tuple(rng.integers(1, 40, 2))
    return rng.choice(np.array(values, np.uint8), size)


def saved(labels: Labels, palette: list[int] | None = None, **options: Any) -> bytes:
    image = Image.fromarray(labels)
    if palette is not None:
        image.putpalette(palette)
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def raw(
    bits: int, colour: int, rows: bytes, *more: tuple[bytes, bytes], interlace: int = 0
) -> bytes:
    """A PNG of 10 x 10 pixels with these raw rows."""
    header = png.Header(10, 10, bits, colour, 0, 0, interlace)
    return png.pack(header, *more, (b"IDAT", zlib.compress(rows)))


def interlaced(labels: Labels) -> bytes:
    """The labels as Adam7 stores them, without filters."""
    passes = [
        labels[top::down, left::across]
        for left, top, across, down in (*png._PASSES, png._LAST_PASS)
    ]
    rows = b"".join(b"\0" + row.tobytes() for part in passes if part.size for row in part)
    header = png.Header(labels.shape[1], labels.shape[0], 8, 0, 0, 0, 1)
    return png.pack(header, (b"IDAT", zlib.compress(rows)))


def pillow(content: bytes) -> Labels:
    with Image.open(io.BytesIO(content)) as image:
        return np.array(image)


FORMS: dict[str, dict[str, Any]] = {
    "grey": {},
    "voc": {"palette": FLAT},
    "voc of 21": {"palette": FLAT[:63]},
    "greys": {"palette": GREYS},
    "small": {"optimize": True},
    "clear": {"transparency": 3},
    "upright": {"exif": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0"},
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_labels_are_read_as_pillow_reads_them(form: dict[str, Any], seed: int) -> None:
    labels = drawn(seed)
    content = saved(labels, **form)
    mode, found = read_labels(content)
    assert mode == ("P" if "palette" in form else "L")
    assert found.tolist() == labels.tolist() == pillow(content).tolist()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_palettes_of_few_bits_are_read(bits: int) -> None:
    labels = drawn(bits, tuple(range(2**bits)))
    content = saved(labels, FLAT[: 3 * 2**bits], bits=bits)
    assert png.take_apart(content).header.bits == bits
    assert read_labels(content)[1].tolist() == labels.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_interlaced_labels_are_read(seed: int) -> None:
    labels = drawn(seed)
    assert read_labels(interlaced(labels))[1].tolist() == labels.tolist()


def test_pixels_in_several_chunks_are_read() -> None:
    packed = zlib.compress(b"".join(b"\0" + bytes([row] * 10) for row in range(10)))
    header = png.Header(10, 10, 8, 0, 0, 0, 0)
    parts = [(b"IDAT", packed[:5]), (b"IDAT", b""), (b"IDAT", packed[5:])]
    assert read_labels(png.pack(header, *parts))[1][:, 0].tolist() == list(range(10))


# --- palettes -------------------------------------------------------------------------------------


def renumbered(values: dict[int, int]) -> tuple[Labels, list[int]]:
    """Labels 0 .. n-1 under a palette that gives each another label's colour."""
    palette = list(FLAT)
    for value, label in values.items():
        palette[3 * value : 3 * value + 3] = VOC[label]
    return np.array([list(values)] * 3, np.uint8), palette


@pytest.mark.parametrize("values", [{0: 1, 1: 0}, {0: 0, 1: 15, 2: 255}, {5: 6}, {3: 3, 255: 0}])
def test_voc_colours_in_another_order_are_refused(values: dict[int, int]) -> None:
    wrong = next(value for value, label in values.items() if value != label)
    with pytest.raises(LabelError) as raised:
        read_labels(saved(*renumbered(values)))
    told = f"value {wrong} has the colour {VOC[values[wrong]]} where VOC's is {VOC[wrong]}"
    assert told in str(raised.value)
    assert f"{wrong} to {values[wrong]}" in str(raised.value)


@pytest.mark.parametrize("method", [Image.Quantize.MEDIANCUT, Image.Quantize.FASTOCTREE])
@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_labels_that_an_editor_quantised_are_refused(mode: str, method: Image.Quantize) -> None:
    image = Image.fromarray(np.array([[0, 3, 9], [3, 9, 9], [9, 9, 9]], np.uint8))
    if mode != "L":
        image.putpalette(FLAT)
    stream = io.BytesIO()
    image.convert("L" if mode == "L" else "RGB").quantize(8, method).save(stream, "PNG")
    with pytest.raises(LabelError, match="a palette that contradicts the values"):
        read_labels(stream.getvalue())


@pytest.mark.parametrize(
    ("palette", "words"),
    [
        ([0, 0, 0, 255, 0, 0], "value 1 has the colour (255, 0, 0) where VOC's is (128, 0, 0)"),
        ([255 - value for value in FLAT], "value 0 has the colour (255, 255, 255)"),
        ([0, 0, 0, 12, 12, 12], "change the values 0 to 0, 1 to 12"),
        ([0, 0, 0, 127, 0, 0], "save the image without palette (mode L)"),
        ([0, 0, 0], "value 1 has no colour in its palette of 1"),
    ],
)
def test_other_palettes_are_refused(palette: list[int], words: str) -> None:
    with pytest.raises(LabelError) as raised:
        read_labels(saved(np.array([[0, 1]], np.uint8), palette))
    assert words in str(raised.value)


def test_colours_of_values_that_do_not_occur_count_for_nothing() -> None:
    assert read_labels(saved(np.array([[0, 1]], np.uint8), FLAT[:6] + [9] * 60))[0] == "P"


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("1", "1-bit grey"),
        ("RGB", "8-bit RGB"),
        ("RGBA", "8-bit RGBA"),
        ("LA", "8-bit grey with alpha"),
        ("I;16", "16-bit grey"),
    ],
)
def test_other_modes_are_refused(mode: str, kind: str) -> None:
    stream = io.BytesIO()
    Image.new(mode, (9, 9)).save(stream, "PNG")
    with pytest.raises(LabelError, match=f"found a PNG of {kind}; expected 8-bit grey"):
        read_labels(stream.getvalue())


@pytest.mark.parametrize("bits", [2, 4])
def test_grey_of_few_bits_is_refused_because_decoders_scale_it(bits: int) -> None:
    with pytest.raises(LabelError, match=f"{bits}-bit grey"):
        read_labels(raw(bits, 0, bytes(10 * (1 + (10 * bits + 7) // 8))))


@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
@pytest.mark.parametrize("how", ["exif", "xmp"])
def test_pictures_to_be_turned_are_refused(orientation: int, how: str) -> None:
    exif, text = Image.Exif(), PngInfo()
    exif[0x0112] = orientation
    xmp = f'<x xmlns:tiff="t"><r tiff:Orientation="{orientation}"/></x>'
    text.add_itxt("XML:com.adobe.xmp", xmp)
    options: dict[str, Any] = {"exif": exif} if how == "exif" else {"pnginfo": text}
    with pytest.raises(LabelError, match=f"EXIF orientation {orientation}; expected 1"):
        read_labels(saved(drawn(1), **options))


def test_animations_are_refused() -> None:
    stream = io.BytesIO()
    frames = [Image.fromarray(np.full((4, 4), value, np.uint8)) for value in (1, 2)]
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    with pytest.raises(LabelError, match="an animated PNG"):
        read_labels(stream.getvalue())


ROWS = bytes(110)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (bytes(300), "a file of zeros"),
        (saved(drawn(1))[:-1], "cut off"),
        (saved(drawn(1))[:-12], "cut off: it has no end"),
        (saved(drawn(1))[:50], "cut off in 'IDAT'"),
        (saved(drawn(1))[:8], "cut off"),
        (saved(drawn(1)) + b"\n", "1 bytes behind its end"),
        (saved(drawn(1)).replace(b"IHDR", b"IHDr"), "does not match its checksum"),
        (raw(8, 0, ROWS[:-1]), "more or fewer pixels"),
        (raw(8, 0, ROWS + b"\0"), "more or fewer pixels"),
        (raw(8, 0, b"\x09" * 110), "cannot be decoded"),
        (raw(8, 1, ROWS), "unknown kind"),
        (raw(8, 3, ROWS), "without one whole palette"),
        (raw(8, 3, ROWS, (b"PLTE", bytes(4))), "without one whole palette|cannot be decoded"),
        (png.pack(png.Header(10, 10, 8, 0, 0, 0, 0)), "more or fewer pixels"),
        (png.pack(png.Header(10, 10, 8, 0, 0, 0, 0), (b"IDAT", b"no stream")), "damaged PNG"),
        (png.pack(png.Header(0, 10, 8, 0, 0, 0, 0), (b"IDAT", b"")), "without pixels"),
        (png.pack(png.Header(2**31 - 1, 2**31 - 1, 8, 0, 0, 0, 0), (b"IDAT", b"")), "damaged PNG"),
        (b"<!DOCTYPE html><title>Sign in</title>", r"an HTML page \('Sign in'\)"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "a macOS resource file"),
    ],
)
def test_what_is_no_whole_png_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(LabelError, match=found):
        read_labels(content)


def test_a_jpeg_is_named() -> None:
    done, content = cv2.imencode(".jpg", np.zeros((9, 9), np.uint8))
    assert done
    with pytest.raises(LabelError, match="found a JPEG image"):
        read_labels(content.tobytes())


# --- fuzz -----------------------------------------------------------------------------------------


def any_form(dice: random.Random) -> tuple[Labels, bytes]:
    """Labels in a random form that says the same."""
    labels = drawn(dice.randrange(2**31), dice.choice(((0, 1, 2, 3), (0, 7, 20, 255), (4,))))
    form = dice.randrange(6)
    if form == 0:
        return labels, interlaced(labels)
    if form == 1:
        few = (labels % 4).astype(np.uint8)
        return few, saved(few, FLAT[:12], bits=dice.choice((2, 4, 8)))
    palette = dice.choice((None, FLAT, GREYS, FLAT[:63]))
    return labels, saved(labels, palette, compress_level=dice.randrange(10))


def damaged(dice: random.Random, content: bytes) -> bytes:
    """The bytes with some changed, cut or doubled; every other time under right checksums."""
    if dice.random() < 0.5:
        data = bytearray(content)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(data) + 1)
            data[at : at + dice.randint(0, 9)] = dice.randbytes(dice.randint(0, 3))
        return bytes(data)
    found = png.take_apart(content)
    chunks = [[kind, bytearray(body)] for kind, body in found.chunks]
    for _ in range(dice.randint(1, 3)):
        kind_and_body = dice.choice(chunks)
        body = kind_and_body[1]
        match dice.randrange(4):
            case 0 if body:
                body[dice.randrange(len(body))] = dice.randrange(256)
            case 1:
                del body[dice.randrange(len(body) + 1) :]
            case 2:
                kind_and_body[0] = dice.choice((b"IDAT", b"PLTE", b"tRNS", b"eXIf", b"tEXt"))
            case _:
                chunks.insert(dice.randrange(len(chunks) + 1), [kind_and_body[0], bytearray(body)])
    return png.SIGNATURE + b"".join(
        struct.pack(">I4s", len(body), kind) + kind_body_sum(bytes(kind), bytes(body))
        for kind, body in chunks
    )


def kind_body_sum(kind: bytes, body: bytes) -> bytes:
    return body + struct.pack(">I", zlib.crc32(kind + body))


def test_labels_in_any_form_are_read_as_they_are() -> None:
    dice = random.Random(21)
    for _ in range(rounds(100)):
        labels, content = any_form(dice)
        assert read_labels(content)[1].tolist() == labels.tolist()


def test_damaged_labels_are_refused_or_read_as_pillow_reads_them() -> None:
    dice = random.Random(22)
    for _ in range(rounds(150)):
        content = damaged(dice, any_form(dice)[1])
        try:
            found = read_labels(content)[1]
        except LabelError:
            continue
        assert found.tolist() == pillow(content).tolist(), content
        assert found.tolist() == read_labels(content)[1].tolist()

"""Tell what a file is that was taken for another: a web page, a pointer, an archive, a picture.

Only its first bytes are looked at. Texts from the file are quoted as ASCII and cut.
"""

from __future__ import annotations

import re
from typing import NamedTuple

HEAD = 4096  # bytes that suffice
SHOWN = 60  # characters of a text that are quoted

_DOWNLOAD = "download it again and compare its size with the one announced"
_UNPACK = "unpack it and name the file in it"
_PAGE = (
    "a server answered with a page instead of the file: open the address in a browser, sign in or "
    "confirm the download there, and take the file itself"
)
_PULL = "run `git {} FILE` in the repository it came from"
_TAR_MARK = slice(257, 262)
_MAGICS = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image", ""),
    (b"\xff\xd8\xff", "a JPEG image", ""),
    (b"GIF8", "a GIF image", ""),
    (b"II*\0", "a TIFF image", ""),
    (b"MM\0*", "a TIFF image", ""),
    (b"%PDF-", "a PDF document", _PAGE),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\x93NUMPY", "a numpy array (npy)", ""),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", ""),
    (b"\0\5\x16\7", "a macOS resource file (its name begins with ._)", ""),
    (b"\0\5\x16\0", "a macOS resource file", ""),
)
_LFS = "version https://git-lfs.github.com/spec/"
_CODE = re.compile(r"<(?:Code|title)>([^<]*)<", re.IGNORECASE)


class Format(NamedTuple):
    """What a file is, as a noun with its article, and what to do about it ("" if unknown).

    stands_in: whether it is what one gets in place of a file that did not come, whatever that is.
    """

    name: str
    advice: str
    stands_in: bool = False


def recognised(head: bytes) -> Format | None:
    """Return what a file that begins with `head` is; None for formats unknown here and for zip."""
    if not head:
        return Format("an empty file", _DOWNLOAD, stands_in=True)
    if not head.strip(b"\0"):
        advice = f"it was never written to the end: {_DOWNLOAD}"
        return Format("a file of zeros", advice, stands_in=True)
    if head[_TAR_MARK] == b"ustar":
        return Format("a tar archive", _UNPACK)
    if head[8:10] == b'{"' and not any(head[4:8]):
        return Format("a safetensors file", "")
    for magic, name, advice in _MAGICS:
        if head.startswith(magic):
            return Format(name, advice)
    text = _text(head)
    return None if text is None else _of_text(text)


def _text(head: bytes) -> str | None:
    """Return the bytes as text, or None if they are none."""
    marked = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head[: len(head) // 2 * 2].decode("utf-16" if marked else "utf-8", "replace")
    text = text.lstrip("\ufeff \t\r\n").removesuffix("\ufffd")  # a sign that was cut in two
    plain = sum(sign.isprintable() or sign in "\t\r\n\f" for sign in text)
    return text if plain == len(text) and text.count("\ufffd") <= len(text) // 20 else None


def _of_text(text: str) -> Format:
    small = text[:1024].lower()
    code = _CODE.search(text)
    said = f" ({_quoted(code[1].strip())})" if code and code[1].strip() else ""
    if "<!doctype html" in small or "<html" in small or "<head" in small or "<body" in small:
        return Format(f"an HTML page{said}", _PAGE, stands_in=True)
    if small.startswith(("<?xml", "<error")):
        return Format(f"an XML document{said}", _PAGE, stands_in=True)
    if text.startswith(_LFS):
        return Format("a Git LFS pointer", _PULL.format("lfs pull"), stands_in=True)
    if "/annex/objects/" in small.partition("\n")[0]:
        return Format("a git-annex pointer", _PULL.format("annex get"), stands_in=True)
    if text.startswith(("{", "[")):
        return Format(f"JSON text ({_quoted(text)})", _PAGE, stands_in=True)
    return Format(f"a text ({_quoted(text)})" if text else "a text of blanks", _PAGE)


def _quoted(text: str) -> str:
    """Return the first line of a text as ASCII in quotes, cut where it is long."""
    line = text.partition("\n")[0].rstrip()
    return ascii(line[:SHOWN]) + ("..." if len(line) > SHOWN else "")

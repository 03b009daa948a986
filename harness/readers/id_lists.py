"""Read lists of image ids as people have them.

A list is a text with one id per line. A line may also be a path or a pair of paths whose file names
are the id (``/JPEGImages/<id>.jpg /SegmentationClassAug/<id>.png``), a row of a CSV, or an id with
numbers behind it, as in VOC's ``<class>_val.txt``: the id counts whatever the numbers are.

Text may be UTF-8 or UTF-16 with LF, CRLF or CR line ends. Blank lines, invisible characters,
quotes, what follows a ``#``, a heading (``image,mask``) and DOS's end-of-file mark are skipped.
Everything else that is not exactly one id is refused, because a list read wrongly gives a wrong
score.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 1 << 26
SHOWN = 60  # characters of a line that an error quotes

_ID = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.+-]*[A-Za-z0-9_+-])?")
_SUFFIX = re.compile(
    r"\.(?:jpg|jpeg|jpe|jfif|png|bmp|gif|tif|tiff|webp|ppm|pgm|npy|npz|mat)", re.IGNORECASE
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_HEADINGS = frozenset(
    {"id", "ids", "image", "images", "img", "image_id", "imageid", "filename", "file_name"}
    | {"file", "name", "path", "image_path", "mask", "mask_path", "label", "labels", "gt", "split"}
)
_LINE_END = re.compile("\r*\n|\r|\x85|\u2028|\u2029")
_FIELD = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s,;]+))(?=[\s,;]|$)\s*[,;]?|\s*[,;]""")
_QUOTES = str.maketrans("\u201c\u201d\u201e\u2018\u2019\u201a", "\"\"\"'''")
_END = re.compile("[\\s\x1a]+\\Z")  # DOS ended texts with the sign 1A
_MARKS = (  # the longer ones first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class ListError(ValueError):
    """A file that is not a list of ids. The text names the file and, with `reason`, the line."""

    def __init__(self, reason: str, file: Path | None = None) -> None:
        super().__init__(reason if file is None else f"list {file}: {reason}")
        self.reason = reason


class Entry(NamedTuple):
    """One line of a list: its id, its number from 1 on, and its text without invisible signs."""

    name: str
    number: int
    line: str


def read_ids(file: Path) -> tuple[str, ...]:
    """Return the ids in a list file, in order. Raises ListError as `read_entries` does."""
    return tuple(entry.name for entry in read_entries(file))


def read_entries(file: Path) -> tuple[Entry, ...]:
    """Return the lines of a list file that name an id, in order.

    Raises:
        ListError: the file cannot be read, names no id, names an id twice, or has a line that is
            not exactly one id.

    """
    try:
        entries = parse(decode(_content(file)))
    except OSError as error:
        raise ListError(f"cannot be read: {error.strerror or error}", file) from error
    except ListError as error:
        raise ListError(error.reason, file) from error
    if not entries:
        raise ListError("names no image; expected one id per line", file)
    return entries


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ListError(f"is larger than {MOST_BYTES >> 20} MB; expected one id per line")
    return content


def decode(content: bytes) -> str:
    """Return the text of a list.

    Bytes that are not UTF-8 become lone surrogates: they may stand in the folders of a path, which
    do not count. Raises ListError if the text ends inside a character of UTF-16.
    """
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if encoding is None and len(content) % 2 == 0 and content:
        if not any(content[1::2]):
            encoding = "utf-16-le"
        elif not any(content[::2]):
            encoding = "utf-16-be"
    if encoding in (None, "utf-8-sig"):
        return content.decode(encoding or "utf-8", "surrogateescape")
    try:
        return content.decode(encoding or "utf-16")
    except UnicodeDecodeError as error:
        raise ListError(f"broken {error.encoding.upper()} at byte {error.start}") from error


def parse(text: str) -> tuple[Entry, ...]:
    """Return the lines of a text that name an id, in order. Raises ListError, naming the line."""
    seen: dict[str, int] = {}
    entries: list[Entry] = []
    for number, line, fields in _rows(text):
        if not entries and all(field.lower() in _HEADINGS for field in fields):
            continue
        name = _only_id(number, line, fields)
        if name in seen:
            raise ListError(f"line {number}: id {name} is already in line {seen[name]}")
        seen[name] = number
        entries.append(Entry(name, number, line))
    return tuple(entries)


def _rows(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield number, cleaned text and fields of each line that has any."""
    whole = _END.sub("", text)
    for number, raw in enumerate(_LINE_END.split(whole), start=1):
        line = _visible(raw)
        if fields := _fields(number, line):
            yield number, line, fields


def _visible(line: str) -> str:
    """Return a line without marks of no width, comment and outer white space."""
    if not line.isascii():
        line = "".join(sign for sign in line if unicodedata.category(sign) != "Cf")
        line = line.translate(_QUOTES)
    return re.split(r"(?:^|(?<=\s))#", line, maxsplit=1)[0].strip()


def _fields(number: int, line: str) -> list[str]:
    """Return the fields of a line, separated by white space, commas or semicolons."""
    fields, place = [], 0
    while place < len(line):
        match = _FIELD.match(line, place)
        if match is None:
            raise _no_id(number, line)
        fields += [field.strip() for field in match.groups() if field and field.strip()]
        place = match.end()
    return fields


def _only_id(number: int, line: str, fields: Sequence[str]) -> str:
    """Return the one id that the fields of a line name."""
    name = _stem(fields[0])
    if name is None:
        raise _no_id(number, line)
    for other in fields[1:]:
        if _stem(other) == name or (_NUMBER.fullmatch(other) and not name.isdigit()):
            continue
        raise ListError(
            f"line {number}: expected one id, found {_quoted(fields[0])} and {_quoted(other)}"
        )
    return name


def _stem(field: str) -> str | None:
    """Return the id that a field names: the end of a path without its image suffix."""
    name = re.split(r"[/\\]", field)[-1]
    stem, suffix = name[: name.rfind(".")], name[name.rfind(".") :]
    if "." in name and _SUFFIX.fullmatch(suffix):
        name = stem
    _, dot, rest = name.rpartition(".")
    if not _ID.fullmatch(name) or (dot and _SUFFIX.fullmatch(dot + rest)):
        return None
    return name


def _no_id(number: int, line: str) -> ListError:
    return ListError(f"line {number}: expected an id or a path, found {_quoted(line)}")


def _quoted(text: str) -> str:
    """Return a text as ASCII in quotes, cut where it is long."""
    return ascii(text[:SHOWN]) + ("..." if len(text) > SHOWN else "")

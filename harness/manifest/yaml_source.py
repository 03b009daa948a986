"""Read a manifest file strictly and remember the line of every key."""

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from harness.errors import ManifestError
from harness.manifest.yaml_document import UNPRINTABLE, KeyPath, read_document, shorten, spell

MOST_BYTES = 2**20  # the largest manifest has a twentieth
#: libyaml parses ten times faster, but not every PyYAML has it.
PARSERS: tuple[Any, ...] = tuple(
    getattr(yaml, name) for name in ("CSafeLoader", "SafeLoader") if hasattr(yaml, name)
)
#: Line ends of YAML 1.1 that are none in 1.2, and a byte order mark inside the text.
_AMBIGUOUS = re.compile("[\x85\u2028\u2029\ufeff]")
#: `%TAG` only serves tags, which are refused; libyaml takes minutes over many of them.
_DIRECTIVE = re.compile("^%(?!YAML )", re.MULTILINE)
_LONGEST = 500  # characters that an error says of a field: it may quote what the file holds
_KEPT = 256  # more files than a project has
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class YamlSource:
    """A parsed file: plain data, and the line of every key path. Its readers share it."""

    path: Path
    data: Any
    lines: Mapping[KeyPath, int]  # of what is written
    aliases: Mapping[KeyPath, KeyPath]  # of an alias: what it stands for

    def line(self, where: Sequence[str | int]) -> int:
        """The line of `where`, or of its nearest known parent."""
        path = tuple(where)
        while path not in self.lines and (parent := self._above(path)) is not None:
            path = parent
        return self.lines.get(path, 1)

    def _above(self, where: KeyPath) -> KeyPath | None:
        """`where` as written at the anchor of the alias it lies behind, else its parent."""
        for cut in range(len(where) - 1, 0, -1):
            if (anchor := self.aliases.get(where[:cut])) is not None:
                return (*anchor, *where[cut:])
        return where[:-1] if where else None

    def has(self, where: Sequence[str | int]) -> bool:
        """Whether the file holds `where`, behind an alias or not."""
        data = self.data
        for key in where:
            held = range(len(data)) if isinstance(data, list) else data
            if not isinstance(held, dict | range) or key not in held:
                return False
            data = data[key]
        return True

    def error(self, where: Sequence[str | int], what: str, *, hint: str) -> ManifestError:
        """An error that names file, line and field."""
        field, what = spell(tuple(where)), shorten(what, _LONGEST)
        place = f"{self.path}:{self.line(where)}"
        return ManifestError(
            f"{place}: {field}: {what}" if field else f"{place}: {what}", hint=hint
        )


def read_yaml(path: Path) -> YamlSource:
    """Parse `path`, a regular file of at most `MOST_BYTES` bytes of UTF-8.

    Raises:
        ManifestError: it cannot be read, is no YAML, or holds what no manifest needs: a key
            given twice, a tag, more nodes or levels than `yaml_document` allows.

    """
    content = _read(path)
    if len(content) > MOST_BYTES:
        raise ManifestError(
            f"{path}: more than {MOST_BYTES} bytes", hint="a manifest is small; check the name"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ManifestError(
            f"{path}:{line}: not UTF-8: byte {content[error.start]:#04x}",
            hint="save the file as UTF-8",
        ) from error
    return parse(path, text)


def _read(path: Path) -> bytes:
    """Read the file's first bytes, one more than a manifest may have."""
    try:
        # Opening a FIFO that nobody writes to would wait.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as f:
            if not stat.S_ISREG(os.fstat(f.fileno()).st_mode):
                raise ManifestError(
                    f"{path}: cannot be read: not a regular file",
                    hint="put a file of YAML text there",
                )
            return f.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ManifestError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}",
            hint="check the project root (--project) and the name",
        ) from error


@lru_cache(maxsize=_KEPT)
def parse(path: Path, text: str) -> YamlSource:
    """Parse the text of `path`; the same text is parsed once. Raises ManifestError."""
    return parse_with(PARSERS[0], path, text)


def parse_with(kind: Any, path: Path, text: str) -> YamlSource:
    """Parse with one of `PARSERS`. Raises ManifestError."""
    text = text.removeprefix(_BYTE_ORDER_MARK)
    _refuse_odd(path, text)
    parser = kind(text)
    try:
        document = read_document(path, parser)
    except yaml.YAMLError as error:
        raise _syntax_error(path, error) from error
    finally:
        parser.dispose()
    return YamlSource(path, document.data, document.lines, document.aliases)


def _refuse_odd(path: Path, text: str) -> None:
    """Refuse what is not for the parser to see."""
    if odd := UNPRINTABLE.search(text) or _AMBIGUOUS.search(text):
        raise ManifestError(
            f"{path}:{_line_at(text, odd.start())}: an unprintable character, {odd[0]!a}",
            hint="remove it, or write it as an escape between double quotes",
        )
    if odd := _DIRECTIVE.search(text):
        raise ManifestError(
            f"{path}:{_line_at(text, odd.start())}: a line that begins with %",
            hint="no directive is needed; quote text",
        )


def _line_at(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def _syntax_error(path: Path, error: yaml.YAMLError) -> ManifestError:
    mark = getattr(error, "problem_mark", None)
    place = f"{path}:{mark.line + 1}" if mark else f"{path}:1"
    column = f", column {mark.column + 1}" if mark else ""
    what = getattr(error, "problem", None) or error
    return ManifestError(
        f"{place}: not valid YAML{column}: {what}", hint="fix the syntax at the place named"
    )

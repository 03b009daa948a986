"""Build plain data from the events of a YAML parser, within limits, with the line of every key.

Nothing is built before its size is known: an alias counts as much as what it stands for, so a
small file cannot become large data. Only mappings with text keys, lists and plain scalars exist.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from harness.errors import ManifestError
from harness.manifest.yaml_scalars import plain_value

KeyPath = tuple[str | int, ...]

MOST_NODES = 20_000  # the largest manifest has a tenth
MOST_LEVELS = 32
#: Characters that YAML lets a file hold only as escapes; no manifest needs them.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST = 80  # characters of a key or value that errors quote
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds.

    `lines` has the line of every key path that is written, `aliases` the path that each alias
    stands for.
    """

    data: Any
    lines: Mapping[KeyPath, int]
    aliases: Mapping[KeyPath, KeyPath]


@dataclass(slots=True)
class _Anchor:
    """A node with a name. Until it is `complete`, an alias to it would contain itself."""

    where: KeyPath
    data: Any = None
    nodes: int = 0
    levels: int = 0
    complete: bool = False


def spell(where: KeyPath) -> str:
    """A key path as text: `steps[3].outputs.cam`."""
    text = ""
    for key in where:
        text += f"[{key}]" if isinstance(key, int) else f".{shorten(key)}"
    return text.removeprefix(".")


def shorten(text: str, most: int = _LONGEST) -> str:
    """Cut a text of more than `most` characters, which is too long to quote."""
    return text if len(text) <= most else f"{text[:most]}..."


def read_document(path: Path, parser: Any) -> Document:
    """Read the one document of `parser`. Raises ManifestError, or YAMLError for bad syntax."""
    builder = _Builder(path, parser)
    try:
        data = builder.document()
    except (ValueError, OverflowError) as error:  # Python's own parser, on escapes and versions
        builder.refuse(f"not valid YAML: {error}", "write the character itself", (), builder.line)
    return Document(data, builder.lines, builder.aliases)


class _Builder:
    def __init__(self, path: Path, parser: Any) -> None:
        self.path = path
        self.next_event = parser.get_event
        self.lines: dict[KeyPath, int] = {}
        self.aliases: dict[KeyPath, KeyPath] = {}
        self.anchors: dict[str, _Anchor] = {}
        self.nodes = 0
        self.deepest = 0
        self.line = 1

    def refuse(self, what: str, hint: str, where: KeyPath, line: int) -> NoReturn:
        field = f"{spell(where)}: " if where else ""
        raise ManifestError(f"{self.path}:{line}: {field}{what}", hint=hint)

    def document(self) -> Any:
        self.next_event()  # the stream begins
        if isinstance(self.next_event(), yaml.StreamEndEvent):
            return None
        data = self.node(self.next_event(), (), 0)
        self.next_event()  # the document ends
        event = self.next_event()
        if not isinstance(event, yaml.StreamEndEvent):
            line = event.start_mark.line + 1
            self.refuse("a second document", "keep one document a file", (), line)
        return data

    def node(self, event: Any, where: KeyPath, level: int) -> Any:
        """Build the node that begins with `event`."""
        self.line = line = event.start_mark.line + 1
        self.lines.setdefault(where, line)
        kind = type(event)
        self.count(1, level, where)
        if kind is yaml.AliasEvent:
            return self.alias(event.anchor, where, level)
        if event.tag is not None:
            self.refuse(
                f"a tag, {shorten(event.tag)!r}", "leave the tag out; quote text", where, line
            )
        if event.anchor is not None:
            return self.anchored(event, where, level)
        return self.content(event, where, level)

    def content(self, event: Any, where: KeyPath, level: int) -> Any:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self.scalar(event, where)
        if kind is yaml.MappingStartEvent:
            return self.mapping(where, level)
        return self.sequence(where, level)

    def count(self, nodes: int, level: int, where: KeyPath) -> None:
        """Count nodes that reach down to `level`."""
        self.nodes += nodes
        self.deepest = max(self.deepest, level)
        if self.nodes > MOST_NODES:
            what = f"more than {MOST_NODES} values, those behind aliases counted"
            self.refuse(what, "make the file smaller", where, self.line)
        if level > MOST_LEVELS:
            what = f"nested more than {MOST_LEVELS} levels deep"
            self.refuse(what, "make it flatter", where, self.line)

    def anchored(self, event: Any, where: KeyPath, level: int) -> Any:
        anchor = self.anchors[event.anchor] = _Anchor(where)
        nodes, deepest, self.deepest = self.nodes, self.deepest, level
        anchor.data = self.content(event, where, level)
        anchor.nodes, anchor.levels = self.nodes - nodes, self.deepest - level
        anchor.complete = True
        self.deepest = max(deepest, self.deepest)
        return anchor.data

    def alias(self, name: str, where: KeyPath, level: int) -> Any:
        anchor = self.anchors.get(name)
        if anchor is None:
            what = f"no anchor &{shorten(name)} before this alias"
            self.refuse(what, "name an anchor that comes earlier", where, self.line)
        if not anchor.complete:
            what = f"*{shorten(name)} contains itself"
            self.refuse(what, "write out what is meant", where, self.line)
        self.count(anchor.nodes, level + anchor.levels, where)
        self.aliases[where] = anchor.where
        return anchor.data

    def scalar(self, event: Any, where: KeyPath) -> Any:
        if not event.implicit[0]:
            return self.text(event, where)
        try:
            return plain_value(event.value)
        except ValueError as error:
            found = f"{error}: {shorten(event.value)}"
            self.refuse(found, "quote it if it is text", where, self.line)

    def text(self, event: Any, where: KeyPath) -> str:
        """The text of a scalar; only escapes between double quotes can make it unprintable."""
        text: str = event.value
        if event.style == '"' and (odd := UNPRINTABLE.search(text)):
            self.refuse(f"an unprintable character, {odd[0]!a}", "remove it", where, self.line)
        return text

    def sequence(self, where: KeyPath, level: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self.next_event(), yaml.SequenceEndEvent):
            items.append(self.node(event, (*where, len(items)), level + 1))
        return items

    def mapping(self, where: KeyPath, level: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := self.next_event(), yaml.MappingEndEvent):
            key = self.key(event, where)
            inner = (*where, key)
            value = self.node(self.next_event(), inner, level + 1)
            if key == _MERGE and event.implicit[0]:
                merged = self.merged(value, inner)
            else:
                entries[key] = value
        return {**merged, **entries} if merged else entries

    def key(self, event: Any, where: KeyPath) -> str:
        """The text of a key, as it is written: `1` is "1"."""
        self.line = line = event.start_mark.line + 1
        if not isinstance(event, yaml.ScalarEvent) or event.tag or event.anchor:
            self.refuse(
                "a key that is not plain text", "no list, mapping, alias or anchor", where, line
            )
        key = self.text(event, where)
        inner = (*where, key)
        if inner in self.lines:
            what = f"given twice (first on line {self.lines[inner]})"
            self.refuse(what, "keep one of the two", inner, line)
        self.lines[inner] = line
        return key

    def merged(self, value: Any, where: KeyPath) -> dict[str, Any]:
        """The entries that `<<` adds: of one mapping, or of a list in which the first wins."""
        parts = value if isinstance(value, list) else [value]
        entries: dict[str, Any] = {}
        for part in reversed(parts):
            if not isinstance(part, dict):
                self.refuse(
                    "expected a mapping, or a list of mappings", "merge mappings only",
                    where, self.lines[where],
                )  # fmt: skip
            entries.update(part)
        return entries

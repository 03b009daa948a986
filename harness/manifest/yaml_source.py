"""Read YAML strictly and remember the line of every key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from harness.errors import ManifestError

KeyPath = tuple[str | int, ...]


# libyaml reads ten times faster, but not every PyYAML has it.
LOADERS: tuple[Any, ...] = tuple(
    getattr(yaml, name) for name in ("CSafeLoader", "SafeLoader") if hasattr(yaml, name)
)
# Dates stay text.
_RESOLVERS = {
    first: [(tag, regexp) for tag, regexp in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_KEPT = 256  # more files than a project has


@dataclass(frozen=True, slots=True)
class YamlSource:
    """A parsed file: plain data, and the line of every key path. Its readers share it."""

    path: Path
    data: Any
    lines: Mapping[KeyPath, int]

    def line(self, where: Sequence[str | int]) -> int:
        """The line of `where`, or of its nearest known parent."""
        path = tuple(where)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, where: Sequence[str | int], what: str, *, hint: str) -> ManifestError:
        """An error that names file, line and field."""
        field = spell(where)
        place = f"{self.path}:{self.line(where)}"
        return ManifestError(
            f"{place}: {field}: {what}" if field else f"{place}: {what}", hint=hint
        )


def spell(where: Sequence[str | int]) -> str:
    """A key path as text: `steps[3].outputs.cam`."""
    text = ""
    for key in where:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")


def read_yaml(path: Path) -> YamlSource:
    """Parse `path`. Raises ManifestError on a missing file, bad YAML or a key given twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ManifestError(
            f"{path}: cannot be read: {error.strerror}",
            hint="check the project root (--project) and the name",
        ) from error
    return parse(path, text)


@lru_cache(maxsize=_KEPT)
def parse(path: Path, text: str) -> YamlSource:
    """Parse the text of `path`; the same text is parsed once. Raises ManifestError."""
    for loader in LOADERS:
        try:
            return parse_with(loader, path, text)
        except yaml.YAMLError as error:
            # libyaml's errors do not quote the text: the last loader's do.
            if loader is LOADERS[-1]:
                raise ManifestError(
                    f"{path}: not valid YAML: {error}", hint="fix the syntax at the place named"
                ) from error
    raise AssertionError("PyYAML always has SafeLoader")


def parse_with(kind: Any, path: Path, text: str) -> YamlSource:
    """Parse with one of `LOADERS`. Raises ManifestError for a key given twice, YAMLError."""
    loader = kind(text)
    loader.yaml_implicit_resolvers = _RESOLVERS
    try:
        node = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        _walk(path, node, (), lines)
        data = loader.construct_document(node) if node is not None else None
    finally:
        loader.dispose()
    return YamlSource(path, data, lines)


def _walk(path: Path, node: Any, where: KeyPath, lines: dict[KeyPath, int]) -> None:
    if node is None:
        return
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            inner = (*where, str(key.value))
            if inner in lines:
                raise ManifestError(
                    f"{path}:{key.start_mark.line + 1}: {spell(inner)}: given twice "
                    f"(first on line {lines[inner]})",
                    hint="keep one of the two",
                )
            lines[inner] = key.start_mark.line + 1
            _walk(path, child, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(path, child, (*where, index), lines)

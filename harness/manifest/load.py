"""The one door for manifests: YAML in, validated frozen values out, errors with file and line."""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import rebuild_dataclass
from pydantic_core import ErrorDetails

from harness.errors import ManifestError, UsageError
from harness.layout import ProjectLayout
from harness.manifest import contract, model
from harness.manifest.catalogue import Asset, Catalogue, Repository, Stack
from harness.manifest.checks import check_method, check_options
from harness.manifest.fields import is_name
from harness.manifest.model import Method, SharedSteps, Use
from harness.manifest.shared_steps import assemble
from harness.manifest.smoke_steps import check_assets
from harness.manifest.yaml_document import shorten
from harness.manifest.yaml_source import YamlSource, read_yaml
from harness.names import nearest, suggest

if TYPE_CHECKING:
    from harness.manifest.paper import PaperFile, Published, Row

T = TypeVar("T")
_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def load_catalogue(project: ProjectLayout) -> Catalogue:
    """Read repositories (the nine and the embedded ones), assets and stacks."""
    repositories = dict(_section(project.repositories, "repositories", Repository))
    repositories |= _section(project.embedded, "repositories", Repository)
    assets = _section(project.assets, "assets", Asset)
    check_assets(assets, repositories, read_yaml(project.assets))
    return Catalogue(
        repositories=repositories,
        assets=assets,
        stacks=_section(project.stacks, "stacks", Stack),
    )


def method_names(project: ProjectLayout) -> tuple[str, ...]:
    """The methods that have a manifest, by name."""
    return tuple(sorted(path.stem for path in project.methods.glob("*.yaml")))


def load_method(project: ProjectLayout, name: str, catalogue: Catalogue) -> Method:
    """Read one method with the shared steps it uses, and check everything it refers to."""
    path = project.method(name)
    if name not in method_names(project):
        known = method_names(project)
        raise UsageError(
            f"no method {name!r}: {path} does not exist",
            hint=suggest(name, known, "methods that can be run"),
        )
    source = read_yaml(path)
    own = _named(source, Method, "method", name)
    check_options(own.options, source)
    shared = [_load_shared(project, use, source, at) for at, use in enumerate(own.uses)]
    method, origins = assemble(own, source, shared)
    check_method(method, catalogue, source, origins)
    return method


def _load_shared(
    project: ProjectLayout, use: Use, user: YamlSource, index: int
) -> tuple[SharedSteps, YamlSource]:
    path = project.shared_steps(use.shared_steps)
    if not path.exists():
        known = sorted(found.stem for found in path.parent.glob("*.yaml"))
        raise user.error(
            ("uses", index, "shared_steps"),
            f"no shared steps {use.shared_steps!r}: {path} does not exist",
            hint=suggest(use.shared_steps, known, "there are"),
        )
    source = read_yaml(path)
    shared = _named(source, SharedSteps, "shared_steps", use.shared_steps)
    check_options(shared.options, source)
    return shared, source


def _named(source: YamlSource, kind: type[T], field: str, name: str) -> T:
    """One entry that is a file of its own and holds its own name."""
    found = _validate(source, source.data, kind, ())
    if getattr(found, field) != name:
        raise source.error(
            (field,),
            f"expected {name!r} as the file is named, found {getattr(found, field)!r}",
            hint=f"rename the file or the {field}",
        )
    return found


def load_published(project: ProjectLayout) -> "Published":
    """Read the published numbers: one for each cell of the tables, each id once."""
    from harness.manifest.paper import PaperFile, Published, numbers  # plans need none of it

    source = read_yaml(project.paper)
    file = _validate(source, source.data, PaperFile, ())
    rows = {row.name: row for row in file.rows}
    _check_lines(source, file, rows)
    found = {}
    for index, table in enumerate(file.tables):
        for number in numbers(table, rows):
            if number.id in found:
                what = f"{number.id} twice"
                raise source.error(("tables", index), what, hint="keep one of the two")
            found[number.id] = number
    sections = {
        one.name: getattr(file, one.name)
        for one in dataclasses.fields(file)
        if one.name != "tables"
    }
    return Published(**sections, numbers=tuple(found.values()))


def _check_lines(source: YamlSource, file: "PaperFile", rows: Mapping[str, "Row"]) -> None:
    """Refuse a line of a row that is not declared, or with a cell too many or too few."""
    for index, table in enumerate(file.tables):
        for at, line in enumerate(table.lines):
            where = ("tables", index, "lines", at)
            if line.row not in rows:
                hint = suggest(line.row, rows, "there are")
                raise source.error((*where, "row"), f"no row {line.row!r}", hint=hint)
            if len(line.cells) != len(table.columns):
                what = f"expected {len(table.columns)} cells, found {len(line.cells)}"
                raise source.error((*where, "cells"), what, hint="write one for each column")


def load_file(path: Path, kind: type[T]) -> T:
    """Read a file that holds one value of `kind`. Raises UsageError or ManifestError."""
    if not path.is_file():
        what = "it is no file" if path.exists() else "there is no such file"
        raise UsageError(f"{path}: {what}", hint=f"write a {kind.__name__.lower()} there")
    source = read_yaml(path)
    return _validate(source, source.data, kind, ())


def json_schemas() -> Mapping[str, Any]:
    """The JSON Schema of each manifest file, for editors."""
    from harness.manifest.paper import PaperFile

    kinds: Mapping[str, Any] = {
        "method": Method,
        "shared_steps": SharedSteps,
        "repos": Mapping[str, Mapping[str, Repository]],
        "assets": Mapping[str, Mapping[str, Asset]],
        "stacks": Mapping[str, Mapping[str, Stack]],
        "paper": PaperFile,
    }
    return {name: TypeAdapter(kind).json_schema() for name, kind in kinds.items()}


def _section(path: Path, key: str, kind: type[T]) -> dict[str, T]:
    source = read_yaml(path)
    if not isinstance(source.data, dict) or set(source.data) != {key}:
        raise source.error((), f"expected the one top key {key!r}", hint=f"put all under {key}:")
    entries = source.data[key]
    if not isinstance(entries, dict):
        raise source.error((key,), "expected a mapping by name", hint="write NAME: {...}")
    for name in entries:
        if not is_name(name):
            what = "expected a name of letters, digits, '_', '.', '-', a letter first"
            raise source.error((key, name), what, hint="rename the entry")
    return {name: _validate(source, entry, kind, (key, name)) for name, entry in entries.items()}


def _validate(source: YamlSource, data: Any, kind: type[T], where: tuple[str | int, ...]) -> T:
    # Through JSON: only there do strict rules still allow lists as tuples and text as enums.
    try:
        return cast("T", _adapter(kind).validate_json(json.dumps(data), strict=True))
    except (TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise source.error(where, str(error), hint="use plain YAML values") from error
        raise _explain(source, error.errors(), kind, where) from error


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:  # making one takes longer than reading a manifest
        rebuild_dataclass(kind)  # the adapter takes what the class holds, else makes its own
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _explain(
    source: YamlSource, details: Sequence[ErrorDetails], kind: type, where: tuple[str | int, ...]
) -> ManifestError:
    detail = details[0]
    # Tags of unions stand in the location; keep only what is a key of the file.
    location: tuple[str | int, ...] = where
    for key in detail["loc"]:
        if source.has((*location, key)) or key == detail["loc"][-1]:
            location = (*location, key)
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    if detail["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        found = str(detail["loc"][-1])
        near = nearest(found, sorted(_all_fields(kind)))
        hint = f"did you mean {near!r}?" if near else "remove it"
        return source.error(location, f"unknown key {shorten(found)!r}{more}", hint=hint)
    missing = detail["type"].startswith("missing")
    found = "" if missing else f", found {shorten(repr(detail['input']))}"
    text = detail["msg"].removeprefix("Value error, ")
    return source.error(
        location,
        f"{text[:1].lower()}{text[1:]}{found}{more}",
        hint=f"see docs/schema/ for what {kind.__name__.lower()} manifests hold",
    )


def _all_fields(read: type) -> set[str]:
    """The fields of manifests and of what stands beside `read`, which an unknown key may mean."""
    kinds = [
        kind
        for module in {contract, model, sys.modules[read.__module__]}
        for kind in vars(module).values()
        if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
    ]
    return {field.name for kind in kinds for field in dataclasses.fields(kind)}

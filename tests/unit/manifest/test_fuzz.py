"""Mutated manifests are read, or refused with the name of a file: nothing else happens.

HARNESS_FUZZ sets how many are tried. The seeds are fixed, so that a failure comes again.
"""

import copy
import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ManifestError
from harness.layout import ProjectLayout
from harness.manifest.load import load_catalogue, load_method, load_published, method_names
from harness.manifest.model import Losses
from harness.manifest.yaml_source import YamlSource, parse, read_yaml
from harness.plan.make import Ask, make_plan
from tests import toy
from tests.fuzz import rounds
from tests.golden import PROJECT

MANIFESTS = sorted((PROJECT.root / "manifests").rglob("*.yaml"))
TOKENS = (
    b"- ", b": ", b"? ", b"[", b"]", b"{", b"}", b",", b"&a ", b"*a", b"<<: *a", b"!!int ", b"!b ",
    b"'", b'"', b"|\n", b">-\n", b"#", b"---\n", b"...\n", b"%TAG ! x\n", b"\t", b"\n", b"\r", b"  ",
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xc2\x85", b"\xe2\x80\xa8", b'"\\ud800"', b'"\\x00"', b"~",
    b".inf", b".nan", b"1e999", b"0o17", b"017", b"1_0", b"yes", b"9" * 5000, b"[" * 100, b"{a: " * 40,
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63 - 1, -(2**63), 1e308, -0.5, "", "{", "{}", "{in.x}", "{o.x}",
    "{o.x.y}", "{p.x}", "{seed}", "{work}", "{out}/x", "a" * 5000, [], {}, [[]], [None], {"": None},
    "..", "/", "a/../b", ".", "a\nb", "steps.x", "steps.a.b", "assets.voc", "assets.voc/{seed}",
    "assets.{o.a.b}", "given.x", "repos.seam/{out}", "(", "(" * 3000, "\U0001f600", "none", "-", "1",
)  # fmt: skip
SPLICED = ("{", "}", ".", "/", "{seed}", "{o.", "..", "\n", ",", "x")
_LINE_ENDS = re.compile("[\x85\u2028\u2029\ufeff]")

Place = tuple[str | int, ...]


def mutated(content: bytes, chance: random.Random) -> bytes:
    """`content` with one to four bytes, cuts, tokens or pieces of itself changed."""
    for _ in range(chance.randint(1, 4)):
        at, to = sorted(chance.randrange(len(content) + 1) for _ in range(2))
        match chance.randrange(5):
            case 0:
                content = content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
            case 1:
                content = content[:at] + content[min(to, at + chance.randrange(200)) :]
            case 2:
                content = content[:at]
            case 3:
                piece = content[at : at + chance.randrange(300)]
                content = content[:to] + piece + content[to:]
            case _:
                content = content[:at] + chance.choice(TOKENS) + content[at:]
    return content


def as_yaml(data: Any) -> str:
    """JSON, which is YAML too, with the characters that may only be escapes escaped."""
    text = json.dumps(data, ensure_ascii=False)
    return _LINE_ENDS.sub(lambda odd: f"\\u{ord(odd[0]):04x}", text)


def test_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    chance = random.Random(6)
    contents = [manifest.read_bytes() for manifest in MANIFESTS]
    read = 0
    for _ in range(rounds(150)):
        file = tmp_path / "m.yaml"
        file.write_bytes(mutated(chance.choice(contents), chance))
        try:
            source = read_yaml(file)
        except ManifestError as error:
            check_refusal(error, f"{file}:")
        else:
            check_source(source)
            read += 1
    assert 0 < read < rounds(150)


def check_refusal(error: ManifestError, start: str) -> None:
    assert str(error).startswith(start), str(error)[:300]
    assert len(str(error)) < 3000, str(error)[:300]


def check_source(source: YamlSource) -> None:
    """The same file, and what it holds written as JSON, are read as the same."""
    assert parse(source.path, as_yaml(source.data)).data == source.data
    parse.cache_clear()
    assert read_yaml(source.path) == source


@pytest.fixture
def project(tmp_path: Path) -> ProjectLayout:
    shutil.copytree(PROJECT.root / "manifests", tmp_path / "manifests")
    return ProjectLayout(tmp_path)


def test_mutated_manifests_are_planned_or_refused(project: ProjectLayout) -> None:
    chance = random.Random(7)
    files = [
        file
        for file in sorted((project.root / "manifests").rglob("*.yaml"))
        if file.parent.name != "templates"
    ]
    planned = 0
    for _ in range(rounds(100)):
        file = chance.choice(files)
        kept = file.read_bytes()
        file.write_text(as_yaml(changed(read_yaml(file).data, chance)), encoding="utf-8")
        try:
            use(project, file, chance)
        except ManifestError as error:
            check_refusal(error, f"{project.root}/")
        else:
            planned += 1
        file.write_bytes(kept)
    assert 0 < planned < rounds(100)


def changed(data: Any, chance: random.Random) -> Any:
    """A copy of `data` with one value, key or item changed."""
    data = copy.deepcopy(data)
    places = list(places_in(data))
    place = chance.choice(places[1:])
    parent, key = at(data, place[:-1]), place[-1]
    match chance.randrange(6):
        case 0:
            del parent[key]
        case 1:
            parent[key] = copy.deepcopy(at(data, chance.choice(places)))
        case 2 if isinstance(parent, dict):
            parent[str(chance.choice(ODD))] = parent.pop(key)
        case 3 if isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        case 4 if isinstance(parent[key], str):
            text = parent[key]
            cut = chance.randrange(len(text) + 1)
            parent[key] = text[:cut] + chance.choice(SPLICED) + text[cut + chance.randrange(3) :]
        case _:
            parent[key] = copy.deepcopy(chance.choice(ODD))
    return data


def places_in(data: Any, where: Place = ()) -> Iterator[Place]:
    yield where
    if isinstance(data, list):
        data = dict(enumerate(data))
    for key, value in data.items() if isinstance(data, dict) else ():
        yield from places_in(value, (*where, key))


def at(data: Any, place: Place) -> Any:
    for key in place:
        data = data[key]
    return data


class Words(dict[str, Any]):
    """A word for whatever is asked for."""

    def __missing__(self, name: str) -> str:
        return f"digest of {name}"


def use(project: ProjectLayout, file: Path, chance: random.Random) -> None:
    """Read what a manifest holds and plan the methods that need it, at its scales."""
    if file == project.paper:
        load_published(project)
        return
    catalogue = load_catalogue(project)
    is_method = file.parent == project.method("x").parent
    name = file.stem if is_method else chance.choice(method_names(project))
    method = load_method(project, name, catalogue)
    digests = toy.digests(assets=Words(), sources=Words(), pristine=Words(), packages=Words())
    for scale in method.scales:
        ask = Ask(scale=scale, losses=(Losses.BOTH,), seed=(1,), with_test=True)
        assert make_plan([method], catalogue, ask, lambda _: digests).steps

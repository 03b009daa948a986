"""YAML with lines: libyaml's loader and Python's own read alike, refuse alike, and read once."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import ManifestError
from harness.manifest import yaml_source
from harness.manifest.load import load_catalogue, load_method, method_names
from harness.manifest.yaml_source import LOADERS, parse, parse_with
from tests.golden import PROJECT

MANIFESTS = sorted((PROJECT.root / "manifests").rglob("*.yaml"))
PLACE = Path("x.yaml")
GOOD = {
    "nothing": "",
    "a comment": "# only\n",
    "an alias": "a: &x\n  - 1\n  - {b: 2}\nc:\n\n  *x\n",
    "a merged key": "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n",
    "dates stay text": "day: 2020-01-01\nat: 2020-01-01 10:00:00\n",
    "styles": "a: |\n  one\n  two\nb: >-\n  one\n  two\nc: 'x\n\n  y'\nd: [1,\n  2]\n",
    "empty values": "a:\nb:\n  -\n  - c:\nd: {}\n",
    "letters": "a: ä×σ\n\U0001f600: 'b'\n",
    "numbers as keys": "1: a\n2.5: b\ntrue: c\n",
    "a mark of byte order": "\ufeffa: 1\n",
}
BAD = {
    "twice": "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n",
    "twice through an alias": "a: &x {b: 1,\n  b: 2}\nc: *x\n",
    "open bracket": "a: [\n",
    "no colon": "a: 1\nb\nc: 2\n",
    "tab": "a:\n\t- 1\n",
    "unknown alias": "a: *nowhere\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "unknown tag": "a: !!python/object:os.system {}\n",
    "a control character": "a: \x01\n",
    "a list as key": "? [1]\n: 2\n",
}


@pytest.fixture(params=[LOADERS, LOADERS[-1:]], ids=["all loaders", "without libyaml"])
def loaders(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_source, "LOADERS", request.param)
    parse.cache_clear()


def refusal(text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        parse(PLACE, text)
    return str(caught.value)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_every_manifest_reads_alike(manifest: Path) -> None:
    text = manifest.read_text(encoding="utf-8")
    read = [parse_with(loader, manifest, text) for loader in LOADERS]
    assert all(one == read[-1] for one in read)
    assert read[-1].lines


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_odd_texts_read_alike(text: str) -> None:
    read = [parse_with(loader, PLACE, text) for loader in LOADERS]
    assert all(one == read[-1] for one in read)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_bad_texts_are_refused_alike(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_all = refusal(text)
    monkeypatch.setattr(yaml_source, "LOADERS", LOADERS[-1:])
    assert refusal(text) == with_all


@pytest.mark.usefixtures("loaders")
def test_a_key_given_twice_names_both_lines() -> None:
    assert refusal(BAD["twice"]) == "x.yaml:5: b.c: given twice (first on line 3)"


@pytest.mark.usefixtures("loaders")
def test_bad_syntax_names_its_line() -> None:
    assert "line 3, column 1" in refusal("a: 1\nb\nc: 2\n")


@pytest.mark.usefixtures("loaders")
def test_an_alias_has_the_lines_of_its_anchor() -> None:
    source = parse(PLACE, GOOD["an alias"])
    assert source.data["c"] == [1, {"b": 2}]
    assert (source.line(("a",)), source.line(("c",))) == (1, 4)
    assert source.line(("c", 1, "b")) == source.line(("a", 1, "b")) == 3


def test_libyaml_is_used_where_it_is() -> None:
    assert (LOADERS[0] is not yaml.SafeLoader) == yaml.__with_libyaml__


def test_a_file_is_parsed_once_and_again_when_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = count_parses(monkeypatch)
    file = tmp_path / "x.yaml"
    for text in ("a: 1\n", "a: 1\n", "a: 2\n"):
        file.write_text(text)
        assert yaml_source.read_yaml(file).data == yaml.safe_load(text)
    assert parsed == {file: 2}


def test_methods_that_share_steps_parse_each_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = count_parses(monkeypatch)
    catalogue = load_catalogue(PROJECT)
    for name in method_names(PROJECT):
        load_method(PROJECT, name, catalogue)
    assert set(parsed.values()) == {1}
    assert {PROJECT.shared_steps("voc"), PROJECT.assets} <= parsed.keys()


def count_parses(monkeypatch: pytest.MonkeyPatch) -> Counter[Path]:
    parsed: Counter[Path] = Counter()

    def counted(kind: Any, path: Path, text: str) -> Any:
        parsed[path] += 1
        return parse_with(kind, path, text)

    monkeypatch.setattr(yaml_source, "parse_with", counted)
    parse.cache_clear()
    return parsed

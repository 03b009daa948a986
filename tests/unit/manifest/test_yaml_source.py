"""YAML with lines: libyaml's parser and Python's own read alike, and each file is read once."""

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import ManifestError
from harness.manifest import yaml_source
from harness.manifest.load import load_catalogue, load_method, method_names
from harness.manifest.yaml_document import MOST_LEVELS, MOST_NODES
from harness.manifest.yaml_source import MOST_BYTES, PARSERS, parse, parse_with, read_yaml
from tests.golden import PROJECT

MANIFESTS = sorted((PROJECT.root / "manifests").rglob("*.yaml"))
PLACE = Path("x.yaml")
GOOD: dict[str, tuple[str, Any]] = {
    "nothing": ("", None),
    "a comment": ("# only\n", None),
    "an alias": ("a: &x\n  - 1\n  - {b: 2}\nc:\n\n  *x\n", {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}),
    "an anchor of another's name": ("a: &x 1\nb: &x [2]\nc: *x\n", [2]),
    "a merged key": ("a: &x {b: 1, d: 1}\nc:\n  <<: *x\n  d: 2\n", {"b": 1, "d": 2}),
    "the first merged wins": (
        "a: &x {b: 1}\nd: &y {b: 2, e: 3}\nc: {<<: [*x, *y]}\n",
        {"b": 1, "e": 3},
    ),
    "a quoted merge sign": ("c: {'<<': 1}\n", {"<<": 1}),
    "dates stay text": ("c: [2020-01-01, 2020-01-01 10:00:00]\n", ["2020-01-01", "2020-01-01 10:00:00"]),
    "lines": ("c: |\n  one\n  two\n", "one\ntwo\n"),
    "folded": ("c: >-\n  one\n  two\n", "one two"),
    "quoted": ("c: 'x\n\n  y'\n", "x\ny"),
    "flow": ("c: [1,\n  2]\n", [1, 2]),
    "empty values": ("c:\n  -\n  - d:\n", [None, {"d": None}]),
    "letters": ("c: ä×σ\n\U0001f600: 'b'\n", "ä×σ"),
    "keys are text": ("c: {1: a, 2.5: b, true: c, ~: d}\n", dict(zip(("1", "2.5", "true", "~"), "abcd", strict=True))),
    "a mark of byte order": ("\ufeffc: 1\n", 1),
    "a version": ("%YAML 1.1\n---\nc: 1\n", 1),
    "escapes": ('c: "\\u2028\\x85\\t"\n', "\u2028\x85\t"),
}  # fmt: skip
BAD = {
    "twice": ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", 5, "b.c: given twice (first on line 3)"),
    "twice behind an alias": ("a: &x {b: 1,\n  b: 2}\nc: *x\n", 2, "a.b: given twice"),
    "twice, quoted": ("1: a\n'1': b\n", 2, "given twice"),
    "open bracket": ("a: [\n", 2, "not valid YAML"),
    "no colon": ("a: 1\nb\nc: 2\n", 3, "not valid YAML, column 1"),
    "tab": ("a:\n\t- 1\n", 2, "not valid YAML"),
    "unknown alias": ("a: *nowhere\n", 1, "no anchor &nowhere before this alias"),
    "an alias of itself": ("b:\na: &x [1, *x]\n", 2, "a[1]: *x contains itself"),
    "an alias of itself as value": ("a: &x\n  b: {c: *x}\n", 2, "contains itself"),
    "the later anchor counts": ("a: &x 1\nb: &x [*x]\n", 2, "b[0]: *x contains itself"),
    "a merge of itself": ("a: &x\n  <<: *x\n", 2, "contains itself"),
    "a merge of text": ("a: {<<: b}\n", 1, "expected a mapping"),
    "a merge of lists": ("a: {<<: [[1]]}\n", 1, "expected a mapping"),
    "two documents": ("a: 1\n---\nb: 2\n", 2, "a second document"),
    "two empty documents": ("---\n---\n", 2, "a second document"),
    "python": ("a: !!python/object:os.system {}\n", 1, "a tag"),
    "local tag": ("a: !b 1\n", 1, "a tag"),
    "no tag at all": ("a: ! 1\n", 1, "a tag"),
    "a tagged root": ("!!map {a: 1}\n", 1, "a tag"),
    "a tagged key": ("!!str a: 1\n", 1, "a key that is not plain text"),
    "a tagged number": ("a: 1\nb: !!float x\n", 2, "b: a tag, 'tag:yaml.org,2002:float'"),
    "a directive": ("%TAG ! tag:a,2000:\n---\na: 1\n", 1, "begins with %"),
    "a control character": ("a: 1\nb: \x01\n", 2, "an unprintable character, '\\x01'"),
    "nothing in text": ("a: \0\n", 1, "an unprintable character, '\\x00'"),
    "a surrogate": ("a: b\ud800\n", 1, "an unprintable character"),
    "a line end of old": ("a: b\x85c: d\n", 1, "an unprintable character, '\\x85'"),
    "a mark inside": ("a: b\n\ufeffc: d\n", 2, "an unprintable character"),
    "an escaped control character": ('a: "\\x07"\n', 1, "a: an unprintable character"),
    "an escaped key": ('"\\x07": a\n', 1, "an unprintable character"),
    "an escape beyond Unicode": ('a: "\\UFFFFFFFF"\n', 1, "not valid YAML"),
    "half a pair": ('a: "\\ud83d"\n', 1, ""),
    "a list as key": ("? [1]\n: 2\n", 1, "a key that is not plain text"),
    "a mapping as key": ("a: {{b: 1}: 2}\n", 1, "a key that is not plain text"),
    "an alias as key": ("a: &x 1\n*x : 2\n", 2, "a key that is not plain text"),
    "infinite": ("a: [1,\n -.inf]\n", 2, "a[1]: a number that is not finite"),
    "no number": ("a: .nan\n", 1, "a number that is not finite"),
    "too large a float": ("a: 1e999\n", 1, "a number that is not finite"),
    "too large a number": (f"a: {2**63}\n", 1, "a whole number of more than 64 bits"),
    "6000 digits": ("a: " + "9" * 6000, 1, "a whole number of more than 64 bits"),
    "6000 hexadecimal digits": ("a: 0x" + "9" * 6000, 1, "a whole number of more than 64 bits"),
    "many values": ("a:\n" + "- 1\n" * MOST_NODES, MOST_NODES, f"more than {MOST_NODES} values"),
    "deep brackets": ("a:\n - " + "[" * 5000, 2, f"more than {MOST_LEVELS} levels"),
    "deep braces": ("{a: " * 500, 1, f"more than {MOST_LEVELS} levels"),
    "deep lines": ("- " * 5000, 1, f"more than {MOST_LEVELS} levels"),
    "deep aliases": (
        "".join(f"- &a{n} [[*a{n - 1}]]\n" if n else "- &a0 1\n" for n in range(40)),
        17,
        f"more than {MOST_LEVELS} levels",
    ),
}  # fmt: skip


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.__name__)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(yaml_source, "PARSERS", (request.param,))
    parse.cache_clear()
    yield request.param
    parse.cache_clear()


def refusal(text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        parse(PLACE, text)
    assert caught.value.hint
    return str(caught.value)


def bomb(inner: str, outer: str) -> str:
    """Nine levels, each of nine aliases to the level below: 9^9 values."""
    lines = [f"a0: &a0 {inner}"]
    for level in range(1, 10):
        aliases = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} {outer.format(level=level, aliases=aliases)}")
    return "\n".join(lines)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_every_manifest_reads_alike(manifest: Path) -> None:
    text = manifest.read_text(encoding="utf-8")
    read = [parse_with(parser, manifest, text) for parser in PARSERS]
    assert all(one == read[-1] for one in read)
    assert read[-1].lines


@pytest.mark.parametrize(("text", "expected"), GOOD.values(), ids=GOOD)
def test_odd_texts_read_alike(text: str, expected: object) -> None:
    read = [parse_with(parser, PLACE, text) for parser in PARSERS]
    assert all(one == read[-1] for one in read)
    if expected is not None:
        data = read[0].data
        assert expected in (data, data["c"])


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(("text", "line", "what"), BAD.values(), ids=BAD)
def test_bad_texts_are_refused_with_their_line(text: str, line: int, what: str) -> None:
    refused = refusal(text)
    assert refused.startswith(f"x.yaml:{line}: ")
    assert what in refused
    assert len(refused) < 1000


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("[x, x]", "[{aliases}]"),
        ("{x: 1}", "{{<<: [{aliases}], y{level}: 1}}"),
        ("text", "{{p: [{aliases}], q: {{r: [{aliases}]}}}}"),
        ("{x: 1}", "{{<<: {{z: [{aliases}]}}}}"),
    ],
)
def test_aliases_count_as_what_they_stand_for(inner: str, outer: str) -> None:
    assert f"more than {MOST_NODES} values" in refusal(bomb(inner, outer))


def test_a_long_text_is_not_quoted_whole() -> None:
    assert len(refusal(f"{'k' * 900}: 1\n{'k' * 900}: 2\n")) < 200


def test_a_place_in_bad_syntax() -> None:
    assert refusal("a: 1\nb\nc: 2\n").startswith("x.yaml:3: not valid YAML, column 1: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: \xff\n", r":2: not UTF-8: byte 0xff"),
        ("a: 1\nb: é\n".encode("latin-1"), r":2: not UTF-8: byte 0xe9"),
        ("a: 1\n".encode("utf-16"), r":1: not UTF-8: byte 0xff"),
        (b"\xed\xa0\x80", r":1: not UTF-8: byte 0xed"),
        (b" " * (MOST_BYTES + 1), rf": more than {MOST_BYTES} bytes"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(content)
    with pytest.raises(ManifestError, match=re.escape(str(file)) + message):
        read_yaml(file)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    (tmp_path / "terminal").symlink_to("/dev/tty")
    (tmp_path / "circle").symlink_to("circle")
    for name in ("folder", "fifo", "zeros", "terminal", "circle", "missing", "n" * 300, "a\0b"):
        with pytest.raises(ManifestError, match="cannot be read: "):
            read_yaml(tmp_path / name)


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ManifestError, match="more than"):
        read_yaml(tmp_path / "huge")


@pytest.mark.usefixtures("parser")
def test_an_alias_has_the_lines_of_its_anchor() -> None:
    source = parse(PLACE, GOOD["an alias"][0])
    assert (source.line(("a",)), source.line(("c",))) == (1, 4)
    assert source.line(("c", 1, "b")) == source.line(("a", 1, "b")) == 3


def test_lines_go_through_aliases_of_aliases() -> None:
    source = parse(PLACE, "a: &x\n  b:\n    c: 1\nd: &y\n  e: *x\nf: *y\n")
    assert source.line(("f", "e", "b", "c")) == 3
    assert source.line(("f", "e", "b", "nothing")) == 2
    assert source.line(("f", "nothing")) == 4


def test_whether_a_place_is_there() -> None:
    source = parse(PLACE, "a: &x [{b: 1}]\nc: *x\nd: &y {e: 1}\nf: {<<: *y}\n")
    there = [(), ("a",), ("c", 0, "b"), ("f", "e")]
    assert all(source.has(where) for where in there)
    not_there = [("b",), ("a", 1), ("c", 0, "d"), ("a", "0"), ("d", "e", "f"), (0,)]
    assert not any(source.has(where) for where in not_there)


def test_libyaml_is_used_where_it_is() -> None:
    assert (PARSERS[0] is not yaml.SafeLoader) == yaml.__with_libyaml__


def test_a_file_is_parsed_once_and_again_when_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = count_parses(monkeypatch)
    file = tmp_path / "x.yaml"
    for text in ("a: 1\n", "a: 1\n", "a: 2\n"):
        file.write_text(text)
        assert read_yaml(file).data == yaml.safe_load(text)
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

"""Outputs of many files: twice the files take twice the calls, and nothing holds them all."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from benchmarks.drawn_outputs import Output, draw, draw_labels, draw_voc
from harness.contracts import files
from harness.contracts.content import describe, fingerprint
from harness.contracts.outputs import Declared, inspect_outputs
from harness.files import remove_tree, sync_tree
from harness.manifest.contract import Contract
from harness.readers import id_lists
from harness.store.store import snapshot
from tests import counted

_FEW, _MANY = 20, 100
_KIB = 2**10
_PER_FILE = 8 * _KIB  # bytes in memory for each more file: names, states, hashes, results
PER_ID: dict[str, dict[str, Any]] = {
    "npy-maps": {"max_key": 19, "labels": "{in.labels}", "size_of": "{in.voc}/JPEGImages"},
    "npy-stacks": {"max_key": 19, "strides": {"cam": 4}, "size_of": "{in.voc}/JPEGImages"},
    "npy-arrays": {"channels": 2, "stride": 8, "size_of": "{in.voc}/JPEGImages"},
    "png-labels": {"max_label": 20, "modes": ["L"], "size_of": "{in.voc}/JPEGImages"},
}


def ids(count: int) -> tuple[str, ...]:
    return tuple(f"2007_{number:06d}" for number in range(count))


def drawn(root: Path, kind: str, count: int) -> Callable[[], object]:
    """An output of so many files, and the inspection of it."""
    root.mkdir(parents=True)
    names = ids(count)
    (root / "ids.txt").write_text("\n".join(names))
    draw_voc(root / "voc", {"val": names})
    draw_labels(root / "labels.npy", names)
    fields = {"kind": kind, "ids": "{in.ids}/ids.txt", **PER_ID[kind]}
    contract: Any = TypeAdapter(Contract).validate_python(fields)
    draw(Output(root / "out" / "all", contract, names), root / "prototypes")
    places = {"in.ids": str(root), "in.voc": str(root / "voc"), "in.labels": f"{root}/labels.npy"}
    declared = {"all": Declared("all", contract)}
    return lambda: inspect_outputs(root / "out", declared, places, 1e12)


@pytest.mark.parametrize("kind", PER_ID)
def test_checking_is_linear_in_the_files(tmp_path: Path, kind: str) -> None:
    counted.assert_linear(
        lambda root, count: counted.calls(drawn(root, kind, count)), tmp_path, _FEW, _MANY
    )


@pytest.mark.parametrize("kind", PER_ID)
def test_no_check_holds_the_content_of_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(files, "_THREADS", 1)  # how many files at once would be chance
    monkeypatch.setattr(id_lists, "MOST_BYTES", 2**16)  # the buffer for a list would hide the rest
    drawn(tmp_path / "warm", kind, 2)()
    few, many = (_peak(drawn(tmp_path / str(count), kind, count)) for count in (_FEW, _MANY))
    assert many - few < _PER_FILE * (_MANY - _FEW), f"{few} bytes, {many} bytes"


def _peak(work: Callable[[], object]) -> int:
    """The most bytes that `work` has in memory at a time, each time that it is done.

    The interpreter's table of interned strings, to which each new path adds, grows now and then by
    megabytes: so it is not what one time alone shows.
    """
    return min(_peak_once(work) for _ in range(3))


def _peak_once(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "handle", [describe, fingerprint, sync_tree, remove_tree, lambda path: snapshot([path])]
)
def test_handling_files_is_linear_in_their_number(
    tmp_path: Path, handle: Callable[[Path], object]
) -> None:
    def calls(root: Path, count: int) -> int:
        (root / "inner").mkdir(parents=True)
        for name in ids(count):
            (root / "inner" / name).write_text(name)
        return counted.calls(lambda: handle(root))

    counted.assert_linear(calls, tmp_path, _FEW, _MANY)

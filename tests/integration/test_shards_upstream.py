"""Every sharded step of the real chains, at smoke scale: one and three shards give equal bytes.

Each chain runs once up to its last sharded step. Then the sharded steps alone are taken out of the
store and made again in parts.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.manifest.load import load_catalogue, load_method
from tests.golden import PROJECT
from tests.integration.upstream_lab import MARKS, open_lab

pytestmark = [*MARKS, pytest.mark.slow]
#: Method -> its backbone, and the last steps to run.
CHAINS = {
    "seam": ("res38", ("infer-aff", "infer-cam-val")),
    "mctformer": ("deit-s", ("infer-aff",)),
    "sipe": ("res38", ("infer-irn",)),
    "pmm": ("res38", ("cyclic-labels", "infer-mc-val")),
    "spatial-bce": ("res38", ("infer-irn",)),
}


def reproduce(runs: Path, method: str, *more: str) -> None:
    """`harness reproduce` at smoke scale; everything is kept."""
    backbone, ends = CHAINS[method]
    words = [sys.executable, "-m", "harness", "reproduce", method, "--runs", str(runs)]
    words += ["--scale", "smoke", "--losses", "none", "--seeds", "1", "--runtime", "process"]
    words += ["--backbone", backbone, "--keep", "--json", *more]
    for end in ends:
        argv = [*words, "--until", end]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=os.environ)
        assert done.returncode == 0, done.stderr[-4000:]


def records(runs: Path, names: set[str]) -> dict[str, tuple[Path, Mapping[str, Any]]]:
    """Step -> its entry in the store and its record."""
    found = {}
    for path in runs.glob("store/*/*/record.json"):
        record = json.loads(path.read_text())
        if record["identity"]["step"] in names:
            found[record["identity"]["step"]] = (path.parent, record)
    return found


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", CHAINS)
def test_one_and_three_shards_give_equal_bytes(
    tmp_path: Path, require: Callable[[bool, str], None], method: str
) -> None:
    open_lab(tmp_path / "lab", method, (), require)
    backbone, _ = CHAINS[method]
    declared = {
        step.name
        for step in load_method(PROJECT, method, load_catalogue(PROJECT)).steps
        if step.shards and backbone in (step.backbones or (backbone,))
    }
    runs = tmp_path / "runs"
    reproduce(runs, method)
    whole = records(runs, declared)
    assert declared == whole.keys()
    for entry, _ in whole.values():
        shutil.rmtree(entry)
    reproduce(runs, method, "--shards", "3")
    parts = records(runs, declared)
    assert parts.keys() == whole.keys()
    for name, (_, record) in parts.items():
        ids = sum(len(part["ids"]) for part in record["shards"])
        assert len(record["shards"]) == min(3, ids) > 1, name
        assert record["outputs"] == whole[name][1]["outputs"], name

"""From a rehearsal to a plan, by the real commands: measured, kept, shared, shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.project import Project, step

#: Writes a file for each of 5 pictures, 0.2 s apart.
CODE = """
import os, pathlib, sys, time
import numpy as np
folder = pathlib.Path(sys.argv[1], "maps")
os.mkdir(folder)
for name in "abcde":
    np.save(folder / name, {0: np.zeros((8, 8), "float32")}, allow_pickle=True)
    time.sleep(0.2)
"""
LISTS = "import sys; open(sys.argv[1] + '/train.txt', 'w').write('a\\nb\\nc\\nd\\ne\\n')"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A chain that lists five pictures and makes a map of each."""
    found = Project(tmp_path, step("unused", CODE))
    lists = step(
        "lists", LISTS, stage=1, outputs={"ids": {"path": ".", "contract": {"kind": "folder"}}}
    )
    contract = {"kind": "npy-maps", "ids": "{in.ids}/train.txt"}
    maps = step(
        "maps",
        CODE,
        inputs={"ids": "steps.lists.ids"},
        outputs={"maps": {"path": "maps", "contract": contract, "retain": "consumers"}},
        resources={"paper": {"cpus": 1, "memory_gb": 1, "hours": 3, "disk_gb": 1}},
    )
    score = json.dumps({"scores": {"J": 50, "F": 40, "JF": 45}})
    last = step(
        "last",
        f"import sys; open(sys.argv[1] + '/scores.json', 'w').write({score!r})",
        stage=9,
        score="final",
        inputs={"maps": "steps.maps.maps"},
        outputs={
            "scores": {"path": "scores.json", "contract": {"kind": "json", "keys": ["scores"]}}
        },
    )
    found.write_steps(lists, maps, last)
    return found


def rehearse(project: Project, *words: str) -> Any:
    return project.run("rehearse", "toy", "--runtime", "process", *words)


def test_a_rehearsal_is_measured_before_its_outputs_go(project: Project) -> None:
    shared = project.root.parent / "shared.json"
    done = rehearse(project, "--share", str(shared))
    assert done.returncode == 0, done.stderr
    assert f"{shared}: what 2 steps took" in done.stderr.replace("\n", "")
    files = sorted(one.name for one in (project.runs / "measured").iterdir())
    assert [name.split("-")[1] for name in files] == ["last", "maps"]  # lists are preparation
    maps, last = json.loads(shared.read_text())["measurements"]
    assert (maps["step"], maps["rate"]["unit"], maps["rate"]["done"]) == ("maps", "picture", 5)
    assert not list((project.runs / "store").glob("*/*/out/maps"))  # dropped once read
    assert maps["rate"]["seconds"] > 0.15
    assert maps["outputs"]["maps"]["files"] == 5
    assert maps["open_files"] > 2
    assert "rate" not in last

    planned = project.run("plan", "toy", "--runtime", "process", "--json")
    document = json.loads(planned.stdout)
    (figures,) = (one["figures"] for one in document["steps"] if one["name"] == "maps")
    assert figures["hours_from"] == "estimate"  # no GPU was there: its times mean nothing
    assert figures["disk_from"].startswith("measured on ")
    assert figures["disk_gb"]["maps"] == pytest.approx(
        maps["outputs"]["maps"]["bytes"] / 5 * 1464 / 2**30, rel=1e-6
    )


def test_a_damaged_measurement_is_named_and_left_out(project: Project) -> None:
    assert rehearse(project).returncode == 0
    (file,) = (project.runs / "measured").glob("toy-maps-*.json")
    file.write_text("{")
    done = project.run("plan", "toy", "--runtime", "process")
    assert done.returncode == 0
    assert "left out\t" in done.stdout
    assert file.name in done.stdout

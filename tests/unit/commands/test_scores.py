"""`scores` and `status` show what finished runs scored, from files alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.files import write_sealed
from harness.layout import RunLayout
from harness.metrics.j_and_f import VOC
from tests.evidence import Finished, finish_all, harness

SEEDS = (
    Finished("seam", "res38", "none", 1, J=60.0, F=40.0),
    Finished("seam", "res38", "none", 2, J=62.0, F=41.0),
    Finished("seam", "res38", "none", 3, J=99.0, F=99.0, scale="smoke"),
)


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    return finish_all(tmp_path / "runs", SEEDS)


def test_every_seed_is_shown_with_mean_and_spread(layout: RunLayout) -> None:
    shown = harness(layout, "scores", "seam").stdout
    for words in (["final", "1", "60.00", "40.00", "50.00"], ["final", "mean", "of", "2", "61.0"]):
        assert any(words == [w for w in line.split() if w in words] for line in shown.splitlines())
    assert "paper scale, cu117, docker" in shown
    assert "smoke scale, cu117, docker" in shown


def test_json_keeps_settings_apart_and_states_ddof(layout: RunLayout) -> None:
    document = json.loads(harness(layout, "scores", "--json").stdout)
    assert document["ddof"] == 1
    paper, smoke = document["groups"]
    assert (paper["scale"], smoke["scale"]) == ("paper", "smoke")
    final = paper["scores"]["final"]["J"]
    assert final["by_seed"] == {"1": 60.0, "2": 62.0}
    assert final["sd"] == pytest.approx(2**0.5)
    assert smoke["scores"]["final"]["J"]["sd"] is None
    assert "per_class" not in paper


def test_classes_come_by_their_names_and_in_their_order(layout: RunLayout) -> None:
    document = json.loads(harness(layout, "scores", "--classes", "--json").stdout)
    classes = document["groups"][0]["per_class"]["final"]
    assert classes.keys() == set(VOC)
    assert classes["background"]["F"] is None
    assert classes["dog"]["J"]["by_seed"] == {"1": 60.0, "2": 62.0}
    shown = harness(layout, "scores", "--classes").stdout
    assert [name for name in shown.split() if name in VOC][: len(VOC)] == list(VOC)


def cams(losses: str, seed: int, best: float, **more: Any) -> Finished:
    """A run of MCTformer whose CAMs score 50 at 0.39, and 55 at the best threshold."""
    curve = {"threshold": [0.0, 0.38, 0.39, best], "J": [9.0, 49.0, 50.0 + seed, 55.0 + seed]}
    return Finished("mctformer", "deit-s", losses, seed, J=60.0, F=40.0, curve=curve, **more)


def test_cams_at_a_fixed_background_stand_beside_their_best(tmp_path: Path) -> None:
    fixed = [cams("isl", *one, options={"bg-thr": "fixed"}) for one in ((1, 0.41), (2, 0.45))]
    curve = cams("isl", 3, 0.41, options={"bg-thr": "curve"})
    layout = finish_all(tmp_path / "runs", [*fixed, curve])
    shown = harness(layout, "scores").stdout
    line = "mctformer/deit-s isl: bg-thr fixed: J of CAMs 51.5 ± 0.7 at 0.39, 56.5 ± 0.7 at the"
    assert " ".join(shown.split()).count("bg-thr fixed: J of CAMs") == 1
    assert f"{line} best (0.41 to 0.45)" in " ".join(shown.split())
    groups = json.loads(harness(layout, "scores", "--json").stdout)["groups"]
    (found,) = [group["cam_background"] for group in groups if group["cam_background"]]
    assert (found["option"], found["choice"], found["threshold"]) == ("bg-thr", "fixed", 0.39)
    assert found["J"]["by_seed"] == {"1": 51.0, "2": 52.0}
    assert found["best_J"]["by_seed"] == {"1": 56.0, "2": 57.0}
    assert found["best_threshold"] == {"1": 0.41, "2": 0.45}


def test_a_changed_score_is_named_on_stderr_and_not_shown(layout: RunLayout) -> None:
    key = json.loads(layout.run(SEEDS[0].id).read_text())["steps"]["score-final"]["key"]
    scores = layout.entry(key).out / "scores.json"
    scores.write_text(scores.read_text().replace("60.0", "90.0"))
    found = harness(layout, "scores", "--json")
    assert str(scores) in found.stderr
    final = json.loads(found.stdout)["groups"][0]["scores"]["final"]["J"]
    assert final["by_seed"] == {"2": 62.0}


def test_status_shows_the_final_score_of_a_run(layout: RunLayout) -> None:
    record = json.loads(layout.run(SEEDS[0].id).read_text())
    plan = {
        "id": "0" * 16,
        "runs": [{"id": SEEDS[0].id, "run": record["run"], "steps": {}}],
        "steps": {},
    }
    write_sealed(layout.plan("0" * 16), plan)
    (run,) = json.loads(harness(layout, "status", "--json").stdout)["runs"]
    assert run["final"] == {"J": 60.0, "F": 40.0}
    assert "60.00" in harness(layout, "status").stdout


def test_a_word_that_names_no_run_is_refused(layout: RunLayout) -> None:
    with pytest.raises(UsageError, match="sipe"):
        harness(layout, "scores", "sipe")


def test_without_runs_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    assert "no run has a record" in harness(RunLayout(tmp_path / "runs"), "scores").stdout

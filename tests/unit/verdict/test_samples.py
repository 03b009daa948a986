"""Only like runs are pooled, and none is lost."""

import math
from typing import Any

import pytest

from harness.evidence.evidence import RunEvidence
from harness.manifest.model import Scale
from harness.verdict.results import Held, Sample, Status
from harness.verdict.samples import outside, row_samples
from harness.verdict.verdict import judge
from tests.paper_runs import evidence, fed_back, published, run_of, step_of

SEAM = published().row("seam/res38")
SCORES = {"J": 64.0, "F": 40.0, "JF": 52.0}


def run(seed: int, losses: str = "none", tag: str = "", **more: Any) -> RunEvidence:
    scores = more.pop("scores", SCORES)
    found = run_of(SEAM, losses, seed, scores, **more)
    return run_of(SEAM, losses, seed, scores, **{"id": f"{found.id}{tag}", **more})


def samples(*runs: RunEvidence) -> Any:
    return row_samples(evidence(runs), "seam", "res38")


def test_values_come_by_seed() -> None:
    found = samples(run(2, scores={**SCORES, "J": 65.0}), run(1))
    assert found.of("none", "J") == Sample({1: 64.0, 2: 65.0})
    assert found.of("none", "F") == Sample({1: 40.0, 2: 40.0})
    assert found.of("isl", "J") == Sample()
    assert found.apart == {}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"stack": "cu130"}, "stack: cu130 here, cu117 in the runs that are judged"),
        (
            {"options": {"crf": "plain"}},
            "option crf: plain here, final in the runs that are judged",
        ),
        ({"steps": {"train": step_of("other")}}, "environment of train: other here, e in the runs"),
        ({"steps": {"train": step_of("e", "other")}}, "source repository of train: "),
        ({"steps": {"train": step_of(site="other")}}, "package site of train: other here, s in"),
    ],
)
def test_unlike_runs_are_listed_apart_and_never_pooled(other: dict[str, Any], why: str) -> None:
    common: dict[str, Any] = {"options": {"crf": "final"}, "steps": {"train": step_of(site="s")}}
    stray = run(9, tag="x", **{**common, **other})
    found = samples(*(run(seed, **common) for seed in (1, 2)), stray)
    assert set(found.of("none", "J").values) == {1, 2}
    assert list(found.apart) == [stray.id]
    assert found.apart[stray.id].startswith(why)


def test_a_loss_brings_a_package_of_its_own_into_the_same_setting() -> None:
    arm = {"train": step_of(losses="l")}
    found = samples(run(1), run(1, "isl", steps=arm))
    assert found.apart == {}
    assert set(found.cells) == {(losses, m) for losses in ("none", "isl") for m in ("J", "F", "JF")}


def test_more_runs_decide_which_setting_is_judged_and_never_their_scores() -> None:
    best = {"J": 99.0, "F": 99.0, "JF": 99.0}
    few = [run(seed, tag="x", stack="cu130", scores=best) for seed in (1, 2)]
    found = samples(*few, *(run(seed) for seed in (1, 2, 3)))
    assert set(found.of("none", "J").values.values()) == {64.0}
    assert set(found.apart) == {one.id for one in few}


def test_smoke_scale_is_refused_with_the_reason() -> None:
    small = run(1, scale=Scale.SMOKE)
    found = samples(small)
    assert found.cells == {}
    assert found.apart == {
        small.id: "scale smoke proves wiring, never accuracy: it is not judged against the paper"
    }


def test_an_anchor_is_no_run_of_ours() -> None:
    anchored = run(1, record={"run": {"anchor": "cam-network"}})
    assert samples(anchored).apart == {
        anchored.id: "anchor cam-network: it starts from the authors' own file"
    }


def test_a_finished_run_whose_records_are_gone_is_listed_apart() -> None:
    gone = step_of()
    bare = run(1, steps={"train": type(gone)(name="train", key="k", status="done", error=None,
                                              record=None, log=None, out=None)})  # fmt: skip
    assert samples(bare).apart == {bare.id: "nothing tells what it ran: no record of train"}


def test_a_seed_that_failed_is_kept_in_sight() -> None:
    failed = run(3, status="failed", scores={}, steps={})
    found = samples(run(1), run(2), failed).of("none", "J")
    assert found == Sample({1: 64.0, 2: 64.0}, {3: "the run is failed and has no final score"})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_no_score(value: float) -> None:
    found = samples(run(1), run(2, scores={**SCORES, "J": value}))
    assert found.of("none", "J") == Sample({1: 64.0}, {2: f"its J is {value}"})
    assert set(found.of("none", "F").values) == {1, 2}


def test_a_seed_counts_once_however_often_it_ran() -> None:
    again = run(1, tag="y", runtime="podman", scores={**SCORES, "J": 70.0})
    found = samples(run(1), again)
    assert found.of("none", "J") == Sample({1: 64.0})
    assert found.apart == {again.id: f"seed 1 again, as in {run(1).id}: it counts once"}


def test_what_the_paper_does_not_print_is_named() -> None:
    stray = run(1, method="demo", backbone="tiny")
    assert outside(evidence([stray]), ["seam/res38"]) == {
        stray.id: "demo/tiny is in no table of the paper: there is nothing to judge it by"
    }


def test_five_good_seeds_beside_a_failed_one_are_incomplete() -> None:
    bad = run(6, status="failed", scores={}, steps={})
    found = judge(evidence((*fed_back().runs, bad)), published())
    cell = next(one for one in found.cells if one.number.id == "t6/seam/res38/none/J")
    assert cell.status == Status.INCOMPLETE
    assert cell.notes == ("seed 6: the run is failed and has no final score",)
    assert next(one for one in found.claims if one.id == "s2/isl/J").status == Held.OPEN

"""The published numbers are those of the paper's supplement, cell by cell."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import ManifestError
from harness.layout import ProjectLayout
from harness.manifest.load import load_catalogue, load_published
from harness.manifest.paper import Number
from tests.golden import PROJECT
from tests.supplement import supplement, table_6, table_7

SUPPLEMENT = supplement()
PAPER = load_published(PROJECT)
NUMBERS = {number.id: number for number in PAPER.numbers}


def test_table_6_equals_the_supplement_cell_by_cell() -> None:
    cells = list(table_6())
    assert len(cells) == 63
    found = [(n.id, n.value, n.spread) for n in PAPER.numbers if n.table == 6]
    assert sorted(found) == sorted(cells)
    assert {n.status for n in PAPER.numbers if n.table == 6} == {"printed"}


def test_table_7_equals_the_supplement_cell_by_cell() -> None:
    cells = dict(table_7())
    assert len(cells) == 14 * 4
    assert {n.id: n.value for n in PAPER.numbers if n.table == 7} == cells
    for name, value in cells.items():
        assert NUMBERS[name].status == ("dash" if value is None else "printed"), name
        assert NUMBERS[name].spread is None


def test_the_methods_that_table_7_quotes() -> None:
    found = [
        (o.title, o.reference, o.backbone_title, o.reported_val, o.reported_test)
        for o in PAPER.other_methods
    ]
    assert found == [tuple(line.values()) for line in SUPPLEMENT["table7_others"]]
    assert len(found) == 21


def test_table_8_is_the_stages_of_the_repositories() -> None:
    printed = {(line["repository"], line["method"], line["steps"]) for line in SUPPLEMENT["table8"]}
    repositories = load_catalogue(PROJECT).repositories.values()
    said = {(pin.url, name, on) for pin in repositories for name, on in pin.stages.items()}
    scalenet = ("https://github.com/Eli-YiLi/ScaleNet", "pmm", "2-3, 6")  # PMM needs a file of it
    assert {one for one in said if one[1] != "demo"} == printed | {scalenet}
    assert len({url for url, _, _ in printed}) == 9


def test_the_claims_are_those_of_the_text() -> None:
    names = ("losses", "metric", "split", "gain", "method", "backbone")
    found = {(c.against, *(getattr(c, name) for name in names)) for c in PAPER.claims}
    assert found == {
        (one.get("against", "none"), *(one.get(name) for name in names))
        for one in SUPPLEMENT["claims"]
    }
    assert len(PAPER.claims) == len(found) == 8


def gain(claim: Any, row: str) -> float:
    """The gain of one row by the printed cells."""
    if claim.table == 6:
        ours = NUMBERS[f"t6/{row}/{claim.losses}/{claim.metric}"]
        base = NUMBERS[f"t6/{row}/none/{claim.metric}"]
    else:
        column = "reported" if claim.against == "reported" else "reproduced"
        ours = NUMBERS[f"t7/{row}/reproduced/{claim.losses}/{claim.split}"]
        base = NUMBERS[f"t7/{row}/{column}/none/{claim.split}"]
    assert ours.value is not None
    assert base.value is not None
    return ours.value - base.value


@pytest.mark.parametrize("claim", PAPER.claims, ids=lambda claim: claim.id)
def test_claims_agree_with_the_cells_or_say_what_the_cells_give(claim: Any) -> None:
    rows = [f"{claim.method}/{claim.backbone}"] if claim.method else [r.name for r in PAPER.rows]
    mean = sum(gain(claim, row) for row in rows) / len(rows)
    if claim.recomputed == "agrees":
        assert mean == pytest.approx(claim.gain, abs=0.05)
    else:
        assert claim.id == "s2/isl/F"
        assert mean == pytest.approx(claim.recomputed, abs=0.005)
        assert abs(mean - claim.gain) > 0.05


def test_the_tables_agree_with_each_other() -> None:
    for row in PAPER.rows:
        assert (
            NUMBERS[f"t6/{row.name}/none/J"].value
            == NUMBERS[f"t7/{row.name}/reproduced/none/val"].value
        )
        for losses in ("none", "isl", "fsl"):
            j, f, both = (NUMBERS[f"t6/{row.name}/{losses}/{m}"].value for m in ("J", "F", "JF"))
            assert j is not None
            assert f is not None
            assert both == pytest.approx((j + f) / 2, abs=0.0501)


def test_what_both_losses_reach_is_below_fsl_where_the_manifest_says_so() -> None:
    below = {
        row.name
        for row in PAPER.rows
        if (NUMBERS[f"t7/{row.name}/reproduced/isl+fsl/val"].value or 0)
        < (NUMBERS[f"t6/{row.name}/fsl/J"].value or 0)
    }
    assert below == set(PAPER.not_claimed[0]["lower_in"])


def test_what_no_source_at_hand_prints_is_unknown() -> None:
    """Table 6 has no lines of both losses: their F is in no table of the supplement."""
    unknown = [n for n in PAPER.numbers if n.status == "unknown"]
    assert {(n.losses, n.metric) for n in unknown} == {("isl+fsl", "F"), ("isl+fsl", "JF")}
    assert len(unknown) == 14
    assert all(n.value is None and n.spread is None for n in unknown)


def test_every_number_says_where_it_is_printed() -> None:
    places = [number.place for number in PAPER.numbers]
    assert len(set(places)) == len(places)
    assert NUMBERS["t6/seam/res38/isl/F"].place == "Table 6: SEAM Res38, isl, F val"
    assert NUMBERS["t7/pmm/res38/reported/none/test"].place == (
        "Table 7: PMM Res38, none, reported test"
    )
    assert {number.source for number in PAPER.numbers} <= set(PAPER.sources)


def test_a_number_knows_what_it_can_support() -> None:
    def shape(number: Number) -> tuple[Any, ...]:
        return number.kind, number.selection, number.runs, number.spread_kind, number.ddof

    assert shape(NUMBERS["t6/pmm/res38/fsl/J"]) == ("mean-of-runs", "mean", 5, "sd", 0)
    columns = {
        ("reported", "val"): ("single", "unknown", None, "none", None),
        ("reported", "test"): ("single", "unknown", None, "none", None),
        ("reproduced", "val"): ("mean-of-runs", "mean", 5, "none", None),
        ("reproduced", "test"): (*["best-of-five-by-val"] * 2, 5, "none", None),
    }
    for number in PAPER.numbers:
        if number.table == 7:
            assert shape(number) == columns[number.column, number.split]


def test_the_figures_of_the_ablation_follow_from_mu_and_sigma() -> None:
    """A Gaussian's mass within r is 1 - exp(-r²/2σ²); f(δ) = tanh(μ + log(δ / (1 - δ))) < 0."""
    figures = {figure.id.removeprefix("s1/"): figure.value for figure in PAPER.figures}
    assert len(figures) == 6
    for radius in (5, 10):
        share = 100 * (1 - math.exp(-(radius**2) / (2 * figures["sigma"] ** 2)))
        assert figures[f"within-{radius}"] == pytest.approx(share, abs=0.5)
    assert figures["similar-below"] == pytest.approx(1 / (1 + math.exp(figures["mu"])), abs=5e-4)
    assert figures["mu"] == PAPER.settings["fsl_mu"]
    assert figures["sigma"] == PAPER.settings["fsl_sigma"]
    assert figures["cam-side"] * 8 == 448


def changed(tmp_path: Path, *place: str | int, to: Any) -> ProjectLayout:
    """The real published numbers with one place changed."""
    layout = ProjectLayout(tmp_path)
    document = yaml.safe_load(PROJECT.paper.read_text(encoding="utf-8"))
    at = document
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = to
    layout.paper.parent.mkdir(parents=True)
    layout.paper.write_text(yaml.safe_dump(document), encoding="utf-8")
    return layout


LINE = ("tables", 0, "lines", 0)


@pytest.mark.parametrize(
    ("place", "to", "words"),
    [
        ((*LINE, "cells"), ["63.9 ± 0.5"], "expected 3 cells, found 1"),
        ((*LINE, "cells", 0), "63.9 + 0.5", "cells"),
        ((*LINE, "cells", 0), "about 63", "cells"),
        ((*LINE, "cells", 0), 163.9, "less than or equal to 100"),
        ((*LINE, "cells", 0), None, "cells"),
        ((*LINE, "row"), "seem/res38", "no row 'seem/res38'"),
        ((*LINE, "losses"), "ISL", "losses"),
        ((*LINE, "losses"), "isl", "t6/seam/res38/isl/J twice"),
        ((*LINE, "vale"), 1, "unknown key 'vale'"),
        (("tables", 0, "columns", 0, "metric"), "mIoU", "metric"),
        (("claims", 0, "gain"), "positive", "gain"),
    ],
)
def test_bad_published_numbers(
    tmp_path: Path, place: tuple[str | int, ...], to: Any, words: str
) -> None:
    with pytest.raises(ManifestError, match=words):
        load_published(changed(tmp_path, *place, to=to))

"""Contract of class ratios: Spatial-BCE's dict of foreground shares, and every fault in it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.contracts import ContractError, check
from harness.contracts.npy_ratios import ROUNDING
from harness.manifest.contract import NpyRatios

IDS = ("2007_000032", "2007_000039")


def row(**shares: float) -> list[np.float64]:
    """Twenty shares as upstream writes them, `c14=0.25` for class 14."""
    return [np.float64(shares.get(f"c{number}", 0)) for number in range(20)]


def rows(**shares: float) -> dict[str, list[np.float64]]:
    """The ratios of both ids, those of the second as given."""
    return {IDS[0]: row(), IDS[1]: row(**shares)}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A list and the image labels: classes 0 and 14; 19."""
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    labels = {name: np.zeros(20, np.float32) for name in IDS}
    labels[IDS[0]][[0, 14]] = 1
    labels[IDS[1]][19] = 1
    np.save(tmp_path / "labels.npy", labels)
    return tmp_path


def checked(out: Path, content: Any, **fields: Any) -> dict[str, Any]:
    np.save(out / "ratios.npy", content)
    contract = NpyRatios(**({"kind": "npy-ratios", "ids": "ids.txt"} | fields))
    return dict(check(contract, out / "ratios.npy", lambda template: out / template))


def refused(out: Path, content: Any, **fields: Any) -> str:
    with pytest.raises(ContractError) as raised:
        checked(out, content, **fields)
    assert "ratios.npy breaks its contract npy-ratios" in str(raised.value)
    return str(raised.value)


def test_sound_ratios_pass_and_say_what_was_seen(out: Path) -> None:
    content = {IDS[0]: row(c0=0.25, c14=0.5), IDS[1]: [0.0] * 19 + [1.0]}
    assert checked(out, content, labels="labels.npy") == {"count": 2, "low": 0.0, "high": 1.0}


@pytest.mark.parametrize(
    "values",
    [
        row(c3=0.5),
        [0.5] * 20,
        [np.float32(0.5)] * 20,
        np.full(20, 0.5, np.float32),
        np.full(20, 0.5, np.float64),
        [0, 0.5, *[0] * 18],  # torch makes floating-point numbers of all of them
    ],
)
def test_every_floating_point_form_is_read(out: Path, values: Any) -> None:
    assert checked(out, {IDS[0]: row(), IDS[1]: values})["high"] == 0.5


@pytest.mark.parametrize("values", [[0] * 20, [1] + [0] * 19, np.zeros(20, np.int64)])
def test_whole_numbers_are_refused_which_no_loader_can_join_to_others(
    out: Path, values: Any
) -> None:
    found = refused(out, {IDS[0]: row(), IDS[1]: values})
    assert f"floating-point numbers for {IDS[1]}" in found
    assert "int" in found


@pytest.mark.parametrize("values", [["0.5"] * 20, [True] * 20, "0.5"])
def test_what_is_no_number_is_refused(out: Path, values: Any) -> None:
    assert f"floating-point numbers for {IDS[1]}" in refused(out, {IDS[0]: row(), IDS[1]: values})


@pytest.mark.parametrize("values", [row()[:-1], [*row(), np.float64(0)], row()[:1], [], 0.5])
def test_too_few_and_too_many_numbers(out: Path, values: Any) -> None:
    assert f"20 numbers for {IDS[1]}" in refused(out, {IDS[0]: row(), IDS[1]: values})


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", ["c0", "c7", "c19"])
def test_values_that_are_not_finite(out: Path, at: str, wrong: float) -> None:
    assert f"from 0 to 1 for {IDS[1]}" in refused(out, rows(**{at: wrong}))


@pytest.mark.parametrize("wrong", [1.5, -0.5, 100.0, 1 + 2 * ROUNDING, -2 * ROUNDING])
def test_values_out_of_range(out: Path, wrong: float) -> None:
    assert f"from 0 to 1 for {IDS[1]}" in refused(out, rows(c19=wrong))


@pytest.mark.parametrize("rounded", [-1e-7, 1 + 1e-7, -ROUNDING / 2, 1 + ROUNDING / 2])
def test_a_value_out_of_range_by_rounding_is_a_warning(out: Path, rounded: float) -> None:
    found = checked(out, rows(c19=rounded), labels="labels.npy")
    assert found["count"] == 2
    assert rounded in {found["low"], found["high"]}
    [warning] = found["warnings"]
    assert "1 ids" in warning
    assert IDS[1] in warning


def test_a_class_that_is_absent_may_be_below_zero_by_rounding(out: Path) -> None:
    assert checked(out, rows(c3=-1e-7), labels="labels.npy")["warnings"]


@pytest.mark.parametrize("left", [(), IDS[:1], IDS[1:]])
def test_missing_ids_are_named(out: Path, left: tuple[str, ...]) -> None:
    found = refused(out, {name: row() for name in left})
    missing = [name for name in IDS if name not in left]
    assert f"{len(missing)} missing: {', '.join(missing)}" in found


@pytest.mark.parametrize("more", ["2007_000063", "a.b", 2007000032])
def test_more_ids_are_refused_unless_others_may_be_there(out: Path, more: str | int) -> None:
    content: dict[str | int, Any] = {**rows(), more: row()}
    assert f"1 more: {more}" in refused(out, content)
    assert checked(out, content, others=True)["count"] == 2


@pytest.mark.parametrize("spelt", ["{}.jpg", "{}.", ".{}"])
def test_an_id_under_another_name_is_missing(out: Path, spelt: str) -> None:
    content = {IDS[0]: row(), spelt.format(IDS[1]): row()}
    assert f"1 missing: {IDS[1]}" in refused(out, content, others=True)


@pytest.mark.parametrize("name", ["2007.000032", "a.b.c", "2007_000032.v2"])
def test_ids_may_have_dots(out: Path, name: str) -> None:
    (out / "ids.txt").write_text(f"{name}\n")
    assert checked(out, {name: row(c1=0.5)})["count"] == 1


def test_an_absent_class_covers_nothing_where_labels_are_named(out: Path) -> None:
    content = {IDS[0]: row(c3=0.5), IDS[1]: row()}
    assert "[3]" in refused(out, content, labels="labels.npy")
    assert checked(out, content)["high"] == 0.5


@pytest.mark.parametrize("content", [[], {"a": {"b": 1}}, np.zeros(3)])
def test_another_object(out: Path, content: Any) -> None:
    assert "ids of the list" in refused(out, content) or "pickled dict" in refused(out, content)

"""What a published number is, and so what it can support."""

from enum import StrEnum

from harness.manifest.paper import Number, Published
from harness.verdict.margin import Margin, margin
from harness.verdict.spread import Summary, half_unit, sample_sd

Family = tuple[int | None, str | None]


class Reading(StrEnum):
    """How a printed spread is read. The first one is judged by, the others show what hangs on it.

    The paper says neither what ± is nor by which formula; a spread of 0.1 stands for 0.05 to 0.15.
    """

    MANIFEST = "as the manifest declares it"
    DDOF_1 = "ddof 1"
    UPPER = "the upper end of the rounded spread"


def mean_of_runs(
    published: Published, row: str, losses: str, metric: str, split: str = "val"
) -> Number | None:
    """The mean that the paper prints for METHOD/BACKBONE, with a spread where one is printed.

    Table 7 repeats means of Table 6 without their spreads. None where the paper prints none.
    """
    means = (
        one
        for one in published.numbers
        if (f"{one.method}/{one.backbone}", one.losses, one.metric) == (row, losses, metric)
        and (one.split, one.kind) == (split, "mean-of-runs")
        and one.value is not None
    )
    return max(means, key=lambda one: one.spread is not None, default=None)


def baseline(published: Published, number: Number) -> Number | None:
    """The mean without losses of the same row, metric and split; None where none is printed."""
    row = f"{number.method}/{number.backbone}"
    return mean_of_runs(published, row, "none", number.metric, number.split)


def summary_of(number: Number, reading: Reading = Reading.MANIFEST) -> Summary:
    """A published number as a summary; a single one is the mean of one run.

    Raises ValueError for a number without value.
    """
    if number.value is None:
        raise ValueError(f"{number.id} has no value: its status is {number.status}")
    spread, ddof = number.spread, number.ddof
    if reading is Reading.DDOF_1:
        ddof = 1
    if reading is Reading.UPPER and spread is not None:
        spread += half_unit(number.decimals)
    runs = 1 if number.kind == "single" else number.runs or 1
    return Summary(number.value, sample_sd(spread, number.spread_kind, runs, ddof), runs)


def margin_of(published: Published, number: Number) -> Margin:
    """δ of a cell: by its gain over the baseline of its row."""
    twin = baseline(published, number)
    if number.losses == "none" or twin is None or twin.value is None or number.value is None:
        return margin(None)
    return margin(number.value - twin.value)


def why_not_judged(published: Published, number: Number) -> str | None:
    """Why no run can confirm or refute a number; None if one can."""
    twin = baseline(published, number)
    if number.value is None:
        return f"the source prints no number here ({number.status})"
    if number.metric == "JF":
        return "the mean of J and F: shown, never judged by itself"
    if number.split == "test" or number.kind == "best-of-five-by-val":
        return "one run, the best of five by val: shown, never judged"
    if number.metric in published.row(f"{number.method}/{number.backbone}").unsettled:
        return "with or without the CRF is not known: judged on neither until a run shows which"
    if twin is None:
        no_gain = "its baseline is not known, so there is no margin"
        return None if number.losses == "none" else no_gain
    repeats = number.losses == "none" and number.kind == "mean-of-runs" and twin.id != number.id
    return f"the mean of {twin.id}, judged there" if repeats else None


def is_reported(number: Number) -> bool:
    """Whether a number is what a publication reported on val."""
    return number.column == "reported" and number.split == "val"


def family(number: Number) -> Family:
    """The table whose judged cells share one Holm correction.

    In Table 7 the two columns are apart: reported numbers are no results of the paper.
    """
    return number.table, "reported" if is_reported(number) else None

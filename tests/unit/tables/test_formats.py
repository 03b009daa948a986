"""Renderers: what goes in comes out, and no text in a table is read as markup or a command."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tables.csv_text import csv_text
from harness.tables.formats import TEXTS, Format
from harness.tables.latex import latex
from harness.tables.markdown import markdown
from harness.tables.model import (
    Absent,
    Cell,
    Column,
    Gap,
    Line,
    Measured,
    Printed,
    Seeds,
    Table,
    Words,
    document,
)

NASTY = "a|b & 50% #1 $x_{2}^3$ \\cmd ~ <i>*x*</i> [l](u) `c` \x1b[31mred\x1b[0m\u202e μ é 字"


def table(*lines: tuple[Cell, ...], title: str = "Title", notes: tuple[str, ...] = ()) -> Table:
    columns = (
        Column(name="method", head="method"),
        Column(name="J_paper", head="paper", group="J", numeric=True, spreads=True),
        Column(name="J_gap", head="gap", group="J", numeric=True),
    )
    made = tuple(Line(cells=cells, group=str(index)) for index, cells in enumerate(lines))
    return Table(name=6, title=title, columns=columns, lines=made, notes=notes)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_numbers_unrounded_and_spreads_in_columns_of_their_own() -> None:
    measured = Measured({1: 63.123456, 2: 64.2})
    rows = read(
        csv_text(
            table(
                (Words("SEAM"), Printed(63.9, 0.5), Gap(-0.123456)),
                (Words('a, "b"'), measured, Absent("no runs")),
                (Words("few"), Seeds({1: 60.0}), Absent("unknown")),
            )
        )
    )
    assert list(rows[0]) == ["method", "J_paper", "J_paper_sd", "J_gap"]
    assert rows[0] == {
        "method": "SEAM",
        "J_paper": "63.9",
        "J_paper_sd": "0.5",
        "J_gap": "-0.123456",
    }
    assert rows[1]["method"] == 'a, "b"'
    assert float(rows[1]["J_paper"]) == measured.value
    assert float(rows[1]["J_paper_sd"]) == measured.spread
    assert rows[1]["J_gap"] == ""
    assert (rows[2]["J_paper"], rows[2]["J_paper_sd"], rows[2]["J_gap"]) == ("", "", "")


def test_markdown_has_a_line_for_each_line_and_its_notes_below() -> None:
    text = markdown(table((Words("SEAM"), Printed(63.9, 0.5), Gap(1.0)), notes=("one", "two")))
    assert text.splitlines() == [
        "**Table 6: Title**",
        "",
        "| method | J paper | J gap |",
        "| :--- | ---: | ---: |",
        "| SEAM | 63.9 ± 0.5 | +1.0 |",
        "",
        "- one",
        "- two",
    ]


@given(st.text(max_size=40))
def test_markdown_reads_no_text_as_markup(text: str) -> None:
    shown = markdown(
        table((Words(text), Absent("dash"), Absent("dash")), title=text, notes=(text,))
    )
    lines = shown.splitlines()
    assert len(re.findall(r"(?<!\\)\|", lines[4])) == 4  # its own bars only
    assert all(lines[index].startswith("|") for index in (2, 3, 4))
    bare = re.sub(r"\\.", "", lines[4])
    assert not set(bare) & set("*_`<>[]#~&\x1b\u202e")


def test_latex_has_booktabs_rules_groups_and_small_spreads() -> None:
    lines = latex(
        table(
            (Words("SEAM"), Printed(63.9, 0.5), Gap(1.0)),
            (Words("SIPE"), Absent("dash"), Absent("dash")),
            notes=("a note",),
        )
    ).splitlines()
    assert r"\caption{Title}" in lines  # LaTeX numbers tables itself
    assert r"\begin{tabular}{@{}lrr@{}}" in lines
    assert r"\multicolumn{1}{c}{} & \multicolumn{2}{c}{J} \\" in lines
    assert r"\cmidrule(lr){2-3}" in lines
    assert r"SEAM & $63.9{\scriptstyle\pm0.5}$ & $+1.0$ \\" in lines
    assert r"SIPE & - & - \\" in lines
    assert [line for line in lines if line.endswith("rule")] == [
        r"\toprule",
        r"\midrule",
        r"\midrule",
        r"\bottomrule",
    ]
    assert lines.index("a note") > lines.index(r"\end{tabular}}")


@given(st.text(max_size=40))
def test_latex_reads_no_text_as_a_command(text: str) -> None:
    line = next(
        one
        for one in latex(table((Words(text), Absent("dash"), Absent("dash")))).splitlines()
        if one.endswith(r" & - & - \\")
    )
    cell = line.removesuffix(r" & - & - \\")
    assert cell.isascii()
    commands = set(re.findall(r"\\[a-zA-Z]+", cell))
    assert commands <= {
        r"\textbackslash",
        r"\textasciitilde",
        r"\textasciicircum",
        r"\textless",
        r"\textgreater",
        r"\textbar",
        *(rf"\{name}" for name in ("pm", "rightarrow", "geq", "times", "delta", "mu", "sigma")),
    }
    bare = re.sub(r"\\[a-zA-Z]+(\{\})?|\\[&%$#_{}]|\$(?=\\|-)|(?<=[a-z-])\$", "", cell)
    assert not set(bare) & set("&%#_{}^~\\")


@pytest.mark.parametrize("name", TEXTS)
def test_no_format_lets_a_terminal_sequence_through(name: Format) -> None:
    cells = (Words(NASTY), Absent("dash"), Absent("dash"))
    text = TEXTS[name](table(cells, title=NASTY, notes=(NASTY,)))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_document_has_a_name_in_every_row() -> None:
    found = document(table((Words(NASTY), Gap(1), Absent("dash"))))
    assert found["rows"] == [{"name": NASTY, "method": NASTY, "J_paper": 1, "J_gap": None}]


def test_every_format_but_the_terminal_is_a_text() -> None:
    assert set(TEXTS) | {Format.TERMINAL, Format.JSON} == set(Format)

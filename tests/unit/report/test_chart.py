"""Charts take colours and font from the page, and share no id."""

import re
from xml.etree import ElementTree as ET

from harness.report.chart import LOSSES, STAGES, drawing, losses_legend, svg


def chart(name: str) -> str:
    with drawing(300, 150, ncols=2) as (figure, axes):
        losses_legend(figure, list(LOSSES))
        axes[0].plot([1, 2], [3, 4], color=LOSSES["fsl"])
        axes[1].barh([0, 1], [1, 2], color=[STAGES[0], STAGES[8]])
        axes[1].set_title("a & b")
        return svg(figure, name)


def test_colours_are_the_pages() -> None:
    element = chart("one")
    assert not re.search(r"#[0-9a-f]{6}", element)
    assert {"var(--loss-2)", "var(--stage-9)", "var(--ink)"} <= set(
        re.findall(r"var\([\w-]+\)", element)
    )


def test_text_is_text_in_the_pages_font() -> None:
    element = chart("one")
    texts = [one.text for one in ET.fromstring(element).iter() if one.tag.endswith("text")]
    assert {"a & b", "isl+fsl"} <= set(texts)
    assert "font-family" not in element


def test_equal_charts_of_two_names_share_no_id() -> None:
    one, two = chart("one"), chart("two")
    ids = [set(re.findall(r' id="([^"]+)"', element)) for element in (one, two)]
    assert not ids[0] & ids[1]
    assert set(re.findall(r"url\(#([^)]+)\)", one)) <= ids[0]
    assert one == chart("one")

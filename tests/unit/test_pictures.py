"""The pictures of the documentation are taken from the program, and fetch nothing."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"


@pytest.fixture(scope="module")
def live() -> ModuleType:
    spec = importlib.util.spec_from_file_location("live", FOLDER / "live.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_screen_becomes_a_picture_with_its_words_and_colours(live: ModuleType) -> None:
    drawn = live.svg("\x1b[32mdone\x1b[0m demo 1 data\n\n\n", "harness")
    assert ">done<" in drawn
    assert re.search(r"\.live-r\d+ \{ fill: #98a84b", drawn)  # green
    assert "demo&#160;1&#160;data" in drawn
    assert drawn.count('clip-path="url(#live-line-') == 3  # two texts, and the end of the line


def test_a_screen_is_kept_only_while_a_training_is_on_its_way(live: ModuleType) -> None:
    assert live.is_telling("demo  7  train-final  tiny none s1  41/80  0:03")
    assert not live.is_telling("demo  7  train-final  tiny none s1  80/80  0:06")
    assert not live.is_telling("[11/65] done demo 6 score-pseudo")


def test_the_picture_that_is_kept_fetches_nothing() -> None:
    text = (FOLDER / "live.svg").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\"\s)]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert "train-" in text

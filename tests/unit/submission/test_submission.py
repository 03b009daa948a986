"""Which run is handed in, how its predictions are packed, and what is written down of the answer."""

import datetime as dt
import gzip
import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.commands.submission import test_labels as labels_of_test
from harness.contracts.failure import ContractError
from harness.errors import MismatchError, NotReadyError, UsageError
from harness.evidence.gather import gather
from harness.layout import RunLayout
from harness.manifest.contract import PngLabels
from harness.manifest.placeholders import fill
from harness.readers.label_png import read_labels
from harness.readers.palettes import VOC
from harness.submission.answer import record_answer
from harness.submission.choice import best_run
from harness.submission.package import FOLDER, TEST_IMAGES, Predictions, coloured, pack
from tests.chain import Chain
from tests.evidence import Finished, finish

IDS = ("2008_000006", "2008_000011", "2008_000012")
ROWS = {
    ("seam", "res38"): "predict-test",
    ("sipe", "res38"): "predict-test",
    ("sipe", "res101"): "crf-deeplab-test",
    ("spatial-bce", "res38"): "predict-test",
    ("spatial-bce", "res101"): "crf-deeplab-test",
    ("pmm", None): "predict-test",
    ("mctformer", None): "predict-test",
}


def png(labels: np.ndarray[Any, Any]) -> bytes:
    written = io.BytesIO()
    Image.fromarray(labels.astype(np.uint8)).save(written, "PNG")
    return written.getvalue()


@pytest.fixture
def predictions(tmp_path: Path) -> Predictions:
    """Three predictions of 6 x 4 pixels with every class, their images and their list."""
    found = Predictions(
        labels=tmp_path / "labels", ids=tmp_path / "test.txt", images=tmp_path / "JPEGImages"
    )
    found.labels.mkdir()
    found.images.mkdir()
    found.ids.write_text("\n".join(reversed(IDS)) + "\n")
    for at, name in enumerate(IDS):
        values = (np.arange(24).reshape(4, 6) + at) % 21
        (found.labels / f"{name}.png").write_bytes(png(values))
        Image.new("RGB", (6, 4)).save(found.images / f"{name}.jpg")
    return found


def test_the_package_has_every_image_as_the_server_wants_it(
    predictions: Predictions, tmp_path: Path
) -> None:
    made = pack(predictions, tmp_path / "out" / "p.tar.gz", images=3)
    assert made.images == 3
    with tarfile.open(made.file, "r:gz") as archive:
        assert archive.getnames() == [f"{FOLDER}/{name}.png" for name in IDS]
        for at, name in enumerate(IDS):
            member = archive.extractfile(f"{FOLDER}/{name}.png")
            assert member is not None
            with Image.open(io.BytesIO(member.read())) as image:
                assert image.mode == "P"
                assert image.size == (6, 4)
                assert np.array_equal(np.array(image), (np.arange(24).reshape(4, 6) + at) % 21)
                palette = image.getpalette()
                assert palette is not None
                assert [tuple(palette[3 * v : 3 * v + 3]) for v in range(21)] == list(VOC[:21])
                assert image.convert("RGB").getpixel((1, 0)) == VOC[1 + at]


def test_equal_predictions_give_equal_bytes_whenever_and_wherever(
    predictions: Predictions, tmp_path: Path
) -> None:
    first = pack(predictions, tmp_path / "a.tar.gz", images=3)
    for path in predictions.labels.iterdir():
        path.touch()
    second = pack(predictions, tmp_path / "another name.tar.gz", images=3)
    assert first.file.read_bytes() == second.file.read_bytes()
    assert first.sha256 == second.sha256


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_colouring_keeps_every_value(width: int, height: int, data: Any) -> None:
    values = data.draw(
        st.lists(st.integers(0, 20), min_size=width * height, max_size=width * height)
    )
    labels = np.array(values, np.uint8).reshape(height, width)
    mode, found = read_labels(coloured(png(labels)))
    assert mode == "P"
    assert np.array_equal(found, labels)
    assert coloured(coloured(png(labels))) == coloured(png(labels))


def drop(found: Predictions) -> None:
    (found.labels / f"{IDS[0]}.png").unlink()


def add(found: Predictions) -> None:
    shutil.copy(found.labels / f"{IDS[0]}.png", found.labels / "2008_000001.png")


def resize(found: Predictions) -> None:
    (found.labels / f"{IDS[1]}.png").write_bytes(png(np.zeros((6, 4))))


def void(found: Predictions) -> None:
    (found.labels / f"{IDS[1]}.png").write_bytes(png(np.full((4, 6), 255)))


def unknown(found: Predictions) -> None:
    (found.labels / f"{IDS[1]}.png").write_bytes(png(np.full((4, 6), 21)))


def cut(found: Predictions) -> None:
    path = found.labels / f"{IDS[2]}.png"
    path.write_bytes(path.read_bytes()[:-20])


def colour(found: Predictions) -> None:
    Image.new("RGB", (6, 4)).save(found.labels / f"{IDS[2]}.png")


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (drop, "1 missing"),
        (add, "1 unexpected"),
        (resize, "6x4 pixels"),
        (void, "255"),
        (unknown, "values 0..20"),
        (cut, IDS[2]),
        (colour, IDS[2]),
    ],
)
def test_predictions_that_the_server_would_not_take_are_refused(
    predictions: Predictions, tmp_path: Path, spoil: Callable[[Predictions], None], text: str
) -> None:
    spoil(predictions)
    with pytest.raises(ContractError, match=text):
        pack(predictions, tmp_path / "to" / "p.tar.gz", images=3)
    assert not (tmp_path / "to").exists()


def test_a_short_list_is_refused(predictions: Predictions, tmp_path: Path) -> None:
    with pytest.raises(MismatchError, match="expected 1456 ids, found 3"):
        pack(predictions, tmp_path / "p.tar.gz")


def test_a_disk_that_is_full_leaves_nothing(
    predictions: Predictions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("harness.submission.package.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        pack(predictions, tmp_path / "to" / "p.tar.gz", images=3)
    assert list((tmp_path / "to").iterdir()) == []


def test_the_gzip_has_no_name_and_no_time(predictions: Predictions, tmp_path: Path) -> None:
    head = pack(predictions, tmp_path / "p.tar.gz", images=3).file.read_bytes()[:10]
    assert head[3] == 0  # no flag: neither name nor comment
    assert head[4:8] == bytes(4)
    assert gzip.decompress((tmp_path / "p.tar.gz").read_bytes())[257:262] == b"ustar"


def test_the_count_is_that_of_the_list_that_steps_cut() -> None:
    step = Chain("seam", with_test=True)()["lists-test"]
    expected = step.argv[step.argv.index("--expect") + 1]
    assert expected.split(":")[0] == f"test={TEST_IMAGES}"


@pytest.mark.parametrize(("row", "name"), ROWS.items(), ids=str)
def test_of_every_row_the_labels_that_match_final_are_handed_in(
    row: tuple[str, str | None], name: str
) -> None:
    step, output = labels_of_test(Chain(*row, with_test=True).plan())
    assert (step.name, output) == (name, "labels")
    contract = step.outputs[output].contract
    assert isinstance(contract, PngLabels)
    listed = {"in.list": step.inputs["list"].path} if "list" in step.inputs else {}
    assert fill(contract.ids, listed.get).endswith("test.txt")


def test_a_method_without_a_test_step_is_refused() -> None:
    with pytest.raises(UsageError, match="0 steps that predict"):
        labels_of_test(Chain("seam").plan())


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    return RunLayout(tmp_path / "runs")


def five(layout: RunLayout, *values: float) -> list[str]:
    """Runs of these J, seeds 1, 2, …"""
    runs = [Finished("seam", "res38", "isl+fsl", at, J=J, F=40.0) for at, J in enumerate(values, 1)]
    for run in runs:
        finish(layout, run)
    return [run.id for run in runs]


def test_the_highest_val_score_is_handed_in(layout: RunLayout) -> None:
    names = five(layout, 64.1, 65.3, 65.2, 60.0, 61.0)
    assert best_run(gather(layout), names).id == names[1]


def test_of_equal_ones_the_lowest_seed_is_handed_in(layout: RunLayout) -> None:
    names = five(layout, 64.1, 65.3, 65.3, 65.3, 61.0)
    assert best_run(gather(layout), list(reversed(names))).id == names[1]


def test_fewer_than_five_are_refused_and_named(layout: RunLayout) -> None:
    names = five(layout, 64.1, 65.3, 65.2)
    absent = [Finished("seam", "res38", "isl+fsl", seed, J=0, F=0).id for seed in (4, 5)]
    with pytest.raises(NotReadyError) as caught:
        best_run(gather(layout), [*names, *absent])
    assert str(caught.value).splitlines() == [
        "3 of 5 runs are finished; missing:",
        *(f"  - {name}: never ran" for name in absent),
    ]


def test_only_the_answer_gives_a_run_a_test_score(layout: RunLayout) -> None:
    names = five(layout, 64.1, 65.3)
    run = gather(layout).runs[1]
    assert run.test_score is None
    record_answer(layout, run, (69.4, "https://example.org/a", dt.date(2026, 11, 29)))
    assert {run.id: run.test_score for run in gather(layout).runs} == {
        names[0]: None,
        names[1]: 69.4,
    }


def test_another_answer_takes_replace(layout: RunLayout) -> None:
    five(layout, 64.1)
    run = gather(layout).runs[0]
    answer = (69.4, None, None)
    record_answer(layout, run, answer)
    before = layout.submission(run.id).read_bytes()
    record_answer(layout, run, answer)
    assert layout.submission(run.id).read_bytes() == before
    with pytest.raises(UsageError, match=r"J 69\.4"):
        record_answer(layout, run, (69.5, None, None))
    assert layout.submission(run.id).read_bytes() == before
    record_answer(layout, run, (69.5, None, None), replace=True)
    assert gather(layout).runs[0].test_score == 69.5


@pytest.mark.parametrize("value", [-0.1, 100.1, float("nan"), float("inf"), 694.0])
def test_what_is_no_percentage_is_refused(layout: RunLayout, value: float) -> None:
    five(layout, 64.1)
    with pytest.raises(UsageError, match="percentage"):
        record_answer(layout, gather(layout).runs[0], (value, None, None))
    assert not layout.submission(gather(layout).runs[0].id).exists()


def test_an_edited_answer_is_not_shown(layout: RunLayout) -> None:
    five(layout, 64.1)
    run = gather(layout).runs[0]
    record_answer(layout, run, (69.4, None, None))
    path = layout.submission(run.id)
    path.write_text(path.read_text().replace("69.4", "79.4"))
    found = gather(layout)
    assert found.runs[0].test_score is None
    assert [str(path) in line for line in found.damage] == [True]
    with pytest.raises(UsageError, match="not as it was written") as caught:
        record_answer(layout, run, (69.4, None, None))
    assert "--replace" in caught.value.hint

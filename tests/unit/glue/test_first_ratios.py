"""The first class ratios: drawn, or taken out of the file that Spatial-BCE ships."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.glue.first_ratios import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A list of one id, image labels and shipped ratios of two."""
    (tmp_path / "ids.txt").write_text("2007_000032\n")
    labels = np.zeros(20, np.float32)
    labels[[2, 14]] = 1
    rows = {"labels": labels, "shipped": [np.float64(0.1)] * 20}
    for name, row in rows.items():
        np.save(tmp_path / f"{name}.npy", {"2007_000032": row, "2007_000039": row})  # type: ignore[arg-type]
    return tmp_path


def run(folder: Path, *more: str) -> Any:
    main([f"--ids={folder / 'ids.txt'}", f"--out={folder / 'out' / 'ratios.npy'}", *more])
    return np.load(folder / "out" / "ratios.npy", allow_pickle=True).item()


def test_drawn_ratios_are_equal_shares_of_the_classes_present(folder: Path) -> None:
    found = run(folder, f"--labels={folder / 'labels.npy'}", "--share=0.25")
    assert list(found) == ["2007_000032"]
    assert {k for k, share in enumerate(found["2007_000032"]) if share == 0.25} == {2, 14}
    assert sum(found["2007_000032"]) == 0.5
    # A list of float64, as upstream's create_fg writes: torch then computes in double precision.
    assert {type(share) for share in found["2007_000032"]} == {np.float64}


def test_given_ratios_are_cut_to_the_list_and_kept_as_they_are(folder: Path) -> None:
    found = run(folder, f"--given={folder / 'shipped.npy'}")
    assert found == {"2007_000032": [np.float64(0.1)] * 20}
    assert type(found["2007_000032"][0]) is np.float64


def test_an_id_without_ratios_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "ids.txt").write_text("2007_000032\n2008_000001\n")
    with pytest.raises(SystemExit) as ended:
        run(folder, f"--given={folder / 'shipped.npy'}")
    assert ended.value.code == 2
    assert "1 ids are missing, first 2008_000001" in capsys.readouterr().err

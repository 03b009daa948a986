"""CAMs in irn's format: shapes, ranges and values, from small files of SEAM's format."""

from pathlib import Path

import numpy as np
import pytest

from harness.glue.irn_cams import convert, main


@pytest.mark.parametrize("size", [(8, 12), (9, 13), (3, 5), (46, 61)])
def test_sizes_are_those_of_irn(size: tuple[int, int]) -> None:
    found = convert({3: np.ones(size, np.float32), 0: np.ones(size, np.float32)})
    quarter = ((size[0] - 1) // 4 + 1, (size[1] - 1) // 4 + 1)
    assert (found["keys"].dtype, found["keys"].tolist()) == (np.int64, [0, 3])
    assert (found["cam"].dtype, found["cam"].shape) == (np.float32, (2, *quarter))
    assert (found["high_res"].dtype, found["high_res"].shape) == (np.float32, (2, *size))


def test_small_maps_are_means_whose_border_pixels_repeat() -> None:
    full = np.zeros((4, 5), np.float32)
    full[:, 4] = 1.0
    full[0, 0] = 0.8
    small = convert({7: full})["cam"][0]
    assert small[0] == pytest.approx([0.05, 1.0], rel=1e-4)


def test_each_map_reaches_one_and_marks_of_background_become_zero() -> None:
    weak, none = np.full((4, 4), -1, np.float32), np.full((4, 4), -1, np.float32)
    weak[1, 1] = 0.25
    found = convert({0: weak, 1: none})
    assert found["high_res"][0].max() == pytest.approx(1, abs=1e-4)
    assert found["cam"][0].max() == pytest.approx(1, abs=1e-3)
    assert found["high_res"].min() == 0
    assert not found["high_res"][1].any()
    assert not found["cam"][1].any()


def test_the_order_of_classes_in_the_file_does_not_matter() -> None:
    first, second = (np.random.default_rng(n).random((6, 7), np.float32) for n in (1, 2))
    one, other = convert({2: first, 9: second}), convert({9: second, 2: first})
    assert all((one[name] == other[name]).all() for name in one)


def test_the_tool_converts_the_listed_files(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("2007_000032\n")
    np.save(tmp_path / "2007_000032.npy", {np.int64(4): np.eye(8, dtype=np.float32)})  # type: ignore[arg-type]
    options = (f"--{name}={tmp_path / file}" for name, file in {"cams": ".", "out": "out"}.items())
    main([*options, f"--ids={tmp_path / 'ids.txt'}"])
    found = np.load(tmp_path / "out" / "2007_000032.npy", allow_pickle=True).item()
    assert sorted(found) == ["cam", "high_res", "keys"]
    assert found["keys"].tolist() == [4]


@pytest.mark.parametrize("maps", [{}, {0: np.ones((2, 2)), 1: np.ones((2, 3))}])
def test_a_file_that_does_not_fit_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], maps: object
) -> None:
    (tmp_path / "ids.txt").write_text("2007_000032\n")
    np.save(tmp_path / "2007_000032.npy", maps)  # type: ignore[arg-type]
    with pytest.raises(SystemExit) as ended:
        main([f"--cams={tmp_path}", f"--ids={tmp_path / 'ids.txt'}", f"--out={tmp_path / 'out'}"])
    assert ended.value.code == 2
    assert "2007_000032: expected maps of one size" in capsys.readouterr().err

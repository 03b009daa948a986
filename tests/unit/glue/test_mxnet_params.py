"""Random weights in MXNet's format, read back by the stand-in that steps use."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest

from harness.glue.mxnet_params import write_params
from harness.glue.random_weights import main, random_arrays, uniform
from harness.glue.resnet38 import mxnet_shapes
from harness.site.shims.mxnet import nd


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    shapes = {"arg:a_weight": (2, 3, 1, 1), "aux:b_moving_mean": (4,)}
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3, 1, 1), np.ones(4, np.float32)]
    write_params(tmp_path / "two.params", shapes, arrays)
    read = nd.load(str(tmp_path / "two.params"))
    assert isinstance(read, dict)
    assert list(read) == list(shapes)
    for name, array in zip(shapes, arrays, strict=True):
        np.testing.assert_array_equal(read[name].asnumpy(), array)
        assert read[name].asnumpy().dtype == np.float32


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ([np.zeros((3, 2), np.float32)], r"first: expected an array of shape \(2, 3\)"),
        ([], "found nothing"),
        ([np.zeros((2, 3), np.float32)] * 2, "more arrays than the 1 names"),
    ],
)
def test_arrays_that_do_not_fit_their_names_are_refused(
    tmp_path: Path, arrays: list[np.ndarray], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        write_params(tmp_path / "bad.params", {"first": (2, 3)}, arrays)


def test_shapes_are_those_of_the_published_file() -> None:
    shapes = mxnet_shapes()
    assert len(shapes) == 193
    assert sum(math.prod(shape) for shape in shapes.values()) == 109_215_656
    assert shapes["arg:res2a_branch1_weight"] == (128, 64, 1, 1)
    assert shapes["arg:res4b5_branch2b1_weight"] == (512, 512, 3, 3)
    assert shapes["arg:res7a_branch2b2_weight"] == (4096, 2048, 1, 1)
    assert shapes["aux:bn7_moving_var"] == (4096,)


def test_values_depend_on_the_seed_alone() -> None:
    small = {"arg:res2a_branch2a_weight": (4, 3, 3, 3), "arg:bn2a_branch2a_gamma": (3,)}
    first, again, other = ([*random_arrays(small, seed)] for seed in (1, 1, 2))
    for left, right in zip(first, again, strict=True):
        np.testing.assert_array_equal(left, right)
    assert not np.array_equal(first[0], other[0])
    np.testing.assert_array_equal(first[1], np.ones(3, np.float32))
    # The same on every version of numpy: smoke keys rest on the bytes of the file.
    assert hashlib.sha256(first[0].tobytes()).hexdigest()[:16] == "effeff394e9215df"


def test_batch_norm_is_the_identity() -> None:
    names = ("beta", "gamma", "moving_mean", "moving_var")
    shapes: dict[str, tuple[int, ...]] = {f"arg:bn7_{name}": (2,) for name in names}
    assert [array.tolist() for array in random_arrays(shapes, 1)] == [
        [0, 0],
        [1, 1],
        [0, 0],
        [1, 1],
    ]


def test_uniform_fills_its_range_with_an_odd_count() -> None:
    values = uniform(np.random.PCG64(np.random.SeedSequence(3)), (1001, 3), 0.25)
    assert values.shape == (1001, 3)
    assert values.dtype == np.float32
    assert -0.25 <= values.min() < -0.24
    assert 0.24 < values.max() <= 0.25
    assert abs(float(values.mean())) < 0.01
    assert abs(float(values.std()) - 0.25 / math.sqrt(3)) < 0.01


def test_unknown_network_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--network", "vgg", "--out", str(tmp_path / "x")])
    assert ended.value.code == 2
    assert "vgg" in capsys.readouterr().err

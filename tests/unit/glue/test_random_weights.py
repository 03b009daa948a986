"""Random weights as state dicts, and MXNet's ResNet-38 as one."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.glue import resnet38
from harness.glue.mxnet_params import write_params
from harness.glue.random_weights import NETWORKS, Network, random_arrays, write
from harness.site.shims import mxnet


def test_resnet50_is_torchvisions() -> None:
    shapes = NETWORKS["resnet50"].shapes()
    assert len(shapes) == 267  # its 320 entries less 53 counters of batches
    assert sum(math.prod(s) for n, s in shapes.items() if "running" not in n) == 25_557_032
    assert shapes["layer3.0.downsample.0.weight"] == (1024, 512, 1, 1)
    assert shapes["layer4.2.conv2.weight"] == (512, 512, 3, 3)


def test_deit_small_is_deits() -> None:
    shapes = NETWORKS["deit-small"].shapes()
    assert len(shapes) == 152
    assert sum(math.prod(shape) for shape in shapes.values()) == 22_050_664
    assert shapes["blocks.11.attn.qkv.weight"] == (1152, 384)


def test_state_dicts_are_written_under_their_names(tmp_path: Path) -> None:
    shapes = {"a.bn3.weight": (2,), "a.bn3.bias": (2,), "a.conv.weight": (1, 2, 1, 1)}
    scale = NETWORKS["resnet50"].scale
    network = Network(lambda: shapes, scale, lambda state: {"model": state})
    assert write(network, 1, tmp_path / "new" / "w.pth") == 6
    state = torch.load(tmp_path / "new" / "w.pth", weights_only=True)["model"]
    assert {name: tuple(value.shape) for name, value in state.items()} == shapes
    assert state["a.bn3.weight"].tolist() == pytest.approx([0.1, 0.1])
    assert state["a.bn3.bias"].tolist() == [0, 0]
    assert 0 < state["a.conv.weight"].abs().max() < math.sqrt(3)


def test_a_name_of_the_network_becomes_the_state_dicts() -> None:
    names = {
        "arg:conv1a_weight": "conv1a.weight",
        "arg:res2a_branch1_weight": "b2.conv_branch1.weight",
        "arg:res4b5_branch2b1_weight": "b4_5.conv_branch2b1.weight",
        "arg:bn5b1_branch2a_gamma": "b5_1.bn_branch2a.weight",
        "aux:bn7a_branch2b2_moving_var": "b7.bn_branch2b2.running_var",
        "aux:bn7_moving_mean": "bn7.running_mean",
        "arg:linear1000_bias": None,
    }
    assert {name: resnet38.torch_name(name) for name in names} == names
    assert len(resnet38.torch_shapes()) == 191
    for wrong in ("arg:res8_weight", "aux:bn7_moving_median", "fc8.weight"):
        with pytest.raises(ValueError, match="not an array of ResNet-38"):
            resnet38.torch_name(wrong)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An MXNet file of a few small arrays of the network."""
    shapes = {
        "arg:conv1a_weight": (2, 3, 1, 1),
        "aux:bn2a_branch2a_moving_var": (2,),
        "arg:linear1000_bias": (3,),
    }
    monkeypatch.setattr(resnet38, "mxnet_shapes", lambda: shapes)
    monkeypatch.setitem(sys.modules, "mxnet", mxnet)
    write_params(tmp_path / "small.params", shapes, random_arrays(shapes, 4))
    return tmp_path / "small.params"


def test_the_converted_file_holds_the_same_values(small: Path) -> None:
    out = small.with_suffix(".pth")
    resnet38.main(["--params", str(small), "--out", str(out)])
    state = torch.load(out, weights_only=True)
    arrays = mxnet.nd.load(str(small))
    assert isinstance(arrays, dict)
    assert list(state) == ["conv1a.weight", "b2.bn_branch2a.running_var"]
    np.testing.assert_array_equal(state["conv1a.weight"], arrays["arg:conv1a_weight"].asnumpy())


def test_a_file_of_another_network_is_refused(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(small, {"arg:conv1a_weight": (1,)}, [np.ones(1, np.float32)])
    with pytest.raises(SystemExit):
        resnet38.main(["--params", str(small), "--out", str(small.with_suffix(".pth"))])
    assert "expected arg:conv1a_weight of shape (2, 3, 1, 1), found (1,)" in capsys.readouterr().err
    assert not small.with_suffix(".pth").exists()

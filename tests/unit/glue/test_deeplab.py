"""ResNet-101's weights under deeplab-pytorch's names: all of them, or none."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import conv2d

from harness.glue import deeplab
from harness.glue.resnet import resnet101_shapes

SMALL = {
    "conv1.weight": (2, 3, 3, 3),
    "bn1.weight": (2,),
    "bn1.running_var": (2,),
    "layer1.0.conv3.weight": (4, 2, 1, 1),
    "layer1.0.downsample.0.weight": (4, 2, 1, 1),
    "fc.bias": (5,),
}
BLUE_FIRST = [2, 1, 0]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A network of a few tensors, and a file of it as torchvision names them."""
    monkeypatch.setattr(deeplab, "resnet101_shapes", lambda: SMALL)
    torch.manual_seed(1)
    return {name: torch.randn(shape) for name, shape in SMALL.items()}


def test_every_tensor_has_a_name_of_its_own() -> None:
    names = {
        "conv1.weight": "layer1.conv1.conv.weight",
        "bn1.running_mean": "layer1.conv1.bn.running_mean",
        "layer1.0.conv1.weight": "layer2.block1.reduce.conv.weight",
        "layer3.22.bn2.bias": "layer4.block23.conv3x3.bn.bias",
        "layer4.2.bn3.num_batches_tracked": "layer5.block3.increase.bn.num_batches_tracked",
        "layer2.0.downsample.0.weight": "layer3.block1.shortcut.conv.weight",
        "layer2.0.downsample.1.running_var": "layer3.block1.shortcut.bn.running_var",
        "fc.weight": None,
    }
    assert {name: deeplab.deeplab_name(name) for name in names} == names
    shapes = deeplab.deeplab_shapes()
    assert len(shapes) == len(resnet101_shapes()) - 2 == 520
    assert sum(math.prod(shape) for shape in shapes.values()) == 42_605_504
    with pytest.raises(ValueError, match=r"aspp\.c0\.weight is not a tensor of ResNet-101"):
        deeplab.deeplab_name("aspp.c0.weight")


def test_counters_are_added_and_the_classifier_is_left_out(small: dict[str, Any]) -> None:
    found = deeplab.from_torchvision(small)
    assert set(found) == {
        "layer1.conv1.conv.weight",
        "layer1.conv1.bn.weight",
        "layer1.conv1.bn.running_var",
        "layer1.conv1.bn.num_batches_tracked",
        "layer2.block1.increase.conv.weight",
        "layer2.block1.shortcut.conv.weight",
    }
    assert torch.equal(found["layer1.conv1.bn.weight"], small["bn1.weight"])
    assert found["layer1.conv1.bn.num_batches_tracked"].dtype == torch.int64


def test_the_first_convolution_sees_the_same_picture(small: dict[str, Any]) -> None:
    red_first = torch.rand(1, 3, 8, 8)  # a picture of 0..1 less its mean
    theirs = conv2d(
        red_first / torch.tensor(deeplab.DEVIATION).view(1, 3, 1, 1), small["conv1.weight"]
    )
    found = deeplab.from_torchvision(small)["layer1.conv1.conv.weight"]
    torch.testing.assert_close(conv2d(255 * red_first[:, BLUE_FIRST], found), theirs)


def test_a_file_of_deeplabs_own_keeps_its_values(tmp_path: Path, small: dict[str, Any]) -> None:
    named = {deeplab.deeplab_name(name) or name: value for name, value in small.items()}
    named["layer1.conv1.bn.running_var"] = named["layer1.conv1.bn.running_var"].double()
    torch.save(named, tmp_path / "init.caffemodel.pth")
    given = ["--names", "deeplab", "--weights", str(tmp_path / "init.caffemodel.pth")]
    deeplab.main([*given, "--out", str(tmp_path / "new" / "init.pth")])
    found = torch.load(tmp_path / "new" / "init.pth", weights_only=True)
    assert "fc.bias" not in found
    assert all(torch.equal(value, named[name]) for name, value in found.items() if name in named)
    assert found["layer1.conv1.bn.running_var"].dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bn1.weight": None}, r"1 missing tensors, first layer1\.conv1\.bn\.weight"),
        (
            {"layer1.9.conv1.weight": torch.zeros(1)},
            r"1 unknown tensors, first layer2\.block10\.reduce",
        ),
        ({"conv1.weight": torch.zeros(2, 1, 3, 3)}, r"of shape \(2, 3, 3, 3\), found \(2, 1, 3, 3"),
        ({"module.conv1.weight": torch.zeros(1)}, r"module\.conv1\.weight is not a tensor"),
    ],
)
def test_a_file_that_would_leave_layers_random_is_refused(
    small: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    state = {name: value for name, value in (small | change).items() if value is not None}
    with pytest.raises(ValueError, match=message):
        deeplab.from_torchvision(state)


def test_the_tool_names_the_file_it_refuses(
    tmp_path: Path, small: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(small, tmp_path / "torchvision.pth")
    given = ["--names", "deeplab", "--weights", str(tmp_path / "torchvision.pth")]
    with pytest.raises(SystemExit):
        deeplab.main([*given, "--out", str(tmp_path / "init.pth")])
    assert "torchvision.pth: 5 missing tensors" in capsys.readouterr().err
    assert not (tmp_path / "init.pth").exists()

"""ScaleNet-101's tensors, and the check of its weight file."""

from types import SimpleNamespace

import pytest

from harness.glue.scalenet import BLOCKS, backbone, branch_scale, shapes

#: A block without its third scale, on a map whose fourth scale is a single pixel.
STRUCTURE = [[3, 2, 0, 1, 8]] * sum(BLOCKS)


def test_scales_without_channels_have_no_tensors() -> None:
    found = shapes(STRUCTURE)
    assert found["layer1.0.conv2.1.weight"] == (2, 64, 3, 3)
    assert not any(".conv2.2." in name or ".bn2.2." in name for name in found)


def test_a_scale_of_one_pixel_is_convolved_by_one_pixel() -> None:
    assert shapes(STRUCTURE)["layer1.0.conv2.3.weight"] == (1, 64, 1, 1)


def test_blocks_are_joined_and_layers_begin_with_another_size() -> None:
    found = shapes(STRUCTURE)
    assert found["layer3.22.conv1.weight"] == (256, 1024, 1, 1)
    assert found["layer4.0.downsample.0.weight"] == (2048, 1024, 1, 1)
    assert found["layer4.0.conv3.weight"] == (2048, 6, 1, 1)
    assert sum("downsample.0" in name for name in found) == len(BLOCKS)


def test_a_structure_of_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match="33 blocks, found 16"):
        shapes(STRUCTURE[:16])


def test_only_branch_ends_are_small() -> None:
    assert branch_scale("layer1.0.bn3.weight") == pytest.approx(0.1)
    assert branch_scale("layer1.0.bn2.0.weight") == 1.0


def test_the_backbone_is_taken_whole_and_alone() -> None:
    weights = {name: SimpleNamespace(shape=shape) for name, shape in shapes(STRUCTURE).items()}
    weights["fc.weight"] = SimpleNamespace(shape=(1000, 2048))
    assert "fc.weight" not in backbone(weights, STRUCTURE)
    weights["bn1.bias"] = SimpleNamespace(shape=(32,))
    with pytest.raises(ValueError, match=r"bn1.bias of shape \(64,\), found \(32,\)"):
        backbone(weights, STRUCTURE)
    del weights["bn1.bias"]
    with pytest.raises(ValueError, match=r"bn1.bias of shape \(64,\), found None"):
        backbone(weights, STRUCTURE)

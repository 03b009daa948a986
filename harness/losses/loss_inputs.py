"""Convert a training script's tensors to inputs of the losses, and capture submodule outputs."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad, relu

from .isl import MAP_DIMS

MARGIN = 1e-5
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def cam_from_logits(logits: Tensor, labels: Tensor, *, background: bool = True) -> Tensor:
    """Return normalised class maps B x (C + 1) x H x W, background first, for FSL.

    Each foreground map is rectified, scaled to [0, 1] by its minimum and maximum over the image,
    and multiplied by its image label. The background is one minus the maximum of these maps.

    Args:
        logits: raw class maps. With ``background``, B x (C + 1) x H x W with the background first;
            the values of that channel are not used. Otherwise B x C x H x W.
        labels: image labels of the same channels; trailing dimensions of size 1 are allowed.
        background: whether channel 0 of logits and labels is the background.

    Raises:
        ValueError: if the shapes do not match.

    """
    fits = logits.dim() == MAP_DIMS and labels.numel() == logits.shape[0] * logits.shape[1]
    if not fits or logits.shape[1] <= int(background):
        got = f"{tuple(logits.shape)} and {tuple(labels.shape)}"
        msg = f"class maps need logits B x C x H x W and labels B x C, got {got}"
        raise ValueError(msg)
    present = labels.reshape(*logits.shape[:2], 1, 1)
    if not background:
        logits, present = (pad(each, (0, 0, 0, 0, 1, 0)) for each in (logits, present))
    maps = _scaled(logits) * present
    # In place, so that the gradient has the memory layout, and the rounding, of the authors' code.
    maps[:, 0] = 1 - maps[:, 1:].max(dim=1).values
    return maps


def image_in_unit_range(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize an ImageNet-normalised image to ``size`` and undo the normalisation.

    Interpolation is bilinear with aligned corners. Erased or padded regions may have values
    outside [0, 1]; FSL clamps them.
    """
    small = interpolate(image, size, mode="bilinear", align_corners=True)
    mean = small.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    return small * small.new_tensor(IMAGENET_STD).view(1, 3, 1, 1) + mean


class Tap:
    """Stores the output of a submodule's last forward pass.

    With DataParallel the outputs of the replicas are concatenated in device order.

    Args:
        model: a network, with or without a DataParallel wrapper.
        name: dotted name of the submodule, without DataParallel's leading ``module.``.

    Raises:
        ValueError: if the network has no such submodule.

    """

    def __init__(self, model: nn.Module, name: str) -> None:
        modules = dict(model.named_modules())
        module = modules.get(name) or modules.get(f"module.{name}")
        if module is None:
            near = get_close_matches(name, [key for key in modules if key], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            msg = f"the network has no submodule {name!r}{hint}"
            raise ValueError(msg)
        self._name = name
        self._kept: dict[tuple[str, int], Tensor] = {}
        module.register_forward_hook(self._keep)

    def take(self) -> Tensor:
        """Return the stored output, B x C x H x W with its graph, and remove it from the tap.

        Raises RuntimeError if the submodule has not run since the last call.
        """
        outputs = [self._kept[key] for key in sorted(self._kept)]
        self._kept.clear()
        if not outputs:
            msg = f"submodule {self._name!r} has not run since its output was last taken"
            raise RuntimeError(msg)
        if len(outputs) == 1:
            return outputs[0]
        return torch.cat([output.to(outputs[0].device) for output in outputs])

    def _keep(self, _module: nn.Module, _inputs: Any, output: Tensor) -> None:
        self._kept[(output.device.type, output.device.index or 0)] = output


def _scaled(maps: Tensor) -> Tensor:
    positive = relu(maps)
    # Two views, because a shared view would add the gradients in another order than the authors'.
    high = positive.flatten(2).max(dim=-1).values[..., None, None]
    low = positive.flatten(2).min(dim=-1).values[..., None, None]
    return relu(positive - low - MARGIN) / (high - low + MARGIN)

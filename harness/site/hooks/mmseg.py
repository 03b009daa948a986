"""Let WSSS_MMSeg's mmseg train in one process as in the release's eight, and predict long lists.

HARNESS_PUS_GROUP  the loss is clamped if its mean is small; this is the number of images in that
                   mean. Unset or `process`: all images of a process, as in the code. The release
                   gives each process two images.

With --format-only, tools/test.py collects predictions that it never reads: the network has written
each one as a PNG. The hook drops each at once, so that memory does not grow with the list.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def keep_no_predictions(module: Any) -> None:
    """With --format-only, make multi_gpu_test collect nothing."""
    if "--format-only" not in sys.argv:  # an evaluation reads what it collects
        return
    test = module.multi_gpu_test

    def multi_gpu_test(model: Any, *args: Any, **kwargs: Any) -> Any:
        model.register_forward_hook(lambda *_: [])  # what a batch adds to the list
        return test(model, *args, **kwargs)

    module.multi_gpu_test = multi_gpu_test


def group_under_fitting_test(module: Any) -> None:
    """Apply the under-fitting test per group of HARNESS_PUS_GROUP images."""
    group = os.environ.get("HARNESS_PUS_GROUP", "process")
    if group != "process":
        module.cross_entropy = grouped(module.cross_entropy, int(group), module.torch.stack)


def grouped(loss: Callable[..., Any], size: int, stack: Callable[..., Any]) -> Callable[..., Any]:
    """Return `loss` as the mean over groups of `size` images: what as many processes average.

    Losses without the test, and batches of at most `size` images, are left to `loss`. Raises
    ValueError for what the mean of processes would not equal.
    """

    def cross_entropy(pred: Any, label: Any, weight: Any = None, **settings: Any) -> Any:
        if not settings.get("pus_type") or len(pred) <= size:
            return loss(pred, label, weight, **settings)
        if len(pred) % size:
            msg = f"{len(pred)} images cannot be split into groups of {size}"
            raise ValueError(msg)
        reduction = settings.get("reduction", "mean")
        if weight is not None or reduction != "mean" or settings.get("avg_factor"):
            msg = "the under-fitting test per group needs an unweighted mean over all pixels"
            raise ValueError(msg)
        groups = zip(pred.split(size), label.split(size))  # noqa: B905 - Python 3.9
        return stack([loss(*group, **settings) for group in groups]).mean()

    return cross_entropy


ACTIONS: dict[str, Callable[[Any], None]] = {
    "mmseg.apis.test": keep_no_predictions,
    "mmseg.models.losses.cross_entropy_loss": group_under_fitting_test,
}

"""The score that SIPE's validation computes."""

from __future__ import annotations

from typing import Any, NoReturn


def calc_semantic_segmentation_confusion(*_: Any) -> NoReturn:
    """Refuse."""
    msg = "no ChainerCV here: set --val_freq beyond the last step"
    raise NotImplementedError(msg)

"""Full float32 matrix products, whatever the TF32 switches of the process say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import torch

_turn = RLock()


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute float32 matrix products in float32 inside, and leave every switch as it was.

    Serves both the switch of torch 2.0 and the per-backend ones of torch 2.9, which refuse to be
    read through the old one once they were set. One thread at a time: the switches are global.
    """
    with _turn:
        legacy, modern = _legacy(), [(switch, switch.fp32_precision) for switch in _switches()]
        if legacy == "highest" and all(value in {"none", "ieee"} for _, value in modern):
            yield
            return
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            if legacy is not None:
                torch.set_float32_matmul_precision(legacy)
            for switch, value in modern:
                switch.fp32_precision = value


def _legacy() -> str | None:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # only the per-backend switches were set
        return None


def _switches() -> list[Any]:
    backends = (torch.backends.cuda, torch.backends.mkldnn)
    found = [getattr(backend, "matmul", None) for backend in backends]
    return [switch for switch in found if _has_precision(switch)]


def _has_precision(switch: Any) -> bool:
    try:
        return hasattr(switch, "fp32_precision")
    except AssertionError:  # how torch 2.0 says that it has no such attribute
        return False

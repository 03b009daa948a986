"""Float32 matrix products in full precision, regardless of the TF32 settings of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import torch

_turn = RLock()


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute float32 matrix products in full float32 inside; restore every setting afterwards.

    Handles the setting of torch 2.0 and the per-backend settings of torch 2.9. Once a per-backend
    setting was set, reading the old one raises. One thread may be inside at a time, because the
    settings are global.
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
    except RuntimeError:  # only per-backend settings were set
        return None


def _switches() -> list[Any]:
    backends = (torch.backends.cuda, torch.backends.mkldnn)
    found = [getattr(backend, "matmul", None) for backend in backends]
    return [switch for switch in found if _has_precision(switch)]


def _has_precision(switch: Any) -> bool:
    try:
        return hasattr(switch, "fp32_precision")
    except AssertionError:  # torch 2.0 raises this for an unknown attribute
        return False

"""Measure a step of a rehearsal: staged into no other step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ACTIONS: dict[str, Callable[[Any], None]] = {}

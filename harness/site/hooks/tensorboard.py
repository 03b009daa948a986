"""Replace torch.utils.tensorboard by tensorboardX, whose writer has the same methods.

torch's own module needs the tensorboard package, a web server with about twenty dependencies.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

NAME = "torch.utils.tensorboard"


def stand_in(_: Any) -> None:
    """Install a module that looks up each name in tensorboardX when it is first used."""
    module = types.ModuleType(NAME)
    module.__getattr__ = _from_tensorboardx  # type: ignore[method-assign]
    sys.modules.setdefault(NAME, module)


def _from_tensorboardx(name: str) -> Any:
    if name.startswith("__"):  # the import system looks these up
        raise AttributeError(name)
    return getattr(importlib.import_module("tensorboardX"), name)


ACTIONS = {"torch": stand_in}

"""torch.utils.tensorboard is tensorboardX, whose writer has the same methods.

torch's own needs the tensorboard package, a web server with a score of dependencies.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

NAME = "torch.utils.tensorboard"


def stand_in(_: Any) -> None:
    """Put a module in torch's place that hands out what tensorboardX has, once it is asked."""
    module = types.ModuleType(NAME)
    module.__getattr__ = _from_tensorboardx  # type: ignore[method-assign]
    sys.modules.setdefault(NAME, module)


def _from_tensorboardx(name: str) -> Any:
    if name.startswith("__"):  # what the import system looks for
        raise AttributeError(name)
    return getattr(importlib.import_module("tensorboardX"), name)


ACTIONS = {"torch": stand_in}

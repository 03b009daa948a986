"""Run a training script as it stands and print what it computed, for comparison bit for bit.

    python upstream_trace.py CHECKPOINT SCRIPT [ARGUMENT ...]

The last line printed is JSON: the loss of every backward pass as a hexadecimal float, the SHA-256
of every tensor of the checkpoint that the script wrote (a tensor in nested dictionaries is named
by its keys, joined by slashes), and the modules of harness that were imported.
"""

import hashlib
import json
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch


def main() -> None:
    """Run the script with every backward pass recorded."""
    checkpoint, script = sys.argv[1:3]
    sys.argv = sys.argv[2:]
    sys.path.insert(0, str(Path(script).resolve().parent))
    losses: list[str] = []
    backward: Callable[..., Any] = torch.Tensor.backward

    def recording(loss: torch.Tensor, *args: Any, **kwargs: Any) -> None:
        losses.append(float(loss.item()).hex())
        backward(loss, *args, **kwargs)

    setattr(torch.Tensor, "backward", recording)  # noqa: B010 - a method must be assigned so
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:  # how command-line frameworks return
        if ended.code:
            raise
    tensors = {name: digest(value) for name, value in named(torch.load(checkpoint))}
    ours = sorted(name for name in sys.modules if name.startswith("harness."))
    print(json.dumps({"losses": losses, "tensors": tensors, "ours": ours}))


def named(saved: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor in nested dictionaries, with its keys."""
    if isinstance(saved, torch.Tensor):
        yield name, saved
    elif isinstance(saved, dict):
        for key, value in saved.items():
            yield from named(value, f"{name}/{key}" if name else str(key))


def digest(value: torch.Tensor) -> str:
    """Type, shape and bytes of a tensor as one hash."""
    array = value.detach().cpu().numpy()
    return hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()


main()

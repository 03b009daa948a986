"""Run a training script as it stands and print what it computed, for comparison bit for bit.

    python seam_trace.py CHECKPOINT SCRIPT [ARGUMENT ...]

The last line printed is JSON: the loss of every backward pass as a hexadecimal float, and the
SHA-256 of every tensor of the checkpoint that the script wrote. The checkpoint is removed.
"""

import hashlib
import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def main() -> None:
    """Run the script with every backward pass recorded."""
    checkpoint, script = sys.argv[1:3]
    sys.argv = sys.argv[2:]
    sys.path.insert(0, str(Path.cwd()))
    losses: list[str] = []
    backward: Callable[..., Any] = torch.Tensor.backward

    def recording(loss: torch.Tensor, *args: Any, **kwargs: Any) -> None:
        losses.append(float(loss.item()).hex())
        backward(loss, *args, **kwargs)

    setattr(torch.Tensor, "backward", recording)  # noqa: B010 - a method must be assigned so
    runpy.run_path(script, run_name="__main__")
    tensors = {name: digest(value) for name, value in torch.load(checkpoint).items()}
    Path(checkpoint).unlink()
    ours = sorted(name for name in sys.modules if name.startswith("harness."))
    print(json.dumps({"losses": losses, "tensors": tensors, "ours": ours}))


def digest(value: torch.Tensor) -> str:
    """Type, shape and bytes of a tensor as one hash."""
    array = value.numpy()
    return hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()


main()

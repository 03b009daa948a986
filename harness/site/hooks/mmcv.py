"""Run mmcv 1.1.4 without its compiled operations, on current torch and numpy.

Two environment variables change settings of mmcv's configuration files:

HARNESS_MMCV_CONFIG  JSON object: dotted path -> value, set in every configuration that is read. In
                     a path, an element of a list is named by its `type`. Every element of the path
                     but the last must exist. A list that replaces a tuple becomes a tuple.
HARNESS_MMCV_BATCH   images per training step over all processes, divided among them

With one process, a wrapper replaces MMDistributedDataParallel. It unpacks mmcv's containers and
moves their tensors to the GPU. With several processes, mmcv's class averages the gradients, and the
containers are unpacked in the same way.
"""

from __future__ import annotations

import json
import os
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_SHIM = os.environ.get("HARNESS_CPU_SHIM") == "1"
#: Names that mmseg imports from mmcv.ops; the networks that use them are not built.
ABSENT = ("point_sample", "CrissCrossAttention", "PSAMask")


def _world() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


# --- compiled operations --------------------------------------------------------------------------


def without_operations(_: Any) -> None:
    """Install an empty mmcv.ops, because the real one needs mmcv-full."""
    ops = types.ModuleType("mmcv.ops")
    for name in ABSENT:
        setattr(ops, name, None)
    for name in ("get_compiler_version", "get_compiling_cuda_version"):
        setattr(ops, name, lambda: "none")
    sys.modules["mmcv.ops"] = ops


# --- settings -------------------------------------------------------------------------------------


def settle_configurations(module: Any) -> None:
    """Apply the settings of the environment variables to every configuration that is read."""
    read = module.Config.fromfile

    def fromfile(*args: Any, **kwargs: Any) -> Any:
        config = read(*args, **kwargs)
        settle(config, json.loads(os.environ.get("HARNESS_MMCV_CONFIG", "{}")))
        batch = os.environ.get("HARNESS_MMCV_BATCH")
        if batch:
            config.data.samples_per_gpu = share(int(batch), _world())
        return config

    module.Config.fromfile = staticmethod(fromfile)


def settle(config: Any, settings: dict[str, Any]) -> None:
    """Set the value at each path. Raises KeyError, with the path, if it does not exist."""
    for path, value in settings.items():
        *parents, last = path.split(".")
        place = config
        for name in parents:
            place = _enter(place, name, path)
        place[last] = tuple(value) if isinstance(place.get(last), tuple) else value


def _enter(place: Any, name: str, path: str) -> Any:
    if isinstance(place, list):
        place = {element["type"]: element for element in place}
    if name not in place:
        msg = f"{path}: {name} does not exist; expected one of {', '.join(place)}"
        raise KeyError(msg)
    return place[name]


def share(batch: int, processes: int) -> int:
    """Return the images per process. Raises ValueError if the batch is not divisible."""
    if batch % processes:
        msg = f"a batch of {batch} cannot be split over {processes} processes"
        raise ValueError(msg)
    return batch // processes


# --- processes ------------------------------------------------------------------------------------


def replace_wrapper(parallel: Any) -> None:
    """Replace MMDistributedDataParallel, because torch no longer calls mmcv's scatter."""
    make = _one_process if _world() == 1 else _several_processes
    parallel.MMDistributedDataParallel = make(parallel, parallel.DataContainer)


def moved(value: Any, container: type) -> Any:
    """Unpack mmcv's containers in `value`; move tensors to the GPU unless marked `cpu_only`."""
    if isinstance(value, container):
        data = value.data[0]  # type: ignore[attr-defined]
        return data if value.cpu_only else moved(data, container)  # type: ignore[attr-defined]
    if isinstance(value, (list, tuple)):
        return [moved(one, container) for one in value]
    if isinstance(value, dict):
        return {name: moved(one, container) for name, one in value.items()}
    return value.cuda(non_blocking=True) if hasattr(value, "cuda") else value


def _one_process(parallel: Any, container: type) -> Any:
    class OneProcess(parallel.MMDataParallel):  # type: ignore[misc]  # so that mmcv unwraps it
        def __init__(self, module: Any, **_: Any) -> None:
            super().__init__(module, device_ids=[0])

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return self.module(*moved(args, container), **moved(kwargs, container))

        def train_step(self, batch: Any, *args: Any, **kwargs: Any) -> Any:
            return self.module.train_step(moved(batch, container), *args, **kwargs)

    return OneProcess


def _several_processes(parallel: Any, container: type) -> Any:
    class OneOfSeveral(parallel.MMDistributedDataParallel):  # type: ignore[misc]
        def __init__(self, module: Any, device_ids: Any = None, **named: Any) -> None:
            super().__init__(module, device_ids=None if _SHIM else device_ids, **named)

        def scatter(self, inputs: Any, kwargs: Any, _: Any) -> Any:
            return (inputs,), (kwargs,)

        def forward(self, *args: Any, **kwargs: Any) -> Any:  # evaluation only: no gradients
            return self.module(*moved(args, container), **moved(kwargs, container))

        def train_step(self, batch: Any, *args: Any, **kwargs: Any) -> Any:
            return super().train_step(moved(batch, container), *args, **kwargs)

    return OneOfSeveral


# --- torch and numpy ------------------------------------------------------------------------------


def restore_torch_names(torch: Any) -> None:
    """Restore names that mmcv 1.1.4 uses; with the CPU shim, make SyncBatchNorm a BatchNorm2d."""
    norm, parallel = torch.nn.SyncBatchNorm, torch.nn.parallel.DistributedDataParallel
    if _SHIM:
        norm = torch.nn.SyncBatchNorm = _plain_norm(torch.nn.BatchNorm2d)
        torch.cuda.set_device = lambda _: None
        torch.cuda.current_device = lambda: 0
        torch.cuda.get_device_name = lambda _=None: "none (CPU shim)"
    if not hasattr(norm, "_specify_ddp_gpu_num"):
        norm._specify_ddp_gpu_num = lambda _, __: None  # noqa: SLF001 - in torch up to 1.11
    if not hasattr(parallel, "_sync_params"):
        parallel._sync_params = parallel._sync_buffers  # noqa: SLF001 - the name up to torch 1.10


def _plain_norm(batch_norm: Any) -> Any:
    class SyncBatchNorm(batch_norm):  # type: ignore[misc]
        def __init__(self, features: int, *numbers: Any, **named: Any) -> None:
            named.pop("process_group", None)
            super().__init__(features, *numbers, **named)

    return SyncBatchNorm


def restore_numpy_names(np: Any) -> None:
    """Restore np.float, which mmseg's mean IoU uses."""
    if "float" not in vars(np):
        np.float = float


ACTIONS: dict[str, Callable[[Any], None]] = {
    "mmcv": without_operations,
    "mmcv.utils.config": settle_configurations,
    "mmcv.parallel": replace_wrapper,
    "torch": restore_torch_names,
    "numpy": restore_numpy_names,
}

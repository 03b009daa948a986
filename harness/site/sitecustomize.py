"""Start-up code of every step: seeds, determinism, threads, removed names, the CPU shim.

Python imports this module at start-up if its folder is on PYTHONPATH. Its content is a key input
of every step, so it is kept small. It imports no module that the step does not import: each action
runs when its module is first imported.

HARNESS_SEED      seeds random, numpy and torch, and every DataLoader without a generator
HARNESS_THREADS   number of torch threads
HARNESS_TF32      1 allows TF32 in matrix products (cuDNN may always use it)
HARNESS_CPU_SHIM  1 runs CUDA calls on the CPU (smoke scale only)
"""

# ruff: noqa: ARG001, ARG005, N807 - replacements have the arguments and names of the originals
# ruff: noqa: PTH100, PTH112, PTH118, PTH120, PTH123, PTH208 - pathlib would add 10 ms to each start

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_HERE = os.path.dirname(os.path.abspath(__file__))
_SEED = int(os.environ["HARNESS_SEED"]) if os.environ.get("HARNESS_SEED") else None
_SHIM = os.environ.get("HARNESS_CPU_SHIM") == "1"
_SEEDS = 2**32  # numpy accepts seeds below this


class _AfterImport:
    """An import finder that runs a module's actions once, right after its first import."""

    def __init__(self, *actions: dict[str, Callable[[Any], None]]) -> None:
        self._actions: dict[str, list[Callable[[Any], None]]] = {}
        for name, action in (item for some in actions for item in some.items()):
            self._actions.setdefault(name, []).append(action)

    def install(self) -> None:
        """Run the actions of modules that are imported already; wait for the others."""
        for name in [name for name in self._actions if name in sys.modules]:
            self._act(name, sys.modules[name])
        sys.meta_path.insert(0, self)

    def _act(self, name: str, module: Any) -> None:
        for action in self._actions.pop(name, ()):
            action(module)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the spec of the other finders, with a loader that runs the actions afterwards."""
        if name not in self._actions:
            return None
        others = (f for f in sys.meta_path if f is not self and hasattr(f, "find_spec"))
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            self._follow(spec.loader, name)
        return spec

    def _follow(self, loader: Any, name: str) -> None:
        execute = loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            execute(module)
            self._act(name, module)

        loader.exec_module = exec_module


# --- seeds and determinism ------------------------------------------------------------------------


def _seed(generators: Any) -> None:
    if _SEED is not None:
        generators.seed(_SEED % _SEEDS)


def _configure_torch(torch: Any) -> None:
    if _SEED is not None:
        torch.manual_seed(_SEED)  # also applies to CUDA, once CUDA is initialised
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = os.environ.get("HARNESS_TF32") == "1"
    if os.environ.get("HARNESS_THREADS"):
        torch.set_num_threads(int(os.environ["HARNESS_THREADS"]))
    if _SHIM:
        _run_on_cpu(torch)


class _SeededWorker:
    """A worker_init_fn: call the script's own, then seed from the loader's generator."""

    def __init__(self, inner: Callable[[int], None] | None) -> None:
        self.inner = inner

    def __call__(self, worker: int) -> None:
        if self.inner is not None:
            self.inner(worker)
        import random

        import numpy as np
        import torch

        seed = torch.initial_seed() % _SEEDS
        np.random.seed(seed)  # noqa: NPY002 - upstream code uses the global generator
        random.seed(seed)


def _prepare_loaders(module: Any) -> None:
    """Seed loaders without a generator; with the CPU shim, disable pinned memory."""
    import functools
    import inspect

    start = module.DataLoader.__init__
    signature = inspect.signature(start)

    @functools.wraps(start)
    def __init__(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs)
        if _SEED is not None and given.arguments.get("generator") is None:
            import torch

            given.arguments["generator"] = torch.Generator().manual_seed(_SEED)
            given.arguments["worker_init_fn"] = _SeededWorker(given.arguments.get("worker_init_fn"))
        if _SHIM:
            given.arguments["pin_memory"] = False
        start(*given.args, **given.kwargs)

    module.DataLoader.__init__ = __init__


# --- names that newer releases removed ------------------------------------------------------------


def _restore_numpy_names(np: Any) -> None:
    version = tuple(int(number) for number in np.__version__.split(".")[:2])
    if version >= (1, 24):
        np.float, np.int = float, int
    if (1, 24) <= version < (2, 0):  # older and newer releases have these names
        np.long, np.bool = int, bool


def _restore_pillow_names(image: Any) -> None:
    for name, now in (("CUBIC", "BICUBIC"), ("LINEAR", "BILINEAR"), ("ANTIALIAS", "LANCZOS")):
        if not hasattr(image, name):
            setattr(image, name, getattr(image, now))


def _restore_imsave(misc: Any) -> None:
    def imsave(name: Any, arr: Any, format: str | None = None) -> None:  # noqa: A002 - its old name
        importlib.import_module("imageio").imwrite(name, arr, format=format)

    if "imsave" not in vars(misc):
        misc.imsave = imsave


# --- the CPU shim ---------------------------------------------------------------------------------


def _run_on_cpu(torch: Any) -> None:
    """Make code for one GPU run on the CPU, and log that."""
    sys.stderr.write("harness: CPU shim: CUDA calls run on the CPU\n")
    torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_, **__: self
    torch.Tensor.to = _to_cpu(torch, torch.Tensor.to)
    torch.nn.Module.to = _to_cpu(torch, torch.nn.Module.to)
    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 1
    torch.cuda.device = _NoDevice
    torch.cuda.synchronize = lambda *_: None
    torch.cuda.is_current_stream_capturing = lambda: False  # optimisers call this
    for amp in (torch.cuda.amp.common, torch.cuda.amp.grad_scaler):  # no mixed precision on CPUs
        amp.amp_definitely_not_available = lambda: True
    torch.nn.DataParallel.__init__ = _pass_through(torch)
    torch.nn.parallel.replicate = lambda network, devices, detach=False: [network] * len(devices)
    torch.load = _load_on_cpu(torch.load)


class _NoDevice:
    """A context manager that does nothing."""

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def _to_cpu(torch: Any, to: Callable[..., Any]) -> Callable[..., Any]:
    def cpu(value: Any) -> Any:
        on_gpu = isinstance(value, int) and not isinstance(value, bool)
        on_gpu = on_gpu or (isinstance(value, str) and value.startswith("cuda"))
        on_gpu = on_gpu or (isinstance(value, torch.device) and value.type == "cuda")
        return torch.device("cpu") if on_gpu else value

    def to_cpu(self: Any, *args: Any, **kwargs: Any) -> Any:
        if "device" in kwargs:
            kwargs["device"] = cpu(kwargs["device"])
        return to(self, *(cpu(value) for value in args[:1]), *args[1:], **kwargs)

    return to_cpu


def _pass_through(torch: Any) -> Callable[..., None]:
    """Return a DataParallel.__init__ without devices, so that forward calls the module directly."""

    def __init__(
        self: Any, module: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        torch.nn.Module.__init__(self)
        self.module, self.device_ids, self.output_device, self.dim = module, [], None, dim

    return __init__


def _load_on_cpu(load: Callable[..., Any]) -> Callable[..., Any]:
    def load_on_cpu(f: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
        return load(f, "cpu", *args, **kwargs)

    return load_on_cpu


# --- start ----------------------------------------------------------------------------------------


def _prefer_staged_packages() -> None:
    """Import `harness` from the packages staged beside this file, even if harness is installed."""
    staged = os.path.join(_HERE, "harness")
    if os.path.isdir(staged):
        package = types.ModuleType("harness")
        package.__path__ = [staged]
        sys.modules["harness"] = package


def _run_shadowed_sitecustomize() -> None:
    """Run the sitecustomize of the environment or the script, if this one shadows it."""
    elsewhere = [path for path in sys.path if os.path.realpath(path) != os.path.realpath(_HERE)]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def _staged_hooks() -> list[dict[str, Callable[[Any], None]]]:
    """Return the ACTIONS (module name -> function of the module) of every staged hook."""
    folder = os.path.join(_HERE, "staged_hooks")
    found = []
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        hook = types.ModuleType(f"_harness_hook_{file[:-3]}")
        with open(os.path.join(folder, file), encoding="utf-8") as source:
            exec(compile(source.read(), file, "exec"), vars(hook))  # noqa: S102 - ours, staged
        found.append(hook.ACTIONS)
    return found


_prefer_staged_packages()
_AfterImport(
    {
        "random": _seed,
        "numpy": _restore_numpy_names,
        "numpy.random": _seed,
        "torch": _configure_torch,
        "torch.utils.data": _prepare_loaders,
        "PIL.Image": _restore_pillow_names,
        "scipy.misc": _restore_imsave,
    },
    *_staged_hooks(),
).install()
_run_shadowed_sitecustomize()

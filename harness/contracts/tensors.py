"""Weight files: torch checkpoints and MXNet parameter lists, all values finite."""

import importlib.util
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import harness
from harness.contracts.checkpoints import load_checkpoint, refuse_other_formats
from harness.contracts.failure import Render, Summary, broken
from harness.contracts.files import require_file
from harness.manifest.contract import MxnetParams, StateDict

_Shapes: TypeAlias = Mapping[str, tuple[int, ...]]


def check_state_dict(contract: StateDict, file: Path, _: Render) -> Summary:
    """Check names, shapes and values of a checkpoint; summary: entries and values."""
    require_file(file, contract)
    state = _state(contract, file, load_checkpoint(contract, file))
    for name, tensor in state.items():
        if tensor.is_floating_point() and not _finite(_as_array(tensor)):
            raise broken(file, contract, expected="finite tensors", found=f"NaN or inf in {name}")
    floating = (tensor.numel() for tensor in state.values() if tensor.is_floating_point())
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    return _totals(contract, file, shapes, sum(floating))


def _state(contract: StateDict, file: Path, content: Any) -> dict[str, Any]:
    """The mapping name -> tensor that `at` leads to."""
    import torch

    for depth, key in enumerate(contract.at):
        if not isinstance(content, Mapping) or key not in content:
            where = "".join(f"[{k!r}]" for k in contract.at[: depth + 1])
            raise broken(file, contract, expected=f"a dict at {where}", found=_kind(content))
        content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise broken(file, contract, expected="a dict of tensors", found=_kind(content))
    for name, tensor in content.items():
        if not isinstance(tensor, torch.Tensor):
            found = f"{type(tensor).__name__} under {name!r}"
            raise broken(file, contract, expected="tensors only", found=found)
    return {str(name): tensor for name, tensor in content.items()}


def _as_array(tensor: Any) -> Any:
    """The values for numpy, which looks at them 50 times as fast as torch does on a CPU."""
    import torch

    known = tensor.dtype in {torch.float16, torch.float32, torch.float64}
    return tensor.detach().numpy() if known else tensor.detach().float().numpy()


def _kind(content: object) -> str:
    if isinstance(content, Mapping):
        return f"a dict with keys {sorted(map(str, content))[:5]}" if content else "an empty dict"
    return type(content).__name__


def check_mxnet_params(contract: MxnetParams, file: Path, _: Render) -> Summary:
    """Check names, shapes and values of an MXNet list; summary: entries and values."""
    require_file(file, contract)
    refuse_other_formats(contract, file)
    arrays = _load_mxnet(contract, file)
    for name, array in arrays.items():
        if not _finite(array):
            raise broken(file, contract, expected="finite arrays", found=f"NaN or inf in {name}")
    shapes = {name: tuple(array.shape) for name, array in arrays.items()}
    return _totals(contract, file, shapes, sum(math.prod(shape) for shape in shapes.values()))


def _load_mxnet(contract: MxnetParams, file: Path) -> dict[str, Any]:
    """Arrays by name, read by the very code that stands in for MXNet inside a step."""
    place = Path(harness.__file__).parent / "site" / "shims" / "mxnet" / "nd.py"
    spec = importlib.util.spec_from_file_location("harness_mxnet_reader", place)
    assert spec is not None and spec.loader is not None  # noqa: PT018 - a path always has both
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    try:
        content = reader.load(str(file))
    except (OSError, ValueError, MemoryError, OverflowError) as error:
        raise broken(
            file,
            contract,
            expected="an MXNet list of arrays",
            found=str(error) or "a broken header",
        ) from error
    if not isinstance(content, dict) or not content:
        raise broken(file, contract, expected="named arrays", found=f"{len(content)} without names")
    return {name: array.asnumpy() for name, array in content.items()}


def _finite(array: Any) -> bool:
    import numpy as np

    if array.dtype.kind != "f" or not array.size:
        return True
    return bool(np.isfinite([array.min(), array.max()]).all())  # NaN comes through both


def _totals(contract: StateDict | MxnetParams, file: Path, shapes: _Shapes, values: int) -> Summary:
    """Compare names, shapes and counts with the contract."""
    for name, shape in contract.shapes.items():
        if shapes.get(name) != shape:
            other = str(shapes.get(name, _near(name, shapes)))
            raise broken(file, contract, expected=f"{name} of shape {shape}", found=other)
    for what, wanted, found in (
        ("entries", contract.entries, len(shapes)),
        ("values", contract.values, values),
    ):
        if wanted is not None and wanted != found:
            raise broken(file, contract, expected=f"{wanted} {what}", found=str(found))
    return {"entries": len(shapes), "values": values}


def _near(name: str, names: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, names, 1)
    return f"none of that name (the nearest is {near[0]})" if near else "none of that name"

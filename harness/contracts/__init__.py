"""Contracts: what an output must look like for its reader, checked on the host after a step.

Outputs come from foreign code: nothing in them is executed, and every error names file, contract,
what was expected and what was found. `outputs` refuses links and odd files before.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from harness.contracts.failure import ContractError, Render, Summary, broken
from harness.contracts.npy_arrays import check_npy_arrays
from harness.contracts.npy_maps import check_npy_maps
from harness.contracts.npy_ratios import check_npy_ratios
from harness.contracts.npy_stacks import check_npy_stacks
from harness.contracts.plain import check_file, check_folder, check_json, check_list
from harness.contracts.png_labels import check_png_labels
from harness.contracts.tensors import check_mxnet_params, check_state_dict
from harness.contracts.voc import check_voc
from harness.errors import HarnessError
from harness.manifest.contract import (
    Contract,
    Folder,
    JsonObject,
    Listing,
    MxnetParams,
    NpyArrays,
    NpyMaps,
    NpyRatios,
    NpyStacks,
    PlainFile,
    PngLabels,
    StateDict,
    Voc,
)

__all__ = ["ContractError", "Render", "Summary", "check", "imports_of"]

_CHECKS: dict[type, Callable[[Any, Path, Render], Summary]] = {
    PngLabels: check_png_labels,
    NpyMaps: check_npy_maps,
    NpyStacks: check_npy_stacks,
    NpyArrays: check_npy_arrays,
    NpyRatios: check_npy_ratios,
    StateDict: check_state_dict,
    MxnetParams: check_mxnet_params,
    JsonObject: check_json,
    Listing: check_list,
    Folder: check_folder,
    Voc: check_voc,
    PlainFile: check_file,
}
_WITHOUT_ARRAYS = {JsonObject, Listing, Folder, Voc, PlainFile}


def imports_of(contracts: Iterable[Contract]) -> tuple[str, ...]:
    """The slow imports of the checks of these contracts."""
    kinds = {type(one) for one in contracts}
    arrays = () if kinds <= _WITHOUT_ARRAYS else ("numpy", "PIL.Image")
    return (*arrays, "torch") if StateDict in kinds else arrays


def check(contract: Contract, path: Path, render: Render) -> Summary:
    """Check the output or asset at `path` and return a summary of it for the record.

    `render` turns a template of the contract into a host path.

    Raises:
        ContractError: it breaks its contract, whatever its reader raises over it.
        MemoryError, OSError: as the reader raises them.

    """
    try:
        return _CHECKS[type(contract)](contract, path, render)
    except (HarnessError, MemoryError, OSError):
        raise
    except Exception as error:
        found = f"one over which it fails with {type(error).__name__}"
        raise broken(path, contract, expected="what its reader can read", found=found) from error

"""Plain arrays: one npy file per id, channels x H x W."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contracts.failure import ContractError, Render, Summary, broken
from harness.contracts.files import in_order, one_per_id, picture_sizes, read_ids
from harness.manifest.contract import NpyArrays


def check_npy_arrays(contract: NpyArrays, folder: Path, render: Render) -> Summary:
    """Check every file; summary: their count, the lowest and highest value."""
    ids = read_ids(contract.ids, contract, render)
    files = one_per_id(folder, ids, ".npy", contract)
    sizes = picture_sizes(contract.size_of, ids, contract, render)

    def one(file: Path, size: tuple[int, int] | None) -> tuple[float, float]:
        return _File(contract, file).check(size)

    limits = in_order(one, files, sizes)
    return {
        "count": len(files),
        "low": min(low for low, _ in limits),
        "high": max(high for _, high in limits),
    }


@dataclass(frozen=True, slots=True)
class _File:
    """One file under check."""

    contract: NpyArrays
    path: Path

    def check(self, size: tuple[int, int] | None) -> tuple[float, float]:
        """Lowest and highest value of a sound array; `size` is (width, height)."""
        import numpy as np

        array = self._load()
        if array.dtype != np.float32:
            raise self._broken("float32", str(array.dtype))
        channels = self.contract.channels
        if array.ndim != 3 or len(array) != channels or not array.size:  # noqa: PLR2004 - K x H x W
            raise self._broken(f"{channels} x H x W", str(array.shape))
        if size is not None:
            self._check_size(array.shape[1:], (size[1], size[0]))
        low, high = float(array.min()), float(array.max())  # NaN comes through both
        if not np.isfinite([low, high]).all():
            raise self._broken("finite values", f"{low} .. {high}")
        return low, high

    def _load(self) -> Any:
        import numpy as np

        try:
            array = np.load(self.path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise self._broken("an array", str(error)) from error
        if not isinstance(array, np.ndarray):  # an npz archive
            raise self._broken("one array", "an archive of arrays")
        return array

    def _check_size(self, found: tuple[int, ...], picture: tuple[int, int]) -> None:
        least = tuple((pixels - 1) // self.contract.stride + 1 for pixels in picture)
        margin = 0 if self.contract.stride == 1 else 1
        if any(not low <= side <= low + margin for side, low in zip(found, least, strict=True)):
            raise self._broken(
                f"H x W = {least}, the picture's size by {self.contract.stride}", str(found)
            )

    def _broken(self, expected: str, found: str) -> ContractError:
        return broken(self.path, self.contract, expected=expected, found=found)

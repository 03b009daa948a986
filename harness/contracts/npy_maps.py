"""Class maps: one pickled dict per id, class key -> H x W array."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contracts.failure import ContractError, Render, Summary, broken
from harness.contracts.npy_dicts import Seen, allowed_keys, check_each, load_dict
from harness.manifest.contract import NpyMaps


def check_npy_maps(contract: NpyMaps, folder: Path, render: Render) -> Summary:
    """Check every file; summary: their count, the keys seen, the lowest and highest value."""
    return check_each(
        contract, folder, render, lambda file, size, keys: _File(contract, file).check(size, keys)
    )


@dataclass(frozen=True, slots=True)
class _File:
    """One file under check."""

    contract: NpyMaps
    path: Path

    def check(self, size: tuple[int, int] | None, wanted: frozenset[int] | None) -> Seen:
        """Check keys, types, shapes and values; `size` is (width, height)."""
        maps = load_dict(self.path, self.contract)
        keys = self._keys(maps, wanted)
        shape = None if size is None else (size[1], size[0])
        limits = [self._limits(key, maps[key], shape or _shape(maps)) for key in sorted(keys)]
        return Seen(keys, min(low for low, _ in limits), max(high for _, high in limits))

    def _keys(self, maps: Mapping[int | str, Any], wanted: frozenset[int] | None) -> frozenset[int]:
        if not maps:
            raise self._broken("at least one class", "an empty dict")
        allowed = allowed_keys(self.contract)
        if bad := [key for key in maps if key not in allowed]:
            raise self._broken(f"keys {min(allowed)}..{max(allowed)}", f"key {bad[0]!r}")
        keys = frozenset(key for key in maps if isinstance(key, int))
        if self.contract.background and 0 not in keys:
            raise self._broken("a background map under key 0", f"keys {sorted(keys)}")
        if wanted is not None and keys != wanted:
            raise self._broken(f"keys {sorted(wanted)}, the image's labels", f"{sorted(keys)}")
        return keys

    def _limits(self, key: int, value: Any, shape: tuple[int, ...]) -> tuple[float, float]:
        """Lowest and highest value of one map."""
        import numpy as np

        if not isinstance(value, np.ndarray) or value.dtype != np.dtype(self.contract.dtype):
            found = getattr(value, "dtype", type(value).__name__)
            raise self._broken(f"{self.contract.dtype} under key {key}", str(found))
        if value.ndim != 2 or value.shape != shape or not value.size:  # noqa: PLR2004 - H x W
            raise self._broken(f"H x W = {shape} under key {key}", str(value.shape))
        low, high = float(value.min()), float(value.max())  # NaN comes through both
        if not np.isfinite([low, high]).all():
            raise self._broken(f"finite values under key {key}", f"{low} .. {high}")
        floor, ceiling = self.contract.low, self.contract.high
        if (floor is not None and low < floor) or (ceiling is not None and high > ceiling):
            limits = f"values from {floor} to {ceiling} under key {key}"
            raise self._broken(limits, f"{low:g} .. {high:g}")
        return low, high

    def _broken(self, expected: str, found: str) -> ContractError:
        return broken(self.path, self.contract, expected=expected, found=found)


def _shape(maps: Mapping[int | str, Any]) -> tuple[int, ...]:
    """Shape that all maps of a file must share where no picture sets it: that of the first."""
    first = next(iter(maps.values()))
    return tuple(getattr(first, "shape", ()))

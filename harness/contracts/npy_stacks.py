"""Stacked class maps: one pickled dict per id, an array of keys and K x H x W stacks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contracts.failure import ContractError, Render, Summary, broken
from harness.contracts.npy_dicts import Seen, allowed_keys, check_each, load_dict
from harness.manifest.contract import NpyStacks

_KEYS = "keys"


def check_npy_stacks(contract: NpyStacks, folder: Path, render: Render) -> Summary:
    """Check every file; summary: their count, the keys seen, the lowest and highest value."""
    return check_each(
        contract, folder, render, lambda file, size, keys: _File(contract, file).check(size, keys)
    )


@dataclass(frozen=True, slots=True)
class _File:
    """One file under check."""

    contract: NpyStacks
    path: Path

    def check(self, size: tuple[int, int] | None, wanted: frozenset[int] | None) -> Seen:
        """Check names, keys, types, shapes and values; `size` is (width, height)."""
        content = load_dict(self.path, self.contract)
        names = {_KEYS, *self.contract.strides}
        if set(content) != names:
            raise self._broken(f"the entries {sorted(names)}", str(sorted(map(str, content))))
        keys = self._keys(content[_KEYS], wanted)
        limits = [
            self._limits(name, content[name], len(keys), self._shape(size, stride))
            for name, stride in self.contract.strides.items()
        ]
        return Seen(keys, min(low for low, _ in limits), max(high for _, high in limits))

    def _keys(self, value: Any, wanted: frozenset[int] | None) -> frozenset[int]:
        import numpy as np

        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu" or value.ndim != 1:
            found = getattr(value, "dtype", type(value).__name__)
            raise self._broken("keys as a row of whole numbers", str(found))
        keys = frozenset(int(key) for key in value)
        allowed = allowed_keys(self.contract)
        if not keys or len(keys) != value.size or not keys <= allowed:
            expected = f"distinct keys {min(allowed)}..{max(allowed)}, at least one"
            raise self._broken(expected, str(value.tolist()))
        if self.contract.background and 0 not in keys:
            raise self._broken("key 0, the background", str(value.tolist()))
        if wanted is not None and keys != wanted:
            raise self._broken(f"keys {sorted(wanted)}, the image's labels", f"{sorted(keys)}")
        return keys

    def _shape(self, size: tuple[int, int] | None, stride: int) -> tuple[int, int] | None:
        return None if size is None else ((size[1] - 1) // stride + 1, (size[0] - 1) // stride + 1)

    def _limits(
        self, name: str, value: Any, count: int, shape: tuple[int, int] | None
    ) -> tuple[float, float]:
        """Lowest and highest value of one stack."""
        import numpy as np

        if not isinstance(value, np.ndarray) or value.dtype != np.float32:
            found = getattr(value, "dtype", type(value).__name__)
            raise self._broken(f"float32 as {name}", str(found))
        wanted = (count, *(shape or value.shape[1:]))
        if value.ndim != 3 or value.shape != wanted or not value.size:  # noqa: PLR2004 - K x H x W
            raise self._broken(f"K x H x W = {wanted} as {name}", str(value.shape))
        low, high = float(value.min()), float(value.max())  # NaN comes through both
        floor, ceiling = self.contract.low, self.contract.high
        if not np.isfinite([low, high]).all():
            raise self._broken(f"finite values as {name}", f"{low} .. {high}")
        if (floor is not None and low < floor) or (ceiling is not None and high > ceiling):
            raise self._broken(
                f"values from {floor} to {ceiling} as {name}", f"{low:g} .. {high:g}"
            )
        return low, high

    def _broken(self, expected: str, found: str) -> ContractError:
        return broken(self.path, self.contract, expected=expected, found=found)

"""Class ratios: one pickled dict, id -> the share of the picture that each class covers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contracts.failure import WARNINGS, ContractError, Render, Summary, broken
from harness.contracts.files import read_ids, require_file
from harness.contracts.npy_dicts import load_dict, present_classes
from harness.manifest.contract import NpyRatios

#: How far below 0 or above 1 a ratio may be by rounding. Spatial-BCE multiplies it by the 47 x 47
#: pixels of the class map and drops the fraction: a quarter of a pixel makes no other pixel of it.
ROUNDING = 1e-4
_SHOWN = 3  # ids that an error lists


def check_npy_ratios(contract: NpyRatios, file: Path, render: Render) -> Summary:
    """Check every entry; summary: their count, the lowest and highest ratio.

    Ratios that are out of range by rounding are a warning in the summary.
    """
    ids = read_ids(contract.ids, contract, render)
    require_file(file, contract)
    content = load_dict(file, contract)
    _check_ids(contract, file, ids, content)
    present = present_classes(contract, ids, render)
    found = [
        _Row(contract, file, name, content[name]).limits(classes)
        for name, classes in zip(ids, present, strict=True)
    ]
    low, high = min(low for low, _ in found), max(high for _, high in found)
    summary: dict[str, object] = {"count": len(ids), "low": low, "high": high}
    rounded = [
        name for name, (low, high) in zip(ids, found, strict=True) if not 0 <= low <= high <= 1
    ]
    return summary | ({WARNINGS: [_rounded(rounded, low, high)]} if rounded else {})


def _check_ids(
    contract: NpyRatios, file: Path, ids: Collection[str], content: Mapping[int | str, Any]
) -> None:
    missing = sorted(set(ids) - set(content))
    more = [] if contract.others else sorted(map(str, set(content) - set(ids)))
    if missing or more:
        found = " and ".join(
            f"{len(names)} {verb}: {_first(names)}"
            for names, verb in ((missing, "missing"), (more, "more"))
            if names
        )
        raise broken(file, contract, expected=f"the {len(ids)} ids of the list", found=found)


def _first(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _rounded(names: list[str], low: float, high: float) -> str:
    return (
        f"ratios of {len(names)} ids are out of 0..1 by rounding, at most {ROUNDING:g}: "
        f"{low:g} .. {high:g} ({_first(names)})"
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """The ratios of one image under check."""

    contract: NpyRatios
    file: Path
    name: str
    value: Any

    def limits(self, present: frozenset[int] | None) -> tuple[float, float]:
        """Lowest and highest ratio."""
        ratios = self._numbers()
        low, high = float(ratios.min()), float(ratios.max())
        if not (low >= -ROUNDING and high <= 1 + ROUNDING):  # NaN comes through both
            raise self._broken(f"ratios from 0 to 1 for {self.name}", f"{low:g} .. {high:g}")
        covering = frozenset(map(int, (ratios > 0).nonzero()[0]))
        if present is not None and not covering <= present:
            expected = f"ratios of 0 but for classes {sorted(present)} of {self.name}"
            raise self._broken(expected, str(sorted(covering)))
        return low, high

    def _numbers(self) -> Any:
        """The row as numpy holds it.

        It must not be of whole numbers: torch would make integers of it, to which a loader process
        cannot join the other rows of its batch.
        """
        import numpy as np

        ratios = np.asarray(self.value)
        if ratios.dtype.kind != "f":
            found = f"{ratios.dtype} ({self.value!r:.40})"
            raise self._broken(f"floating-point numbers for {self.name}", found)
        if ratios.shape != (self.contract.classes,):
            found = f"{ratios.size} in shape {ratios.shape}"
            raise self._broken(f"{self.contract.classes} numbers for {self.name}", found)
        return ratios

    def _broken(self, expected: str, found: str) -> ContractError:
        return broken(self.file, self.contract, expected=expected, found=found)

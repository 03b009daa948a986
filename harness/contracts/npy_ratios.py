"""Class ratios: one pickled dict, id -> the share of the picture that each class covers."""

from pathlib import Path
from typing import Any

from harness.contracts.failure import Render, Summary, broken
from harness.contracts.files import read_ids, require_file
from harness.contracts.npy_dicts import load_dict, present_classes
from harness.manifest.contract import NpyRatios


def check_npy_ratios(contract: NpyRatios, file: Path, render: Render) -> Summary:
    """Check every entry; summary: their count and the highest ratio."""
    ids = read_ids(contract.ids, contract, render)
    require_file(file, contract)
    content = load_dict(file, contract)
    if set(content) != set(ids):
        missing, more = set(ids) - set(content), set(content) - set(ids)
        first = min(map(str, missing or more))
        found = f"{len(missing)} missing and {len(more)} more, the first is {first}"
        raise broken(file, contract, expected=f"the {len(ids)} ids of the list", found=found)
    present = present_classes(contract, ids, render)
    highest = [
        _highest(contract, file, name, content[name], classes)
        for name, classes in zip(ids, present, strict=True)
    ]
    return {"count": len(ids), "high": max(highest)}


def _highest(
    contract: NpyRatios, file: Path, name: str, row: Any, present: frozenset[int] | None
) -> float:
    """The highest ratio of one image."""
    import numpy as np

    try:
        ratios = np.asarray(row, np.float64)
    except (TypeError, ValueError):
        ratios = np.empty(0)
    if ratios.shape != (contract.classes,):
        expected = f"{contract.classes} numbers for {name}"
        raise broken(file, contract, expected=expected, found=f"{row!r:.60}")
    if not ((ratios >= 0) & (ratios <= 1)).all():
        found = f"{ratios.min():g} .. {ratios.max():g}"
        raise broken(file, contract, expected=f"ratios from 0 to 1 for {name}", found=found)
    covering = frozenset(int(k) for k in ratios.nonzero()[0])
    if present is not None and not covering <= present:
        expected = f"ratios of 0 but for classes {sorted(present)} of {name}"
        raise broken(file, contract, expected=expected, found=str(sorted(covering)))
    return float(ratios.max())

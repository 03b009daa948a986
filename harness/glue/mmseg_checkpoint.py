"""Choose one checkpoint of an mmseg training and write it without optimiser state and log.

``--choose last`` selects the highest iteration. ``--choose best`` selects the iteration with the
highest `mIoU` in the training's ``*.log.json``, the later one of equals. The output contains
`state_dict`, and `meta` with the classes, the palette and the iteration. Equal weights give equal
files.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

_NAME = re.compile(r"iter_(\d+)\.pth")
KEPT = ("CLASSES", "PALETTE", "iter")


def checkpoints(folder: Path) -> dict[int, Path]:
    """Return the checkpoints by iteration, in ascending order."""
    named = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return dict(sorted((int(match[1]), path) for match, path in named if match))


def evaluations(folder: Path) -> list[tuple[float, int]]:
    """Return (mIoU, iteration) of every evaluation, in the order of the log.

    Raises ValueError unless the folder contains exactly one log.
    """
    logs = sorted(folder.glob("*.log.json"))
    if len(logs) != 1:
        msg = f"{folder} has {len(logs)} logs (*.log.json), expected one"
        raise ValueError(msg)
    lines = (json.loads(line) for line in logs[0].read_text().splitlines())
    return [(float(line["mIoU"]), int(line["iter"])) for line in lines if "mIoU" in line]


def chosen(folder: Path, how: str) -> tuple[int, Path]:
    """Return the iteration and path. Raises ValueError if no checkpoint can be chosen."""
    found = checkpoints(folder)
    if not found:
        msg = f"{folder} has no checkpoint iter_<number>.pth"
        raise ValueError(msg)
    if how == "last":
        return list(found.items())[-1]
    scored = evaluations(folder)
    if not scored:
        msg = f"{folder}: the training was never evaluated"
        raise ValueError(msg)
    iteration = max(scored)[1]
    if iteration not in found:
        msg = f"{folder} has no checkpoint of iteration {iteration}, which has the best score"
        raise ValueError(msg)
    return iteration, found[iteration]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; if no checkpoint can be chosen, fail with exit status 2."""
    parser = argparse.ArgumentParser(prog="harness.glue.mmseg_checkpoint", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--folder", type=Path, required=True, help="work_dir of the training")
    parser.add_argument(
        "--choose", choices=("best", "last"), required=True, help="which checkpoint to write"
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    given = parser.parse_args(arguments)
    try:
        iteration, path = chosen(given.folder, given.choose)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    import torch

    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    meta = {name: checkpoint["meta"][name] for name in KEPT}
    torch.save({"state_dict": checkpoint["state_dict"], "meta": meta}, given.out)
    sys.stdout.write(f"chose iteration {iteration}\n")


if __name__ == "__main__":
    main()

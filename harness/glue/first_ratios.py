"""Write the class ratios that Spatial-BCE's first phase starts from.

They are a pickled dict, id -> list of 20 shares of the picture. ``--given FILE`` takes those of the
listed ids out of the file that the repository ships (no script of it makes them); without it each
class that ``--labels`` (a ``cls_labels.npy``) names gets the share ``--share``, for smoke runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def drawn(labels: Mapping[str, Any], ids: Iterable[str], share: float) -> dict[str, list[Any]]:
    """Return equal shares for the classes of each image, in upstream's types."""
    return {name: [share * np.float64(value != 0) for value in labels[name]] for name in ids}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; an id without ratios ends it with status 2 and a line saying which."""
    parser = argparse.ArgumentParser(prog="harness.glue.first_ratios", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--given", type=Path)
    source.add_argument("--labels", type=Path)
    parser.add_argument("--share", type=float, default=0.25)
    parser.add_argument("--ids", type=Path, required=True, help="a list of bare ids")
    parser.add_argument("--out", type=Path, required=True, help="the npy file to write")
    given = parser.parse_args(arguments)
    ids = given.ids.read_text().split()
    found = np.load(given.given or given.labels, allow_pickle=True).item()
    if missing := [name for name in ids if name not in found]:
        parser.error(f"{given.given or given.labels}: {len(missing)} ids lack, first {missing[0]}")
    ratios = {name: found[name] for name in ids} if given.given else drawn(found, ids, given.share)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    np.save(given.out, ratios)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()

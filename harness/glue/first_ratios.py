"""Write the initial class ratios for Spatial-BCE's first phase.

The output is a pickled dict, id -> list of 20 ratios of the image area. ``--given FILE`` copies the
ratios of the listed ids from the file in the repository, which contains no script to compute them.
For smoke runs, ``--labels`` (a ``cls_labels.npy``) gives every class of an image the ratio
``--share`` instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.readers.id_lists import ListError, read_ids
from harness.readers.safe_pickle import load_npy_dict


def drawn(labels: Mapping[Any, Any], ids: Iterable[str], share: float) -> dict[str, list[Any]]:
    """Return the ratio ``share`` for each class of each image, in upstream's types."""
    return {name: [share * np.float64(value != 0) for value in labels[name]] for name in ids}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool; an id without ratios is an error that names it, with exit status 2."""
    parser = argparse.ArgumentParser(prog="harness.glue.first_ratios", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--given", type=Path, help="file of ratios to copy from")
    source.add_argument("--labels", type=Path, help="cls_labels.npy with the classes of each id")
    parser.add_argument("--share", type=float, default=0.25, help="ratio of each class (--labels)")
    parser.add_argument("--ids", type=Path, required=True, help="file with one id per line")
    parser.add_argument("--out", type=Path, required=True, help="npy file to write")
    given = parser.parse_args(arguments)
    source_file = given.given or given.labels
    try:
        ids = read_ids(given.ids)
        found = load_npy_dict(source_file)
    except ListError as error:
        parser.error(str(error))
    except (OSError, ValueError) as error:
        parser.error(f"{source_file}: {error}")
    if missing := [name for name in ids if name not in found]:
        parser.error(f"{source_file}: {len(missing)} ids are missing, first {missing[0]}")
    ratios = {name: found[name] for name in ids} if given.given else drawn(found, ids, given.share)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    np.save(given.out, ratios)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()

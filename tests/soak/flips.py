"""`python -m tests.soak.flips`: one byte of every file of a finished demo run, each in turn.

After each flip `reproduce` must end with the undisturbed scores, or refuse; never with others.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from tests.soak.faults import flip
from tests.soak.lab import Engine, Lab, finish, scores_of


def main() -> int:
    """Flip, run, compare; print a line per file that is not simply made again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", default="1/1", help="I/N: every Nth file, from the Ith")
    asked = parser.parse_args()
    first, count = (int(number) for number in asked.share.split("/"))
    lab = Lab(Path(tempfile.mkdtemp(prefix="harness-flips-")), Engine())
    runs = lab.root / "runs"
    shutil.copytree(lab.reference.runs, runs, symlinks=True)
    names = sorted(path.relative_to(runs) for path in runs.rglob("*") if path.is_file())
    ends: Counter[str] = Counter()
    for number, name in enumerate(names[first - 1 :: count]):
        if not (runs / name).exists() or not (runs / name).stat().st_size:
            ends["empty"] += 1
            continue
        flip(runs / name, Random(number))
        end = _end(lab, runs)
        ends[end] += 1
        if end != "the same scores":
            print(f"{name}: {end}", flush=True)
            shutil.rmtree(runs)
            shutil.copytree(lab.reference.runs, runs, symlinks=True)
    print(dict(ends))
    return 1 if ends["OTHER SCORES"] else 0


def _end(lab: Lab, runs: Path) -> str:
    code, document, err = finish(lab.start(runs))
    if code != 0:
        return f"refused with exit code {code}: {err.strip().splitlines()[-2:]}"
    return "the same scores" if scores_of(document) == lab.reference.scores else "OTHER SCORES"


if __name__ == "__main__":
    sys.exit(main())

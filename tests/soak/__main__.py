"""`python -m tests.soak --faults 200 --seed 1`: exit code 0 if all held after every fault."""

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from random import Random

from tests.soak.faults import FAULTS, SLOW_FAULTS
from tests.soak.lab import Engine, Lab, Violated


def main() -> int:
    """Disturb, recover, check; print a line per fault and a summary."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="kinds that contain this text")
    parser.add_argument("--slow", action="store_true", help="kinds that take minutes, too")
    parser.add_argument("--root", type=Path, help="folder to work in, on a real disk")
    asked = parser.parse_args()
    known = {**FAULTS, **(SLOW_FAULTS if asked.slow else {})}
    kinds = [name for name in known if asked.only is None or asked.only in name]
    root = asked.root or Path(tempfile.mkdtemp(prefix="harness-soak-"))
    lab = Lab(root, Engine())
    seen: dict[str, list[dict[str, float]]] = defaultdict(list)
    violated = 0
    for number in range(asked.faults):
        kind = kinds[number % len(kinds)]
        rng = Random(f"{asked.seed} {number}")
        case = lab.case(rng, number)
        started = time.monotonic()
        try:
            what = known[kind](case, rng)
            case.recover()
        except Violated as error:
            violated += 1
            print(f"{number} {kind}: VIOLATED {error} (kept: {case.runs})", flush=True)
            continue
        case.remove()
        seen[kind].append({"runs": case.runs_to_recover, "seconds": case.recovery_seconds})
        took = time.monotonic() - started
        print(
            f"{number} {kind}: {what}; recovered in {case.recovery_seconds:.1f} s, "
            f"{case.runs_to_recover} run(s), {took:.1f} s in all",
            flush=True,
        )
    summary = {
        kind: {
            "faults": len(found),
            "runs to recover, at most": max(one["runs"] for one in found),
            "longest recovery in s": round(max(one["seconds"] for one in found), 1),
        }
        for kind, found in sorted(seen.items())
    }
    print(json.dumps({"faults": asked.faults, "violated": violated, "kinds": summary}, indent=1))
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())

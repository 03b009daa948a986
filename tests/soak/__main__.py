"""`python -m tests.soak --faults 200 --seed 1`: exit code 0 if all held after every fault."""

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from tests.services.docker_engine import BASE, OwnEngine
from tests.soak.faults import DOCKER_FAULTS, FAULTS, SLOW_FAULTS, Fault
from tests.soak.lab import Case, Engine, Lab, Violated


def main() -> int:
    """Disturb, recover, check; print a line per fault and a summary."""
    asked = _read_options()
    root = asked.root or Path(tempfile.mkdtemp(prefix="harness-soak-"))
    if not asked.docker:
        return soak(Lab(root, Engine()), {**FAULTS, **(SLOW_FAULTS if asked.slow else {})}, asked)
    with own_engine(root / "engine") as engine:
        return soak(Lab(root, engine), DOCKER_FAULTS, asked)


@contextmanager
def own_engine(root: Path) -> Iterator[Engine]:
    """A Docker engine that may be stopped, with the base image of the one DOCKER_HOST names."""
    root.mkdir()
    docker = OwnEngine(root)
    try:
        docker.start()
        docker.take_base(os.environ["DOCKER_HOST"])
        options = ("--runtime", "docker", "--base", BASE)
        yield Engine(options, {"DOCKER_HOST": docker.host}, docker)
    finally:
        docker.remove()


def soak(lab: Lab, known: Mapping[str, Fault], asked: argparse.Namespace) -> int:
    """One fault after the other, kinds in turn."""
    kinds = [name for name in known if asked.only is None or asked.only in name]
    seen: dict[str, list[Case]] = defaultdict(list)
    violated = 0
    for number in range(asked.faults):
        kind = kinds[number % len(kinds)]
        rng = Random(f"{asked.seed} {number}")
        case = lab.case(rng, number)
        try:
            what = known[kind](case, rng)
            case.recover()
        except Violated as error:
            violated += 1
            print(f"{number} {kind}: VIOLATED {error} (kept: {case.runs})", flush=True)
            continue
        case.remove()
        seen[kind].append(case)
        print(f"{number} {kind}: {what}; recovered in {case.recovery_seconds:.1f} s", flush=True)
    print(json.dumps(_summary(seen) | {"violated": violated}, indent=1))
    return 1 if violated else 0


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="kinds that contain this text")
    parser.add_argument("--slow", action="store_true", help="kinds that take minutes, too")
    parser.add_argument("--docker", action="store_true", help="in containers; needs DOCKER_HOST")
    parser.add_argument("--root", type=Path, help="folder to work in, on a real disk")
    return parser.parse_args()


def _summary(seen: Mapping[str, Sequence[Case]]) -> dict[str, Any]:
    kinds = {
        kind: {
            "faults": len(cases),
            "runs to recover, at most": max(case.runs_to_recover for case in cases),
            "longest recovery in s": round(max(case.recovery_seconds for case in cases), 1),
        }
        for kind, cases in sorted(seen.items())
    }
    return {"recovered": sum(map(len, seen.values())), "kinds": kinds}


if __name__ == "__main__":
    sys.exit(main())

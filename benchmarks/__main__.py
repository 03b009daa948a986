"""Run the benchmarks, write ``benchmarks/results/*.json`` and the tables of the documentation."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import fsl, machine, scale, scoring, table, verdict_power, verification, volume
from .peers import containers, idle, planning, side_by_side, tools

HERE = Path(__file__).parent
PAGES = [HERE.parent / "docs" / name for name in ("performance.md", "statistics.md", "scale.md")]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--reference", type=Path, help="checkout of arvijj/hfpl")
    parser.add_argument("--only", choices=list(_BENCHMARKS))
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="for FSL")
    parser.add_argument("--quick", action="store_true", help="two sizes, few images")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="output folder")
    args = parser.parse_args()
    args.results.mkdir(parents=True, exist_ok=True)
    for name, measure in _BENCHMARKS.items():
        if args.only in {None, name} and (name == "fsl" or args.device == "cpu"):
            measure(args)
    if args.results == HERE / "results":
        for page in PAGES:
            table.update_page(page, args.results)


def _fsl(args: argparse.Namespace) -> None:
    rows = fsl.run(args.device, args.reference, quick=args.quick)
    write(args, f"fsl-{args.device}", rows, table.fsl_line)


def _scoring(args: argparse.Namespace) -> None:
    rows = scoring.run(args.reference, quick=args.quick)
    write(args, "scoring-cpu", rows, table.scoring_line)


def _verification(args: argparse.Namespace) -> None:
    rows = verification.run(quick=args.quick)
    write(args, "verification-cpu", rows, table.verification_line)


def _volume(args: argparse.Namespace) -> None:
    write(args, "kinds-cpu", volume.kinds(quick=args.quick), table.kinds_line)
    write(args, "steps-cpu", volume.steps(quick=args.quick), table.steps_line)


def _verdict(args: argparse.Namespace) -> None:
    write(args, "cells-simulated", verdict_power.cells(quick=args.quick), table.cells_line)
    write(args, "tables-simulated", verdict_power.tables(quick=args.quick), table.tables_line)


def _scale(args: argparse.Namespace) -> None:
    write(args, "fleets-replayed", scale.fleets(quick=args.quick), table.fleets_line)
    write(args, "path-replayed", scale.path(), table.path_line)


def write(
    args: argparse.Namespace,
    name: str,
    rows: Iterator[dict[str, Any]],
    line: Callable[[dict[str, Any]], str],
    **versions: str,
) -> None:
    """Print each row as it comes and write them all."""
    kept = []
    for row in rows:
        print(line(row), flush=True)
        kept.append(row)
    content = {"machine": {**machine.describe(args.device), **versions}, "rows": kept}
    file = args.results / f"{name}.json"
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _peers(args: argparse.Namespace) -> None:
    programs = tools.tools()
    known = tools.versions(programs)
    obstacle = containers.obstacle()
    beside = side_by_side.rows(programs, quick=args.quick)
    if not obstacle:
        more = side_by_side.in_containers(programs, containers.BASE, quick=args.quick)
        beside = itertools.chain(beside, more)
    write(args, "peers-cpu", beside, table.peers_line, **known)
    write(args, "planning-cpu", planning.rows(quick=args.quick), table.planning_line)
    write(args, "idle-cpu", idle.rows(quick=args.quick), table.idle_line)
    if obstacle:
        print(f"containers are not measured: {obstacle}", file=sys.stderr)
    else:
        write(args, "containers-cpu", containers.rows(quick=args.quick), table.containers_line)


_BENCHMARKS: dict[str, Callable[[argparse.Namespace], None]] = {
    "fsl": _fsl,
    "scoring": _scoring,
    "verification": _verification,
    "volume": _volume,
    "verdict": _verdict,
    "scale": _scale,
    "peers": _peers,
}


if __name__ == "__main__":
    main()

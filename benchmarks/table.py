"""Results as lines of Markdown tables, put between the marks of the documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FSL_HEAD = (
    "| map | batch | present | ours | all pairs | authors | faster than all pairs"
    " | than authors | memory: ours | less than all pairs | than authors |"
)
VERIFICATION_HEAD = "| what | data | ours | other | ratio |"
CELLS_HEAD = (
    "| δ | own seeds | spread | REPRODUCED at D = 0 | as computed | at D = δ"
    " | at D = δ, no ± printed | at D = δ, ± read with ddof 1 | NOT REPRODUCED at D = 0"
    " | at D = 2 | gain of 0 HOLDS |"
)
TABLES_HEAD = (
    "| truth | cells | some cell NOT REPRODUCED | some cell different, Holm | without Holm"
    " | cells REPRODUCED | all REPRODUCED |"
)
_CELL_RATES = (
    "reproduced_at_0",
    "computed",
    "reproduced_at_delta",
    "without_spread_at_delta",
    "ddof_1_at_delta",
    "not_reproduced_at_0",
    "not_reproduced_at_2",
    "gain_at_0",
)
KINDS_HEAD = (
    "| kind | files | GB | checked and hashed | flushed | hashed | looked at | removed"
    " | memory of the reader | at a tenth of the files |"
)
STEPS_HEAD = (
    "| step | shards | files | GB | estimate | harness adds | of it processor time | share"
    " | memory of harness | of the reader |"
)
_SHOWN_STEPS = 15  # those of which harness adds the largest shares
_FLEETS = ("1 GPU", *(f"{2**power} GPUs" for power in range(1, 9)))
FLEETS_HEAD = f"| runs | {' | '.join(_FLEETS)} | enough |"
DISK_HEAD = f"| runs | {' | '.join(_FLEETS)} | with `--keep` |"
PATH_HEAD = "| stage | step | GPUs | hours |"
PEERS_HEAD = "| what | steps | harness | Snakemake | cwltool | ours / the fastest peer's |"
PLANNING_HEAD = "| runs | steps | plan | a run | look what is done | replay on 1 to 256 GPUs |"
CONTAINERS_HEAD = "| what | bare | under harness | ratio |"
IDLE_HEAD = "| what | gaps | median | longest |"
SCORING_HEAD = "| what | images | ours | other | faster |"


def fsl_line(row: dict[str, Any]) -> str:
    """Return one line of the table of FSL."""
    found, against = row["measured"], row["against"]
    cells = [f"{row['size']}²", str(row["batch"]), str(row["present"])]
    cells += [_time(found.get(form)) for form in ("ours", "all-pairs", "authors")]
    cells += [_ratio(against.get(form), "times_faster") for form in ("all-pairs", "authors")]
    cells.append(f"{found['ours']['bytes'] / 2**20:.1f} MiB")
    cells += [_ratio(against.get(form), "times_less_memory") for form in ("all-pairs", "authors")]
    return f"| {' | '.join(cells)} |"


def scoring_line(row: dict[str, Any]) -> str:
    """Return one line of the table of scoring."""
    cells = [row["what"], str(row["images"]), f"{row['ours']:.2f} s", f"{row['other']:.2f} s"]
    return f"| {' | '.join(cells)} | {row['other'] / row['ours']:.1f}× |"


def verification_line(row: dict[str, Any]) -> str:
    """Return one line of the table of verification."""
    cells = [row["what"], row["data"], *(_time({"seconds": row[one]}) for one in ("ours", "other"))]
    return f"| {' | '.join(cells)} | {row['ratio']:.2g} |"


def kinds_line(row: dict[str, Any]) -> str:
    """Return one line of the table of contract kinds."""
    cells = [row["kind"], f"{row['files']:,}", f"{row['bytes'] / 1e9:.2f}"]
    cells += [_time({"seconds": row[one]}) for one in ("check", "flush", "hash", "look", "remove")]
    cells += [_megabytes(row[one]) for one in ("reader_bytes", "reader_bytes_of_a_tenth")]
    return f"| {' | '.join(cells)} |"


def steps_line(row: dict[str, Any]) -> str:
    """Return one line of the table of steps."""
    cells = [row["step"], str(row["shards"] or "–"), f"{row['files']:,}"]
    cells += [f"{row['bytes'] / 1e9:.2f}", f"{row['hours']:g} h"]
    cells += [_time({"seconds": row[one]}) for one in ("seconds", "processor_seconds")]
    cells += [f"{100 * row['share']:.2f} %"]
    cells += [_megabytes(row[one]) for one in ("harness_bytes", "reader_bytes")]
    return f"| {' | '.join(cells)} |"


def cells_line(row: dict[str, Any]) -> str:
    """Return one line of the table of simulated cells."""
    cells = [f"{row['delta']:.1f}", str(row["own"]), f"{row['sd']:.1f}"]
    return f"| {' | '.join([*cells, *(_percent(row[rate]) for rate in _CELL_RATES)])} |"


def tables_line(row: dict[str, Any]) -> str:
    """Return one line of the table of simulated tables."""
    rates = ("any_not_reproduced", "any_different_by_holm", "any_different_without_holm")
    cells = [row["what"], str(row["cells"]), *(_percent(row[rate]) for rate in rates)]
    cells += [f"{row['cells_reproduced']:.1f}", _percent(row["all_reproduced"])]
    return f"| {' | '.join(cells)} |"


def fleets_line(row: dict[str, Any]) -> str:
    """Return one line of the table of numbers of GPUs: days, and how busy the GPUs are."""
    cells = [
        f"{one['hours'] / 24:.1f} d, {100 * one['utilisation']:.0f} %" for one in row["fleets"]
    ]
    return f"| {row['runs']:,} | {' | '.join(cells)} | {row['enough_gpus']} |"


def disk_line(row: dict[str, Any]) -> str:
    """Return one line of the table of peak disk."""
    cells = [f"{one['peak_disk_gb'] / 1000:.1f} TB" for one in row["fleets"]]
    kept = max(one["peak_disk_kept_gb"] for one in row["fleets"]) / 1000
    return f"| {row['runs']:,} | {' | '.join(cells)} | {kept:.1f} TB |"


def path_line(row: dict[str, Any]) -> str:
    """Return one line of the table of the critical path."""
    return f"| {row['stage']} | `{row['name']}` | {row['gpus']} | {row['hours']:.3g} |"


def peers_line(row: dict[str, Any]) -> str:
    """Return one line of the table of peers."""
    times = [row["seconds"].get(name) for name in ("harness", "snakemake", "cwltool")]
    cells = [_time(None if one is None else {"seconds": one}) for one in times]
    steps = "–" if row["steps"] is None else f"{row['steps']:,}"
    return f"| {row['what']} | {steps} | {' | '.join(cells)} | {row['ratio']:.2f} |"


def planning_line(row: dict[str, Any]) -> str:
    """Return one line of the table of planning."""
    times = [row["plan"], row["plan"] / row["runs"], row["look"], row["simulate"]]
    cells = [_time({"seconds": one}) for one in times]
    return f"| {row['runs']:,} | {row['steps']:,} | {' | '.join(cells)} |"


def containers_line(row: dict[str, Any]) -> str:
    """Return one line of the table of containers."""
    cells = [_time({"seconds": row["seconds"][one]}) for one in ("bare", "harness")]
    return f"| {row['what']} | {' | '.join(cells)} | {row['ratio']:.2f} |"


def idle_line(row: dict[str, Any]) -> str:
    """Return one line of the table of idle GPUs."""
    cells = [_time({"seconds": row[one]}) for one in ("median", "longest")]
    return f"| {row['what']} | {row['gaps']} | {' | '.join(cells)} |"


def update_page(page: Path, results: Path) -> None:
    """Replace the tables between ``<!-- NAME -->`` and ``<!-- /NAME -->`` by those of results."""
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"<!-- (\w[\w-]*) -->", text):
        file = results / f"{_SAME.get(name, name)}.json"
        if file.is_file():
            new = f"<!-- {name} -->\n{_section(name, file)}\n<!-- /{name} -->"
            old = rf"<!-- {name} -->.*?<!-- /{name} -->"
            text = re.sub(old, lambda _, new=new: new, text, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")


def _section(name: str, file: Path) -> str:
    content = json.loads(file.read_text(encoding="utf-8"))
    head, line = _TABLES[name.partition("-")[0]]
    rule = "|" + " --- |" * (head.count("|") - 1)
    rows, more = _shown(name, content["rows"])
    lines = [head, rule, *map(line, rows), *more]
    if name.endswith("-simulated"):
        return "\n".join([f"Simulated, {content['rows'][0]['draws']:,} draws a line.", "", *lines])
    if name.endswith("-replayed"):
        return "\n".join(lines)  # no machine has a part in it
    where = content["machine"]
    place = (
        f"{where['gpu']} with {where['cpus']} CPUs"
        if "gpu" in where
        else (f"{where['cpus']} CPUs ({where['cpu']})")
    )
    peers = [f"{peer} {where[peer]}" for peer in ("snakemake", "cwltool") if peer in where]
    used = [f"{one} {where[one]}" for one in ("torch", "numpy")]
    note = ", ".join([place, *(peers or used), f"Python {where['python']}"])
    return "\n".join([f"Measured on: {note}.", "", *lines])


def _shown(name: str, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows to show, and lines about the others: of steps, those with large shares."""
    if not name.startswith("steps"):
        return rows, []
    ordered = sorted(rows, key=lambda row: -row["share"])
    shown, others = ordered[:_SHOWN_STEPS], ordered[_SHOWN_STEPS:]
    highest = max((row["share"] for row in others), default=0.0)
    total = sum(row["seconds"] for row in rows) / sum(3600 * row["hours"] for row in rows)
    note = f"The other {len(others)} steps: at most {100 * highest:.2f} % each. "
    return shown, ["", f"{note}All {len(rows)} together: {100 * total:.3f} %."]


def _time(measured: dict[str, float] | None) -> str:
    if measured is None:
        return "–"
    seconds = measured["seconds"]
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.2f} ms"


def _megabytes(size: float) -> str:
    """Return a size; a dash where the process ended before it could be looked at."""
    return f"{size / 1e6:.0f} MB" if size else "–"


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _ratio(against: dict[str, float] | None, what: str) -> str:
    return "–" if against is None else f"{against[what]:.0f}×"


#: Tables that show other figures of the same results.
_SAME = {"disk-replayed": "fleets-replayed"}
_TABLES = {
    "fsl": (FSL_HEAD, fsl_line),
    "cells": (CELLS_HEAD, cells_line),
    "tables": (TABLES_HEAD, tables_line),
    "scoring": (SCORING_HEAD, scoring_line),
    "verification": (VERIFICATION_HEAD, verification_line),
    "kinds": (KINDS_HEAD, kinds_line),
    "steps": (STEPS_HEAD, steps_line),
    "fleets": (FLEETS_HEAD, fleets_line),
    "disk": (DISK_HEAD, disk_line),
    "path": (PATH_HEAD, path_line),
    "peers": (PEERS_HEAD, peers_line),
    "planning": (PLANNING_HEAD, planning_line),
    "containers": (CONTAINERS_HEAD, containers_line),
    "idle": (IDLE_HEAD, idle_line),
}

"""What the paper's supplement prints, transcribed apart from the manifests."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def supplement() -> dict[str, list[dict[str, Any]]]:
    """`supplement.yaml`."""
    path = Path(__file__).with_name("supplement.yaml")
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def table_6() -> Iterator[tuple[str, float, float]]:
    """Each cell of Table 6: id, value, spread."""
    for line in supplement()["table6"]:
        for metric in ("J", "F", "JF"):
            name = f"t6/{line['method']}/{line['backbone']}/{line['losses']}/{metric}"
            yield name, line[metric], line[f"{metric}_spread"]


def table_7() -> Iterator[tuple[str, float | None]]:
    """Each cell of Table 7's rows: id, value; None where it prints "-"."""
    for line in supplement()["table7"]:
        for column in ("reported", "reproduced"):
            for split in ("val", "test"):
                row = f"{line['method']}/{line['backbone']}"
                name = f"t7/{row}/{column}/{line['losses']}/{split}"
                yield name, line[f"{column}_{split}"]

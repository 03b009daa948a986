"""How findings of `verify` are shown."""

from typing import Any

from harness.commands.verify import StoreFinding
from harness.plan import keys
from harness.sources.sources import Finding


def finding_row(finding: Finding) -> dict[str, Any]:
    """One line of `verify --json`."""
    row: dict[str, Any] = keys.plain(finding)
    return {"name": row.pop("repository"), **row}


def damage_row(finding: StoreFinding) -> dict[str, Any]:
    """One thing that `verify --store --json` found damaged."""
    return {
        "kind": finding.kind,
        "name": finding.name,
        "path": str(finding.path),
        "damage": finding.damage,
        "moved_to": str(finding.moved_to) if finding.moved_to else None,
    }

"""What a report may use beside the evidence: links, data at hand, published numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.tables.findings import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """All of it may be missing: the report then says less."""

    repositories: Mapping[str, str] = field(default_factory=dict)  # name -> address
    data: Mapping[str, Path] = field(default_factory=dict)  # digest of an asset -> its folder
    findings: Findings | None = None  # the paper's numbers, and the verdicts on all runs

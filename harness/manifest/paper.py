"""Published numbers: what each one is, so that a judge knows what it can support."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.manifest.fields import value

Metric = Literal["J", "F", "JF"]
Status = Literal["printed", "second-hand", "not-found"]


@value
class Number:
    """One cell of a published table, in percent; `value` is None where nobody could read it."""

    id: str
    table: Literal[6, 7]
    method: str
    backbone: str
    losses: Literal["none", "isl", "fsl", "isl+fsl"]
    metric: Metric
    split: Literal["train", "val", "test"]
    column: str
    value: Annotated[float, Field(ge=0, le=100)] | None
    spread: Annotated[float, Field(ge=0)] | None
    spread_kind: Literal["sd", "sem", "ci95", "range", "none"] | None
    ddof: Literal[0, 1] | None
    runs: Annotated[int, Field(ge=1)] | None
    selection: Literal["mean", "best-of-k", "best-of-five-by-val", "unknown"]
    kind: Literal["mean-of-runs", "single", "best-of-five-by-val"]
    decimals: Annotated[int, Field(ge=0)]
    status: Status
    source: str | None
    note: str | None = None


@value
class Claim:
    """A statement of the paper about gains."""

    id: str
    section: str | None
    table: Literal[6, 7]
    losses: Literal["isl", "fsl", "isl+fsl"]
    against: Literal["none", "fsl"]
    metric: Metric | None
    split: Literal["val", "test"]
    gain: float | Literal["positive"]
    recomputed: float | Literal["agrees"] | None
    status: Status


@value
class Row:
    """A method on a backbone, and the rows that share its stages 1-6."""

    method: str
    backbone: str
    shares: tuple[str, ...]


@value
class Published:
    """`manifests/papers/<paper>.yaml`; the sections that only people read stay as they are."""

    paper: Mapping[str, Any]
    settings: Mapping[str, float]
    sources: Mapping[str, str]
    metrics: Mapping[str, Any]
    rows: tuple[Row, ...]
    other_rows: tuple[Mapping[str, Any], ...] | None
    margins: Mapping[str, Any]
    spreads: Mapping[str, Any]
    kinds: Mapping[str, str]
    claims: tuple[Claim, ...]
    not_claimed: tuple[Mapping[str, Any], ...]
    numbers: tuple[Number, ...]

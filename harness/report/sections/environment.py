"""What the steps ran in and on, and in what the runs differ."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from harness.evidence.differences import Kind, compare_runs
from harness.evidence.evidence import Evidence, RunEvidence
from harness.evidence.groups import groups_of
from harness.report.blocks import Block, Cell, Grid, Section, Text, Tone, cell, number
from harness.report.steps import records_of

_SHOWN = 12  # digits of an id
_SEED = "seed"  # the end of the names of facts that are meant to differ
Record = Mapping[str, Any]


def _gpus(record: Record) -> str:
    cards = Counter(str(card.get("name")) for card in record.get("gpus") or ())
    return ", ".join(f"{count} x {name}" for name, count in sorted(cards.items())) or "none"


#: What may differ between two executions of a step: its name, and how a record tells it.
_FIELDS: Final[Mapping[str, Callable[[Record], Any]]] = {
    "stack": lambda record: record["identity"]["stack"],
    "environment": lambda record: record["environment"]["id"][:_SHOWN],
    "Python": lambda record: record["environment"].get("python"),
    "torch": lambda record: record["environment"].get("torch"),
    "CUDA": lambda record: record["environment"].get("cuda"),
    "cuDNN": lambda record: record["environment"].get("cudnn"),
    "C library": lambda record: record["environment"].get("libc"),
    "isolation": lambda record: record["runtime"].get("by"),
    "network": lambda record: record["runtime"].get("network"),
    "GPUs": _gpus,
    "host": lambda record: record["host"]["name"],
    "operating system": lambda record: record["host"].get("os"),
    "kernel": lambda record: record["host"].get("kernel"),
    "CPU": lambda record: record["host"].get("cpu"),
    "cores": lambda record: record["host"].get("cores"),
    "memory (GB)": lambda record: record["host"].get("memory_gb"),
    "harness": lambda record: record.get("harness"),
}


def environment(evidence: Evidence) -> Section | None:
    """Environments and hosts with their steps counted, and what is not the same everywhere."""
    records = records_of(evidence.runs)
    records = [one for one in records if {"environment", "host", "runtime"} <= one.keys()]
    if not records:
        return None
    blocks: list[Block] = [
        _differences(records, evidence.runs),
        _between_seeds(evidence),
        _counted("Environments of steps", ("stack", "environment", *_SOFTWARE), records),
        _counted("Hosts of steps", _MACHINE, records),
    ]
    warnings = dict.fromkeys(text for one in records for text in one["runtime"]["warnings"])
    blocks += [Text(text=f"Isolation: {text}", tone=Tone.WARN) for text in warnings]
    blocks += [Text(text=text, tone=Tone.WARN) for text in dict.fromkeys(_of_outputs(records))]
    return Section(id="environment", title="Environment and differences", blocks=blocks)


def _of_outputs(records: Iterable[Record]) -> Iterator[str]:
    """What the checks of outputs warned of."""
    for record in records:
        for name, output in record.get("outputs", {}).items():
            for text in output.get("contract", {}).get("warnings", ()):
                yield f"Step {record['identity']['step']}, output {name}: {text}"


_SOFTWARE: Final = ("Python", "torch", "CUDA", "cuDNN", "C library", "isolation", "network")
_MACHINE: Final = ("host", "operating system", "kernel", "CPU", "cores", "memory (GB)", "GPUs")


def _counted(caption: str, names: Sequence[str], records: Iterable[Record]) -> Grid:
    counts: dict[tuple[str, ...], int] = {}
    for record in records:
        values = tuple(_text(_FIELDS[name](record)) for name in names)
        counts[values] = counts.get(values, 0) + 1
    rows = tuple(
        (*(cell(value) for value in values), number(count, digits=0))
        for values, count in sorted(counts.items())
    )
    return Grid(caption=caption, columns=(*names, "steps"), rows=rows)


def _differences(records: Sequence[Record], runs: Sequence[RunEvidence]) -> Grid | Text:
    rows = [*_differing(records), *_differing_options(runs)]
    if not rows:
        text = "All steps ran on like hosts in like environments, with equal options."
        return Text(text=text, tone=Tone.GOOD)
    columns = ("field", "values", "of how many")
    return Grid(caption="What differs between steps or runs", columns=columns, rows=tuple(rows))


def _between_seeds(evidence: Evidence) -> Grid | Text:
    """In what runs differ that should differ in their seed alone."""
    found: dict[tuple[str, str, str, str], set[str]] = {}
    kinds: dict[str, Kind] = {}
    for group in groups_of(evidence.runs):
        first, *others = group.runs
        for other in others:
            for one in compare_runs(first, other).differences:
                if one.fact.lower().endswith(_SEED):
                    continue
                name = (one.kind.title, one.fact, _text(one.left), _text(one.right))
                found.setdefault(name, set()).add(other.id)
                kinds[one.kind.title] = one.kind
    if not found:
        text = "Runs of one row, losses and options differ in nothing but their seed."
        return Text(text=text, tone=Tone.GOOD)
    ranked = sorted(found.items(), key=lambda one: (kinds[one[0][0]].rank, one[0]))
    rows = tuple((*(cell(word) for word in name), _runs(ids)) for name, ids in ranked)
    return Grid(
        caption="What differs between runs besides the seed, the likeliest cause of other "
        "results first",
        columns=("kind", "fact", "first seed", "another", "runs"),
        rows=rows,
    )


def _runs(ids: Iterable[str]) -> Cell:
    names = sorted(ids)
    return number(len(names), digits=0, title=", ".join(names))


def _differing(records: Sequence[Record]) -> list[tuple[Cell, ...]]:
    rows = []
    for name, read in _FIELDS.items():
        values = [_text(read(record)) for record in records]
        if len(set(values)) > 1:
            rows.append(_difference(name, values, "steps"))
    return rows


def _differing_options(runs: Sequence[RunEvidence]) -> list[tuple[Cell, ...]]:
    rows = []
    for method in dict.fromkeys(run.method for run in runs):
        own = [run for run in runs if run.method == method]
        for name in sorted({name for run in own for name in run.options}):
            values = [_text(run.options.get(name)) for run in own]
            if len(set(values)) > 1:
                rows.append(_difference(f"option {name} of {method}", values, "runs"))
    return rows


def _difference(name: str, values: Sequence[str], of: str) -> tuple[Cell, ...]:
    counts = {value: values.count(value) for value in dict.fromkeys(values)}
    return (
        cell(name, strong=True),
        cell("; ".join(counts)),
        cell("; ".join(str(count) for count in counts.values()) + f" {of}"),
    )


def _text(value: Any) -> str:
    return "none" if value is None else str(value)

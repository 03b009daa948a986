"""What stands under a table: how to read it, the options in force, and what was left out."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product

from harness.evidence.backgrounds import background_of
from harness.manifest.model import Losses
from harness.manifest.paper import Row
from harness.tables.findings import Findings, printed
from harness.verdict.results import Status

OURS = (
    "ours: mean ± standard deviation (ddof 1) over all n seeds. Where seeds are missing the values "
    "of those that are there, and no mean."
)
PAPER = (
    "paper: ± as printed, of five runs; the paper does not define it. It is judged as a standard "
    "deviation with ddof 0."
)
_OPTION = "option "
_BEST = 2  # fewer runs have no best


def in_force(findings: Findings) -> Iterator[str]:
    """The stack and options of the judged runs, a note for each row that has some."""
    marked = False
    for row in findings.verdict.rows:
        if not findings.runs[row.row.name]:
            continue
        masks = findings.about_masks.get(row.row.method, frozenset())
        texts = [_choice(name, choice, masks) for name, choice in row.setting.items()]
        marked = marked or any(text.endswith("[masks]") for text in texts)
        yield f"{title(row.row)}: {', '.join(texts)}"
    if marked:
        yield "[masks]: the option decides whether a step reads pixel masks"


def crf(findings: Findings) -> Iterator[str]:
    """Which scores the paper leaves open, and what its own numbers say about it."""
    rows = {row.name: row for row in findings.published.rows}
    for row in rows.values():
        for metric, other in product(row.unsettled, row.shares):
            yield (
                f"{title(row)}: scored with and without the CRF of deeplab-pytorch. The paper does "
                f"not say which it prints. From {rows[other].backbone_title} to "
                f"{row.backbone_title} its {metric} goes {_moves(findings, other, row, metric)} and"
                f" its J {_moves(findings, other, row, 'J')}, which leaves it open: {metric} is "
                "judged on neither until a run shows which; J is judged on the score that the "
                "option deeplab-crf makes final, by default with CRF."
            )


def backgrounds(findings: Findings) -> Iterator[str]:
    """What a fixed background score costs the CAMs of a row, which the losses rescale."""
    for row in findings.published.rows:
        fixed = findings.backgrounds.get(row.method, {})
        arms = {losses: background_of(findings.arm(row, losses), fixed) for losses in Losses}
        found = {losses: one for losses, one in arms.items() if one is not None}
        for one in list(found.values())[:1]:
            texts = (f"{losses} {background.text}" for losses, background in found.items())
            yield (
                f"{title(row)}: {one.option} {one.choice} takes CAMs at background "
                f"{one.threshold:.2f} for every loss. Their J: {'; '.join(texts)}"
            )


def left_out(findings: Findings) -> Iterator[str]:
    """How many runs are in no cell, by reason."""
    verdict = findings.verdict
    reasons = Counter(verdict.apart.values())
    for row in verdict.rows:
        reasons.update(row.apart.values())
    for reason, count in sorted(reasons.items()):
        yield f"left out: {count} {'run' if count == 1 else 'runs'}: {reason}"


def incomplete(findings: Findings) -> Iterator[str]:
    """What INCOMPLETE means, where a cell is."""
    if any(cell.status is Status.INCOMPLETE for cell in findings.verdict.cells):
        seeds = findings.verdict.seeds
        yield f"INCOMPLETE: fewer than {seeds} seeds have a score (harness verdict says which)"


def gains(findings: Findings) -> Iterator[str]:
    """The gains of Sec. S.2 that the printed cells do not give."""
    for claim in findings.published.claims:
        if claim.recomputed != "agrees":
            yield (
                f"Sec. {claim.section} prints {claim.gain:+.1f} as the average gain of "
                f"{claim.losses} in {claim.metric}; the printed cells give {claim.recomputed:+.2f}"
            )


def reported(findings: Findings) -> Iterator[str]:
    """How the paper's own reproduction compares with the numbers that the publications report."""
    found: dict[Status, list[str]] = {}
    for cell in findings.verdict.reported:
        k = cell.best_of or 0
        times = f" (k = {k:.0f})" if k >= _BEST else ""
        name = title(findings.published.row(cell.row))
        found.setdefault(cell.status, []).append(f"{name}{times}")
    for status, names in found.items():
        yield f"the paper's own val against the reported val: {status}: {', '.join(names)}"
    yield "k: the best of k runs like the paper's reaches the reported val in half of all cases"


def title(row: Row) -> str:
    """SEAM Res38."""
    return f"{row.title} {row.backbone_title}"


def _moves(findings: Findings, other: str, row: Row, metric: str) -> str:
    """How a baseline's printed number changes with the backbone: 45.1 to 41.9."""
    names = (f"t6/{name}/none/{metric}" for name in (other, row.name))
    return " to ".join(printed(findings.number(name)).text for name in names)


def _choice(name: str, choice: str, masks: Iterable[str]) -> str:
    option = name.removeprefix(_OPTION)
    return f"{option} {choice}{' [masks]' if option in masks else ''}"

"""What planned seeds can settle, said before GPU-days are spent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.manifest.paper import Number, Published
from harness.verdict.power import seeds_needed
from harness.verdict.published import is_reported, margin_of, summary_of, why_not_judged
from harness.verdict.spread import half_unit

Arm = tuple[str, str, str]  # method, backbone, losses


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The judged cells of a plan, by id, if our runs scatter as the paper's do.

    Settled means that 4 of 5 such samples would show equivalence where there is no difference.
    """

    settled: tuple[str, ...]  # by the seeds that are planned
    needs: Mapping[str, int]  # by so many seeds, more than are planned
    never: tuple[str, ...]  # by no number of seeds: the published spread is the limit
    unknown: tuple[str, ...]  # no spread is printed: it depends on that of our runs
    incomplete: tuple[str, ...]  # fewer seeds than the paper's are planned: no verdict at all
    seeds: int  # that a verdict takes


def outlook(published: Published, planned: Mapping[Arm, int]) -> Outlook | None:
    """What so many seeds of these arms can settle; None where the paper prints none of them."""
    cells = {
        number.id: (number, planned[number.method, number.backbone, number.losses])
        for number in published.numbers
        if (number.method, number.backbone, number.losses) in planned
        and not is_reported(number)
        and why_not_judged(published, number) is None
    }
    if not cells:
        return None
    spreads = {name: number.spread for name, (number, _) in cells.items()}
    needed = {name: _needed(published, number) for name, (number, _) in cells.items()}
    known = {name: n for name, n in needed.items() if n is not None}
    seeds = int(published.settings["seeds"])
    return Outlook(
        settled=tuple(name for name, n in known.items() if n <= cells[name][1]),
        needs={name: n for name, n in known.items() if n > cells[name][1]},
        never=tuple(n for n in cells if n not in known and spreads[n] is not None),
        unknown=tuple(n for n in cells if spreads[n] is None),
        incomplete=tuple(name for name, (_, n) in cells.items() if n < seeds),
        seeds=seeds,
    )


def outlook_text(found: Outlook) -> str:
    """How many cells these seeds can settle, and what the others need."""
    total = len(found.settled) + len(found.needs) + len(found.never) + len(found.unknown)
    settled = f"these seeds can settle {len(found.settled)} of {total} published cells"
    others = {"more seeds": found.needs, "no number of seeds": found.never}
    counts = [f"{what} {len(cells)}" for what, cells in others.items() if cells]
    unknown = f"; {len(found.unknown)} without a spread" if found.unknown else ""
    return ", ".join((settled, *counts)) + unknown


def outlook_notes(found: Outlook) -> list[str]:
    """The same with the cells by name."""
    notes = [f"verdicts: {outlook_text(found)}"]
    if found.incomplete:
        notes.append(f"  incomplete with fewer than {found.seeds} seeds: {len(found.incomplete)}")
    if found.needs:
        needs = [f"{name} ({n})" for name, n in found.needs.items()]
        notes.append(f"  need more seeds: {_listed(needs)}")
    if found.never:
        notes.append(f"  settled by no number of seeds: {_listed(found.never)}")
    if found.unknown:
        notes.append(f"  printed without a spread, so it depends on ours: {_listed(found.unknown)}")
    return notes


def _needed(published: Published, number: Number) -> int | None:
    narrowed = margin_of(published, number).delta - half_unit(number.decimals)
    return seeds_needed(summary_of(number), narrowed)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)

"""Read the evidence under a `runs/`: from files alone, on any machine, without changing one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.contracts.content import file_hash
from harness.errors import UsageError
from harness.evidence.evidence import Evidence, RunEvidence, Scores, StepEvidence
from harness.files import DamagedFile, read_json, read_sealed
from harness.layout import RunLayout, StepFolder
from harness.manifest.model import Losses, Scale
from harness.names import nearest
from harness.store.numbers import run_numbered
from harness.store.records import read_record
from harness.terminal import readable

_LOSSES = list(Losses)
_MOST_NAMED = 3  # runs in a hint
_KEY_IN_ATTEMPT = 16  # digits of a key in an attempt's name


def gather(layout: RunLayout) -> Evidence:
    """Every run that has a record. What cannot be read, or was changed, is left out and named."""
    damage: list[str] = []
    runs = []
    for path in sorted(layout.runs.glob("*.json")):
        try:
            record = read_record(path)
            if record is not None:
                runs.append(_run(layout, record, damage))
        except (DamagedFile, KeyError, TypeError, ValueError, AttributeError) as error:
            damage.append(f"{path} is left out: {readable(str(error))}")
    return Evidence(root=layout.root, runs=tuple(sorted(runs, key=_order)), damage=tuple(damage))


def chosen(evidence: Evidence, words: Sequence[str]) -> Evidence:
    """The runs of the given methods or numbers, or whose names begin so; all if none is given.

    Raises UsageError for a word that names none.
    """
    if not words:
        return evidence
    found: dict[str, RunEvidence] = {}
    layout = RunLayout(evidence.root)
    for word in words:
        name = run_numbered(layout, word) or word
        named = [run for run in evidence.runs if name and _named(run, name)]
        if not named:
            near = nearest(word, [name for run in evidence.runs for name in _names(run)])
            meant = f"did you mean {near!r}? " if near else ""
            raise UsageError(
                f"{word!r}: no finished run under {evidence.root} is of that method or begins so",
                hint=f"{meant}see `harness status`",
            )
        found |= {run.id: run for run in named}
    return replace(evidence, runs=tuple(run for run in evidence.runs if run.id in found))


def one_run(evidence: Evidence, word: str) -> RunEvidence:
    """The run of that name, or the only one whose name begins so. Raises UsageError."""
    name = run_numbered(RunLayout(evidence.root), word) or word
    runs = chosen(evidence, [word]).runs
    exact = [run for run in runs if run.id == name] or list(runs)
    if len(exact) > 1:
        known = ", ".join(run.id for run in exact[:_MOST_NAMED])
        raise UsageError(f"{word}: {len(exact)} runs are meant", hint=f"write more of one: {known}")
    return exact[0]


def find_step(layout: RunLayout, word: str) -> StepEvidence | None:
    """The finished step, else the newest attempt, whose key begins with `word`; None for neither.

    Raises UsageError if several keys begin so.
    """
    entries = [entry for entry in layout.entries() if entry.root.name.startswith(word)]
    attempts = sorted(layout.attempts.glob("*"), key=lambda path: path.stat().st_mtime)
    tried = [StepFolder(path) for path in attempts if path.name.startswith(word[:_KEY_IN_ATTEMPT])]
    found = [step for folder in (*tried, *entries) if (step := _recorded(folder, word)) is not None]
    if len({step.key for step in found}) > 1:
        known = ", ".join(sorted({step.key[:16] for step in found})[:_MOST_NAMED])
        raise UsageError(f"{word}: several keys begin so", hint=f"write more of one: {known}")
    return found[-1] if found else None


def _recorded(folder: StepFolder, word: str) -> StepEvidence | None:
    """A folder's step, if it has a record and its key begins with `word`."""
    try:
        record = read_record(folder.record)
    except DamagedFile:
        return None
    if record is None or not record["identity"]["key"].startswith(word):
        return None
    return StepEvidence(
        name=record["identity"]["step"],
        key=record["identity"]["key"],
        status=record["status"],
        error=record["error"],
        record=record,
        log=folder.log if folder.log.is_file() else None,
        out=folder.out if folder.out.is_dir() else None,
    )


def _named(run: RunEvidence, word: str) -> bool:
    return word in {"all", *_names(run)} or run.id.startswith(word)


def _names(run: RunEvidence) -> tuple[str, ...]:
    return (run.method, run.row, run.id)


def _order(run: RunEvidence) -> tuple[Any, ...]:
    return (run.method, run.backbone, _LOSSES.index(run.losses), run.seed, run.id)


def _run(layout: RunLayout, record: Mapping[str, Any], damage: list[str]) -> RunEvidence:
    asked = record["run"]
    steps = {name: _step(layout, name, one, damage) for name, one in record["steps"].items()}
    scores = dict(_scores(record, steps, damage))
    return RunEvidence(
        id=record["id"],
        method=asked["method"],
        backbone=asked["backbone"],
        losses=Losses(asked["losses"]),
        seed=asked["seed"],
        scale=Scale(asked["scale"]),
        stack=asked["stack"],
        runtime=asked["runtime"],
        options=asked["options"],
        status=record["status"],
        steps=dict(sorted(steps.items(), key=lambda one: (one[1].stage or 0, one[0]))),
        scores=scores,
        record=record,
        test_score=_answer(layout, record["id"], damage),
    )


def _answer(layout: RunLayout, run: str, damage: list[str]) -> float | None:
    """J on the test set, if somebody wrote down what the server answered."""
    try:
        found = read_sealed(layout.submission(run))
    except DamagedFile as error:
        damage.append(f"{error}; the test score is left out")
        return None
    return float(found["J"]) if found is not None else None


def _step(layout: RunLayout, name: str, one: Mapping[str, Any], damage: list[str]) -> StepEvidence:
    entry = layout.entry(one["key"])
    try:
        record = read_record(entry.record)
    except DamagedFile as error:
        damage.append(f"{error}; its step {name} is shown without it")
        record = None
    return StepEvidence(
        name=name,
        key=one["key"],
        status=one["status"],
        error=one["error"],
        record=record,
        log=entry.log if entry.log.is_file() else None,
        out=entry.out if entry.out.is_dir() else None,
    )


def _scores(
    record: Mapping[str, Any], steps: Mapping[str, StepEvidence], damage: list[str]
) -> Iterator[tuple[str, Scores]]:
    """Scores by label; those whose file was changed since are left out and named."""
    labels = sorted(record["scored_by"].items(), key=lambda one: (steps[one[1]].stage or 0, one))
    for label, name in labels:
        step = steps[name]
        if step.record is None or step.out is None:
            continue
        try:
            yield label, _read_scores(step, step.record)
        except DamagedFile as error:
            damage.append(f"{label} of {record['id']} is left out: {error}")


def _read_scores(step: StepEvidence, record: Mapping[str, Any]) -> Scores:
    place = record["identity"]["key_inputs"]["outputs"]["scores"]["path"]
    path = Path(str(step.out), place)
    if not path.is_file() or path.is_symlink():
        raise DamagedFile(f"{path} is missing")
    recorded = record["outputs"]["scores"]["sha256"]
    found = file_hash(path)
    if found != recorded:
        raise DamagedFile(f"{path}: recorded as sha256 {recorded[:16]}…, found {found[:16]}…")
    document: Any = read_json(path)
    return Scores(
        step=step.name,
        **{metric: float(document["scores"][metric]) for metric in ("J", "F", "JF")},
        per_class=document.get("per_class", {}),
        images=document.get("images", 0),
        extra=document.get("extra", {}),
        curve=document.get("curve") or {},
    )

"""The verb `verify`: sources as they are pinned; with `--store` what executions wrote, too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.commands.context import Context, Notify
from harness.files import DamagedFile, read_sealed
from harness.layout import StepFolder
from harness.manifest.load import method_names
from harness.plan import keys
from harness.sources.sources import Finding
from harness.store.store import set_aside
from harness.store.verification import Verifier


@dataclass(frozen=True, slots=True)
class StoreFinding:
    """One thing under `runs/` that was verified."""

    kind: str  # step, plan, split, run
    name: str
    path: Path
    damage: str | None  # None: as it was written
    moved_to: Path | None = None  # where `--repair` put it


def verify_sources(context: Context) -> list[Finding]:
    """Check pins, the blobs that patches name, and the files of every checkout."""
    patched: dict[str, set[Sequence[str]]] = {}
    for method in method_names(context.project):
        for name, patches in context.method(method).repositories.items():
            patched.setdefault(name, set()).add(patches)
    return context.sources.verify(context.catalogue.repositories, patched)


def verify_store(context: Context, *, repair: bool, notify: Notify) -> Iterator[StoreFinding]:
    """Hash every finished step and read every record, whatever was verified before.

    With `repair` what is damaged moves to `quarantine/`, so that the next run makes it again.
    What somebody works at stays.
    """
    store = context.store
    verifier = Verifier(store, anew=True)
    for entry in store.layout.entries():
        notify(f"verify {entry.root.name[:16]}")
        yield _verified_step(verifier, entry, repair=repair)
    layout = store.layout
    folders = {"plan": layout.plans, "split": layout.all_shards, "run": layout.runs}
    for kind, folder in folders.items():
        for path in _damaged_files(folder):
            moved = set_aside(layout, path) if repair else None
            yield StoreFinding(kind, path.stem, path, f"{path} is not as it was written", moved)


def _verified_step(verifier: Verifier, entry: StepFolder, *, repair: bool) -> StoreFinding:
    store, key = verifier.store, entry.root.name
    record = store.record(key)
    name = f"{record['identity']['method']} {record['identity']['step']}" if record else key
    damage, moved = _damage(verifier, key), None
    if damage is not None and repair:
        with store.leases.try_hold(key) as held:
            moved = store.quarantine(key) if held else None
    return StoreFinding("step", name, entry.root, damage, moved)


def _damage(verifier: Verifier, key: str) -> str | None:
    record = verifier.store.record(key)
    if record is None:
        return "its record is missing, damaged or of another step"
    if keys.digest_plain(record["identity"]["key_inputs"]) != key:
        return "its key inputs have another key"
    return verifier.damage(key)


def _damaged_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.json")):
        try:
            read_sealed(path)
        except DamagedFile:
            yield path

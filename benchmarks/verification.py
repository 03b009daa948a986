"""Reading what steps wrote: in a child process against the same here, hashing against sha256sum."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.contracts import content
from harness.contracts.confined import CONFINED
from harness.contracts.outputs import Declared, inspect_outputs
from harness.layout import RunLayout, StepFolder
from harness.manifest.contract import NpyMaps
from harness.store.records import write_record
from harness.store.store import Store
from harness.store.verification import Verifier

from .machine import median_seconds

REPEAT = 5
IMAGES = 10_582  # SegmentationClassAug
DRAWN = 64  # different files; the others are links to them
HEIGHT, WIDTH = 375, 500
GIB = 2**30
_KEY = "ab" * 32


def run(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Measure the inspection of CAMs, and hashing at first and at later use; yield one row each."""
    count, size = (200, GIB // 16) if quick else (IMAGES, GIB)
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        out = _draw_cams(base / "cams", count)
        inside, here = (median_seconds(work, REPEAT) for work in _inspections(out, base, count))
        what = "contract and hash of CAMs, in a child process against in this one"
        yield _row(what, f"{count} files", inside, here)
        cams = _publish(base / "runs", out)
        first, again, sums = _times(cams)
        yield _row("first use of CAMs, against sha256sum", f"{count} files", first, sums)
        yield _row("later use of CAMs, against first use", f"{count} files", again, first)
        (base / "big").mkdir()
        (base / "big" / "weights").write_bytes(os.urandom(2**20) * (size // 2**20))
        big = _publish(base / "other", base / "big")
        first, _, sums = _times(big)
        yield _row("first use of one file, against sha256sum", f"{size / GIB:.2g} GB", first, sums)
    CONFINED.close()


def _row(what: str, data: str, ours: float, other: float) -> dict[str, Any]:
    return {"what": what, "data": data, "ours": ours, "other": other, "ratio": ours / other}


def _draw_cams(out: Path, count: int) -> Path:
    """CAMs of one to three classes at VOC's size, in float32."""
    (out / "cam").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(count):
        file = out / "cam" / f"{index:06d}.npy"
        if index >= DRAWN:
            os.link(out / "cam" / f"{index % DRAWN:06d}.npy", file)
            continue
        classes = rng.choice(20, 1 + index % 3, replace=False)
        maps = {int(one): rng.random((HEIGHT, WIDTH), dtype=np.float32) for one in classes}
        np.save(file, maps, allow_pickle=True)  # type: ignore[arg-type]
    return out


def _inspections(out: Path, base: Path, count: int) -> tuple[Callable[[], object], ...]:
    ids = base / "ids.txt"
    ids.write_text("".join(f"{index:06d}\n" for index in range(count)))
    contract = NpyMaps(kind="npy-maps", ids=str(ids), low=0.0, high=1.0)
    call = (out, {"cam": Declared("cam", contract)}, {}, 100.0 * GIB)
    return (
        lambda: CONFINED.call(inspect_outputs, *call, what="CAMs"),
        lambda: inspect_outputs(*call),
    )


def _publish(runs: Path, out: Path) -> tuple[Store, StepFolder]:
    """A store with `out` as the only output of its only step."""
    store = Store(RunLayout(runs))
    entry = store.layout.entry(_KEY)
    entry.root.mkdir(parents=True)
    out.rename(entry.out)
    record = {
        "identity": {"key": _KEY, "key_inputs": {"outputs": {"all": {"path": "."}}}},
        "outputs": {"all": content.describe(entry.out)},
    }
    write_record(entry.record, record)
    return store, entry


def _times(published: tuple[Store, StepFolder]) -> tuple[float, ...]:
    """Seconds of a first use, of a later one, and of sha256sum."""
    first, later = (_verify(published, known=known) for known in (False, True))
    return tuple(median_seconds(one, REPEAT) for one in (first, later, _sha256sum(published)))


def _verify(published: tuple[Store, StepFolder], *, known: bool) -> Callable[[], object]:
    store, entry = published

    def work() -> None:
        if not known:
            entry.stamp.unlink(missing_ok=True)
        damage = Verifier(store).damage(_KEY)
        assert damage is None, damage

    return work


def _sha256sum(published: tuple[Store, StepFolder]) -> Callable[[], object]:
    command = "find . -type f -print0 | xargs -0 sha256sum > /dev/null"
    return lambda: subprocess.run(command, shell=True, check=True, cwd=published[1].out)

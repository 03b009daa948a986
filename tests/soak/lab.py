"""The demo chain, disturbed: a finished run to compare with, copies that lack some steps."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from harness.files import remove_tree
from harness.layout import RunLayout
from harness.store.plans import executed_plans
from harness.store.store import Store
from harness.store.verification import Verifier
from tests.services.docker_engine import OwnEngine

ROOT = Path(__file__).resolve().parents[2]
_HANGS_SECONDS = 900.0  # a guard, far above the longest recovery
_START_SECONDS = 2.0  # from the command to the first step
Process = subprocess.Popen[str]


class Violated(AssertionError):
    """Something that must hold after every fault does not."""


@dataclass(frozen=True)
class Engine:
    """Where the chain runs: options and environment of `harness reproduce`."""

    options: tuple[str, ...] = ("--runtime", "process")
    environ: Mapping[str, str] = field(default_factory=dict)
    docker: OwnEngine | None = None  # one that faults may stop

    def containers(self, runs: Path) -> list[str]:
        """Ids of the containers of the steps of `runs`, ended ones too."""
        if self.docker is None:
            return []
        words = ("ps", "-aq", "--no-trunc", "--filter", f"label=harness.runs={runs.resolve()}")
        return self.docker.docker(*words).stdout.decode().split()


@dataclass(frozen=True)
class Reference:
    """An undisturbed run: its folder, its scores, its output hashes by step, its seconds."""

    runs: Path
    scores: Any
    hashes: Mapping[str, Any]
    seconds: Mapping[str, float]  # by key, in the order in which the steps ended
    total: float


class Lab:
    """Runs the demo (no loss, one seed) under one folder of its own."""

    def __init__(self, root: Path, engine: Engine) -> None:
        self.root, self.engine = root, engine
        kept = {name: text for name, text in os.environ.items() if not name.startswith("HARNESS_")}
        self.environ = {**kept, "HARNESS_CACHE": str(root / "cache"), **engine.environ}
        self.reference = self._undisturbed()

    def case(self, rng: Random, number: int) -> "Case":
        """A copy of the reference that lacks one to three steps, which are somewhere in the chain."""
        runs = self.root / f"case-{number}"
        shutil.copytree(self.reference.runs, runs, symlinks=True)
        keys = list(self.reference.seconds)
        first = rng.randrange(len(keys))
        missing = keys[first : first + rng.randint(1, 3)]
        for key in missing:
            remove_tree(RunLayout(runs).entry(key).root)
        share = sum(self.reference.seconds[key] for key in missing)
        share /= sum(self.reference.seconds.values())
        return Case(self, runs, _START_SECONDS + share * self.reference.total)

    def start(self, runs: Path, environ: Mapping[str, str] | None = None) -> Process:
        """`harness reproduce demo` in a process group of its own."""
        words = [
            "reproduce",
            "demo",
            "--losses",
            "none",
            "--seeds",
            "1",
            "--no-report",
            *self.engine.options,
        ]
        return subprocess.Popen(
            [sys.executable, "-m", "harness", *words, "--json", "--runs", str(runs)],
            cwd=ROOT,
            env={**self.environ, **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _undisturbed(self) -> Reference:
        runs = self.root / "reference"
        finish(self.start(runs))  # makes the environment, too
        remove_tree(runs)
        started = time.monotonic()
        code, document, err = finish(self.start(runs))
        total = time.monotonic() - started
        if code != 0:
            raise Violated(f"the undisturbed run ended with {code}: {err}")
        store = Store(RunLayout(runs))
        records = [store.record(entry.root.name) or {} for entry in store.layout.entries()]
        records.sort(key=lambda record: record["time"]["end"])
        return Reference(
            runs,
            scores_of(document),
            {record["identity"]["key"]: hashes_of(record) for record in records},
            {record["identity"]["key"]: record["time"]["seconds"] for record in records},
            total,
        )


@dataclass
class Case:
    """One disturbed copy, from the fault to the end of its recovery."""

    lab: Lab
    runs: Path
    expected_seconds: float  # of the rest of the chain
    damaged: set[str] = field(default_factory=set)  # keys whose files the fault changed
    runs_to_recover: int = 0
    recovery_seconds: float = 0.0

    @property
    def store(self) -> Store:
        return Store(RunLayout(self.runs))

    def start(self, environ: Mapping[str, str] | None = None) -> Process:
        return self.lab.start(self.runs, environ)

    def wait(self, rng: Random, process: Process) -> None:
        """Wait for a random point of the run; its end counts, too."""
        with suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, self.expected_seconds))

    def recover(self, tries: int = 3) -> None:
        """Run to the end, and check all that must hold."""
        finished = self._finished()
        started = time.monotonic()
        while True:
            code, document, err = finish(self.start())
            self.runs_to_recover += 1
            if code == 0:
                break
            if self.runs_to_recover == tries:
                raise Violated(f"run {tries} after the fault ended with {code}: {err[-3000:]}")
        self.recovery_seconds = time.monotonic() - started
        self._check_scores(document)
        self._check_store()
        self._check_once(finished)
        self._check_nothing_left()

    def remove(self) -> None:
        remove_tree(self.runs)

    def _finished(self) -> dict[str, bytes]:
        """Records of steps that are finished, and stay so."""
        entries = self.store.layout.entries()
        keys = [entry.root.name for entry in entries if self.store.recorded(entry.root.name)]
        layout = self.store.layout
        return {
            key: layout.entry(key).record.read_bytes() for key in keys if key not in self.damaged
        }

    def _check_scores(self, document: Mapping[str, Any]) -> None:
        if scores_of(document) != self.lab.reference.scores:
            raise Violated(f"scores {scores_of(document)}, not {self.lab.reference.scores}")

    def _check_store(self) -> None:
        """Every step is there once, whole, as recorded, and as in the undisturbed run."""
        store, hashes = self.store, self.lab.reference.hashes
        entries = {entry.root.name for entry in store.layout.entries()}
        if entries != set(hashes):
            raise Violated(f"the store holds {sorted(entries)}, not {sorted(hashes)}")
        verifier = Verifier(store, anew=True)
        for key in entries:
            record = store.record(key)
            if record is None:
                raise Violated(f"{key} has no record that can be read")
            if hashes_of(record) != hashes[key]:
                raise Violated(f"outputs of {record['identity']['step']} have other hashes")
            if damage := verifier.damage(key):
                raise Violated(damage)
        if odd := [path for path in store.layout.store.rglob(".*.*") if path.is_file()]:
            raise Violated(f"half-written: {odd}")

    def _check_once(self, before: Mapping[str, bytes]) -> None:
        """No finished step ran again, and none was published twice."""
        for key, record in before.items():
            if self.store.layout.entry(key).record.read_bytes() != record:
                raise Violated(f"{key} was finished and ran again")
        for path in self.store.layout.attempts.glob("*/record.json"):
            if json.loads(path.read_text()).get("status") in {"discarded", "done"}:
                raise Violated(f"{path}: its step was finished twice")

    def _check_nothing_left(self) -> None:
        layout, leases = self.store.layout, self.store.leases
        if held := [key for key in self.lab.reference.hashes if leases.is_held(key)]:
            raise Violated(f"leases are still held: {held}")
        if plans := executed_plans(layout, leases):
            raise Violated(f"plans seem to be executed: {plans}")
        if left := [*processes_in(self.runs), *self.lab.engine.containers(self.runs)]:
            raise Violated(f"processes are left: {left}")


def finish(process: Process) -> tuple[int, dict[str, Any], str]:
    """Wait for a command: its exit code, its JSON, its stderr."""
    try:
        out, err = process.communicate(timeout=_HANGS_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Violated("harness hangs") from None
    try:
        return process.returncode, json.loads(out), err
    except ValueError:
        return process.returncode, {}, err


def scores_of(document: Mapping[str, Any]) -> Any:
    """All scores of all runs of `reproduce --json`."""
    return [(run["scores"], run["stage_scores"]) for run in document.get("runs", ())]


def hashes_of(record: Mapping[str, Any]) -> Mapping[str, str]:
    """Output name -> sha256."""
    return {name: output["sha256"] for name, output in record["outputs"].items()}


def processes_in(runs: Path) -> Sequence[str]:
    """Command lines of processes that work in this folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "cwd").readlink().is_relative_to(runs):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200])
    return found

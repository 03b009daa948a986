"""Start-up, cold and no-op runs, dry runs and going on after a kill: every tool in turn.

In each round every tool does the same once, so that a machine that slows down slows all of them.
Byte code is compiled and harness's environment is looked at before anything counts: that happens
once on a machine.
"""

from __future__ import annotations

import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .cwltool import Cwltool
from .ours import Harness
from .snakemake import Snakemake
from .tool import Call, Tool
from .workload import Workload

_POLL_SECONDS = 0.002
_LIMIT_SECONDS = 900.0
Measure = Callable[[Tool, Path], float | None]


def rows(programs: Path, *, quick: bool) -> Iterator[dict[str, Any]]:
    """Each case: seconds of each tool, and ours as a part of the fastest peer's."""
    repeat = 1 if quick else 5
    with tempfile.TemporaryDirectory() as root:
        tools: list[Tool] = [Harness(Path(root, "cache")), Snakemake(programs), Cwltool(programs)]
        _prepare(tools, Path(root))
        yield _row("start-up: `--help`", None, _side_by_side(tools, Path(root), _help, repeat))
        for chains in (2, 5) if quick else (5, 140):
            yield from _of_workload(tools, Path(root), Workload(chains), repeat)
        work = Workload(2 if quick else 5)
        found = _side_by_side(tools, Path(root), lambda *of: _resume(*of, work), repeat)
        yield _row("first new file after `kill -9` at half", work, found)


def in_containers(programs: Path, image: str, *, quick: bool) -> Iterator[dict[str, Any]]:
    """Cold runs of which each step has a container of its own, beside the peer that can do so."""
    repeat = 1 if quick else 5
    with tempfile.TemporaryDirectory() as root:
        harness = Harness(Path(root, "cache"), "docker", ("--base", image))
        tools: list[Tool] = [harness, Cwltool(programs, image)]
        _prepare(tools, Path(root))
        for chains in (2, 5) if quick else (5, 40):
            work = Workload(chains)
            yield _cold("cold run in containers", tools, Path(root), work, repeat)


def _of_workload(
    tools: Sequence[Tool], root: Path, work: Workload, repeat: int
) -> Iterator[dict[str, Any]]:
    def dry(tool: Tool, folder: Path) -> float | None:
        tool.write(folder, work)
        call = tool.dry_run(folder, work)
        return call.seconds(folder) if call else None

    yield _row("dry run", work, _side_by_side(tools, root, dry, repeat))
    yield _cold("cold run", tools, root, work, repeat)
    with tempfile.TemporaryDirectory(dir=root) as folder:
        done = {tool.name: Path(folder, tool.name) for tool in tools}
        for tool in tools:
            done[tool.name].mkdir()
            _from_nothing(tool, done[tool.name], work)

        def again(tool: Tool, _: Path) -> float:
            return tool.run(done[tool.name], work).seconds(done[tool.name])

        yield _row("again, nothing to do", work, _side_by_side(tools, root, again, repeat))


def _prepare(tools: Sequence[Tool], root: Path) -> None:
    """Let each tool run the smallest workload once."""
    for tool in tools:
        with tempfile.TemporaryDirectory(dir=root) as folder:
            tool.write(Path(folder), Workload(1))
            tool.run(Path(folder), Workload(1)).seconds(Path(folder))


def _side_by_side(
    tools: Sequence[Tool], root: Path, measure: Measure, repeat: int
) -> dict[str, list[float]]:
    """The seconds of each round of each tool, each in an empty folder."""
    found: dict[str, list[float]] = {tool.name: [] for tool in tools}
    for _ in range(repeat):
        for tool in tools:
            with tempfile.TemporaryDirectory(dir=root) as folder:
                seconds = measure(tool, Path(folder))
            if seconds is not None:
                found[tool.name].append(seconds)
    return found


def _cold(
    what: str, tools: Sequence[Tool], root: Path, work: Workload, repeat: int
) -> dict[str, Any]:
    found = _side_by_side(tools, root, lambda *of: _from_nothing(*of, work), repeat)
    return _row(what, work, found)


def _from_nothing(tool: Tool, folder: Path, work: Workload) -> float:
    tool.write(folder, work)
    return tool.run(folder, work).seconds(folder)


def _help(tool: Tool, folder: Path) -> float:
    return tool.help().seconds(folder)


def _resume(tool: Tool, folder: Path, work: Workload) -> float:
    """Kill a tool and all its processes at half of the work; time from the next start to a file."""
    tool.write(folder, work)
    _kill_at(tool.run(folder, work), folder, lambda: len(tool.files(folder)) >= work.steps // 2)
    *before, last = tool.resume(folder, work)
    start, there = time.perf_counter(), tool.files(folder)
    for call in before:
        call.seconds(folder)
    _kill_at(last, folder, lambda: bool(tool.files(folder) - there))
    return time.perf_counter() - start


def _kill_at(call: Call, folder: Path, is_time: Callable[[], bool]) -> None:
    """Start a command and kill its session as soon as it is time."""
    process = call.start(folder)
    deadline = time.monotonic() + _LIMIT_SECONDS
    try:
        while not is_time():
            if process.poll() is not None or time.monotonic() > deadline:
                text = (folder / "printed").read_text(errors="replace")
                raise RuntimeError(
                    f"{' '.join(call.argv)} ended too early or never:\n{text[-2000:]}"
                )
            time.sleep(_POLL_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _row(what: str, work: Workload | None, found: dict[str, list[float]]) -> dict[str, Any]:
    medians = {name: statistics.median(times) for name, times in found.items() if times}
    ours = medians["harness"]
    return {
        "what": what,
        "steps": work.steps if work else None,
        "seconds": medians,
        "rounds": found,
        "ratio": ours / min(seconds for name, seconds in medians.items() if name != "harness"),
    }

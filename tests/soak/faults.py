"""Kinds of faults. Each disturbs a case at a random point and says what it did."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

from tests.integration.test_faults_storage import SHIFTED
from tests.mutations import flip_bit
from tests.processes import descendants
from tests.services.docker_engine import OwnEngine
from tests.soak.lab import Case, Process, Violated, finish

Fault = Callable[[Case, Random], str]
_MB = 2**20
_SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "hup": signal.SIGHUP}


def signal_harness(number: signal.Signals) -> Fault:
    """One signal to harness alone."""

    def fault(case: Case, rng: Random) -> str:
        process = case.start()
        case.wait(rng, process)
        process.send_signal(number)
        return _ended(process, number)

    return fault


def signal_group(number: signal.Signals) -> Fault:
    """One signal to harness and its group: a terminal that closes, Ctrl-C."""

    def fault(case: Case, rng: Random) -> str:
        process = case.start()
        case.wait(rng, process)
        if process.poll() is None:
            os.killpg(process.pid, number)
        return _ended(process, number)

    return fault


def kill_all(case: Case, rng: Random) -> str:
    """Harness and all that it started, at once."""
    process = case.start()
    case.wait(rng, process)
    for pid in (process.pid, *descendants(process.pid)):
        _kill(pid)
    return _ended(process, signal.SIGKILL)


def kill_step(case: Case, rng: Random) -> str:
    """What harness started, not harness: the step, or the process that reads outputs."""
    process = case.start()
    case.wait(rng, process)
    for pid in descendants(process.pid)[-1:]:
        _kill(pid)
    return _ended_by_itself(process)


def kill_again_and_again(case: Case, rng: Random) -> str:
    """Three kills in a row, each in the midst of the recovery from the one before."""
    return ", ".join(signal_harness(signal.SIGKILL)(case, rng) for _ in range(3))


def twins(case: Case, rng: Random) -> str:
    """Two harnesses at once; sometimes one of them is killed."""
    both = [case.start(), case.start()]
    if rng.random() < 0.5:
        case.wait(rng, both[0])
        both[0].send_signal(signal.SIGKILL)
        both[0].communicate()
        both = both[1:]
    ends = [finish(one) for one in both]
    if any(code != 0 for code, _, _ in ends):
        raise Violated(f"twins ended with {[(code, err[-1000:]) for code, _, err in ends]}")
    return f"{len(both)} to the end"


def clock_moved(case: Case, rng: Random) -> str:
    """Killed under a clock that is off by more than a year, then run under the right one."""
    days = rng.choice((-400, 400))
    folder = case.runs.with_name(f"{case.runs.name}-clock")
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SHIFTED.replace("DAYS", str(days)))
    process = case.start({"PYTHONPATH": str(folder)})
    case.wait(rng, process)
    process.send_signal(signal.SIGKILL)
    return f"{days} days, {_ended(process, signal.SIGKILL)}"


def full_disk(case: Case, rng: Random) -> str:
    """`runs/` on a file system that fills while steps run, or while they are published."""
    with _small_disk(case.runs, rng.randrange(4 * _MB)) as grow:
        code, _, err = finish(case.start())
        if code not in {0, 3, 6}:
            raise Violated(f"a full disk ended with {code}: {err[-2000:]}")
        grow()
        again, _, err = finish(case.start())
        if again != 0:
            raise Violated(f"after a full disk: {again}: {err[-2000:]}")
    return f"exit {code}"


def damage(how: str, where: str) -> Fault:
    """Cut, change or remove one file: of a finished step, or of what harness keeps besides."""

    def fault(case: Case, rng: Random) -> str:
        if where != "store":  # attempts and leases are there after a kill only
            signal_harness(signal.SIGKILL)(case, rng)
        files = [path for path in sorted(case.runs.glob(_PLACES[where])) if path.is_file()]
        if not files:
            return "nothing there"
        path = rng.choice(files)
        if where == "store":
            case.damaged.add(path.relative_to(case.runs).parts[2])
        _DAMAGE[how](path, rng)
        if where == "leases" and path.exists():
            os.utime(path, (0, 0))  # nobody lives who would write it anew
        return f"{how} {path.relative_to(case.runs)}"

    return fault


_PLACES = {
    "store": "store/*/*/**/*",
    "attempts": "attempts/**/*",
    "leases": "leases/*.json",
    "plans": "plans/*.json",
    "packages": "packages/**/*",
}


def _cut(path: Path, rng: Random) -> None:
    path.chmod(0o644)
    os.truncate(path, rng.randrange(path.stat().st_size or 1))


def flip(path: Path, rng: Random) -> None:
    """Change one bit anywhere, if there is any."""
    if size := path.stat().st_size:
        flip_bit(path, rng.randrange(size), rng.randrange(8))


def _remove(path: Path, rng: Random) -> None:
    del rng
    path.unlink()


_DAMAGE = {"cut": _cut, "flip": flip, "remove": _remove}


def kill_containers(case: Case, rng: Random, *, harness_too: bool) -> str:
    """The containers of running steps; harness at the same time, or not."""
    process = case.start()
    case.wait(rng, process)
    if harness_too:
        process.send_signal(signal.SIGKILL)
    engine = _own(case)
    found = case.lab.engine.containers(case.runs)
    for container in found:
        engine.docker("kill", container, check=False)
    if harness_too:
        return f"{len(found)} containers, {_ended(process, signal.SIGKILL)}"
    return f"{len(found)} containers, {_ended_by_itself(process)}"


def restart_engine(number: signal.Signals) -> Fault:
    """The engine is stopped, or killed, and started again while harness runs."""

    def fault(case: Case, rng: Random) -> str:
        process = case.start()
        case.wait(rng, process)
        engine = _own(case)
        engine.stop(number)
        time.sleep(rng.uniform(0, 3))
        engine.start()
        return _ended_by_itself(process)

    return fault


def _own(case: Case) -> OwnEngine:
    assert case.lab.engine.docker is not None
    return case.lab.engine.docker


def _ended_by_itself(process: Process) -> str:
    code, _, err = finish(process)
    if code not in {0, 3, 6}:
        raise Violated(f"harness ended with {code}: {err[-2000:]}")
    return f"exit {code}"


FAULTS: dict[str, Fault] = {
    **{f"{name} harness": signal_harness(number) for name, number in _SIGNALS.items()},
    **{f"{name} its group": signal_group(number) for name, number in _SIGNALS.items()},
    "kill harness and steps": kill_all,
    "kill a step": kill_step,
    "kill three times": kill_again_and_again,
    "twin harnesses": twins,
    "clock moved": clock_moved,
    "full disk": full_disk,
    **{
        f"{how} a file in {where}": damage(how, where)
        for where in ("store", "attempts", "plans", "packages")
        for how in _DAMAGE
    },
    "remove a file in leases": damage("remove", "leases"),
}
#: Besides the signals, under `--runtime docker`.
DOCKER_FAULTS: dict[str, Fault] = {
    "kill harness": signal_harness(signal.SIGKILL),
    "term harness": signal_harness(signal.SIGTERM),
    "kill harness and containers": partial(kill_containers, harness_too=True),
    "kill containers": partial(kill_containers, harness_too=False),
    "stop and start the engine": restart_engine(signal.SIGTERM),
    "kill and start the engine": restart_engine(signal.SIGKILL),
    "twin harnesses": twins,
}
#: Recovery waits until another host's heartbeat has stood still for five minutes.
SLOW_FAULTS: dict[str, Fault] = {
    f"{how} a file in leases": damage(how, "leases") for how in ("cut", "flip")
}


def _ended(process: Process, number: signal.Signals) -> str:
    before = process.poll()
    _, err = process.communicate()
    code = process.returncode
    if code in {0, -number, 130, 128 + number}:
        return f"{'after the end' if before is not None else 'while it ran'}, exit {code}"
    raise Violated(f"harness ended with {code} after {number.name}: {err[-2000:]}")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def _small_disk(runs: Path, spare: int) -> Iterator[Callable[[], None]]:
    """Put `runs` on a file system with `spare` free bytes; what is yielded makes it large."""
    kept = runs.with_name(f"{runs.name}-kept")
    runs.rename(kept)
    runs.mkdir()
    used = sum(path.stat().st_blocks * 512 for path in kept.rglob("*"))
    _mount("-t", "tmpfs", "-o", f"size={used + spare}", "tmpfs", str(runs))
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", str(runs)], check=True)
        yield lambda: _mount("-o", "remount,size=256m", str(runs))
        subprocess.run(["rm", "-rf", str(kept)], check=True)
        subprocess.run(["cp", "-a", str(runs), str(kept)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(runs)], check=True)
        runs.rmdir()
        kept.rename(runs)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)

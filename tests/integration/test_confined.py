"""Functions in child processes: whatever happens in there, the caller gets an error of ours."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.contracts.confined import Confined
from harness.contracts.failure import ContractError
from harness.errors import HarnessError, Interrupted


@pytest.fixture(scope="module")
def confined() -> Iterator[Confined]:
    """One server for all tests here."""
    made = Confined()
    yield made
    made.close()


def adds(left: int, right: int) -> dict[str, int]:
    return {"sum": left + right, "pid": os.getpid()}


def loops() -> None:
    while True:
        pass


def ignores_terms_and_sleeps() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(3600)


def takes_all_memory() -> int:
    found = []
    while True:
        found.append(bytes(2**26))


def recurses() -> int:
    return 1 + recurses()


def crashes() -> None:
    ctypes.string_at(0)


def leaves() -> None:
    os._exit(0)


def exits() -> None:
    sys.exit("a text")


def raises_odd() -> None:
    raise KeyboardInterrupt


def raises_without_text() -> None:
    raise AssertionError


def gives_no_json() -> Any:
    return {"a": b"bytes"}


def gives_half_a_text() -> Any:
    return {"a": "\udcff"}


def gives_nan() -> Any:
    return [float("nan")]


def gives_too_much() -> str:
    return "x" * 2**27


def opens_many() -> int:
    return len([os.open("/dev/null", os.O_RDONLY) for _ in range(10_000)])


def finds_a_broken_disk() -> None:
    raise OSError(5, "Input/output error", "/some/file")


def writes_to_outputs() -> str:
    sys.stdout.write("noise")
    os.write(1, b"noise")
    return "quiet"


def test_the_answer_comes_from_another_process(confined: Confined) -> None:
    found = confined.call(adds, 1, 2, what="it")
    assert found["sum"] == 3
    assert found["pid"] != os.getpid()


FAILING = (
    *(takes_all_memory, recurses, crashes, leaves, exits, raises_odd, raises_without_text),
    *(gives_no_json, gives_half_a_text, gives_nan, gives_too_much, opens_many),
)


@pytest.mark.parametrize("function", FAILING)
def test_whatever_fails_in_there_is_a_broken_contract(confined: Confined, function: Any) -> None:
    with pytest.raises(ContractError, match="the thing"):
        confined.call(function, what="the thing")
    assert confined.call(adds, 2, 2, what="it")["sum"] == 4


@pytest.mark.parametrize("function", [loops, ignores_terms_and_sleeps])
def test_what_takes_too_long_is_ended(confined: Confined, function: Any) -> None:
    with pytest.raises(ContractError, match="longer than"):
        confined.call(function, what="it", seconds=0.5)


@pytest.mark.parametrize("function", [loops, ignores_terms_and_sleeps])
def test_a_stop_is_heard_meanwhile(confined: Confined, function: Any) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Interrupted):
        confined.call(function, what="it", stop=stop)


def test_a_disk_that_fails_is_no_broken_contract(confined: Confined) -> None:
    with pytest.raises(OSError, match="Input/output"):
        confined.call(finds_a_broken_disk, what="it")


def test_what_is_printed_in_there_goes_nowhere(confined: Confined, capfd: Any) -> None:
    assert confined.call(writes_to_outputs, what="it") == "quiet"
    assert capfd.readouterr() == ("", "")


def test_another_server_is_started_when_somebody_ended_it() -> None:
    confined = Confined()
    confined.call(adds, 1, 1, what="it")
    server = confined._server
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    assert confined.call(adds, 1, 1, what="it")["sum"] == 2
    confined.close()


def knows(module: str) -> bool:
    return module in sys.modules


def test_modules_are_imported_once_for_all_calls() -> None:
    confined = Confined()
    assert not confined.call(knows, "wave", what="it")
    confined.start("wave")
    assert confined.call(knows, "wave", what="it")
    server = confined._server
    confined.start()
    assert confined._server is server
    confined.close()


def test_many_threads_share_one_server(confined: Confined) -> None:
    found: list[int] = []

    def work(number: int) -> None:
        found.append(confined.call(adds, number, number, what="it")["sum"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == [2 * number for number in range(12)]


def test_no_child_outlives_the_caller(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    code = (
        "from harness.contracts.confined import CONFINED\n"
        "from tests.integration import test_confined\n"
        f"CONFINED.call(test_confined.tells_its_pid_and_loops, {str(told)!r}, what='it')\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", code])
    while not told.exists() or not told.read_text():
        assert caller.poll() is None
        time.sleep(0.02)
    pid = int(told.read_text())
    caller.kill()
    caller.wait()
    end = time.monotonic() + 30
    while _runs(pid):
        assert time.monotonic() < end
        time.sleep(0.05)


def tells_its_pid_and_loops(told: str) -> None:
    Path(told).write_text(str(os.getpid()))
    loops()


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_a_child_cannot_reach_other_connections(confined: Confined) -> None:
    """A child that keeps the caller's connection open does not keep the caller waiting."""
    assert confined.call(forks_and_leaves, what="it") == "parent"


def forks_and_leaves() -> str:
    if os.fork() == 0:
        socket.socketpair()
        time.sleep(2)
        os._exit(0)
    return "parent"


def test_errors_are_of_one_family() -> None:
    assert issubclass(ContractError, HarnessError)

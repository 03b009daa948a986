"""The container runtime on real engines: isolation, ends, limits, an engine that goes away."""

import gc
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import docker
import pytest

from harness.errors import NotReadyError
from harness.layout import CacheLayout
from harness.manifest.model import RuntimeName
from harness.runtimes.container import ContainerRuntime
from harness.runtimes.runtime import Cause, Command, Environment, Exit
from tests.integration.steps import A_MINUTE, Bench
from tests.services.docker_engine import BASE

PLAIN = Environment(id="0" * 64, handle=BASE, python="/usr/bin/python3")


@dataclass(frozen=True)
class Lent:
    """An engine to test on."""

    name: RuntimeName
    host: str

    @property
    def variable(self) -> str:
        """What says where it listens."""
        return "CONTAINER_HOST" if self.name is RuntimeName.PODMAN else "DOCKER_HOST"

    def runtime(self, tmp_path: Path, **settings: Any) -> ContainerRuntime:
        """The runtime on it."""
        return ContainerRuntime(CacheLayout(tmp_path / "cache"), engine=self.name, **settings)

    @contextmanager
    def client(self) -> Iterator[docker.DockerClient]:
        """The SDK on it, past the adapter."""
        with closing(docker.DockerClient(base_url=self.host)) as client:
            yield client


@pytest.fixture(
    params=[
        pytest.param(RuntimeName.DOCKER, marks=pytest.mark.docker),
        pytest.param(RuntimeName.PODMAN, marks=pytest.mark.podman),
    ]
)
def engine(request: pytest.FixtureRequest) -> Lent:
    """Docker, and Podman."""
    return Lent(request.param, request.getfixturevalue(f"{request.param}_host"))


@pytest.fixture
def runtime(engine: Lent, tmp_path: Path) -> ContainerRuntime:
    """The runtime, impatient."""
    return engine.runtime(tmp_path, grace=1, patience=3)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Folders of one attempt on the plain base image."""
    return Bench(tmp_path, PLAIN)


def test_reads_inputs_writes_outputs_and_logs_both_streams(
    runtime: ContainerRuntime, bench: Bench
) -> None:
    code = """
import os, sys
print(open("{in.given}/input.txt").read() == open("{in.list}").read(), os.getcwd(), flush=True)
print("to stderr", file=sys.stderr)
open("{out}/made", "w").write("x"); open("beside", "w").write("y")
"""
    assert bench.run(runtime, code) == Exit(cause=Cause.DONE, code=0)
    assert sorted(bench.said().splitlines()) == ["True /work", "to stderr"]  # two pipes: any order
    assert (bench.out / "made").read_text() == "x"
    assert (bench.work / "beside").read_text() == "y"


INSIDE = """
import os, pwd, resource, socket
def tried(action):
    try: action()
    except OSError as error: return type(error).__name__
    return "worked"
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(tried(lambda: open("{in.given}/input.txt", "w")), tried(lambda: open("{in.list}", "w")))
print(tried(lambda: open("/made", "w")), tried(lambda: open("/usr/made", "w")))
print(tried(lambda: socket.create_connection(("192.0.2.1", 80), 2)))
print(sorted(name for _, name in socket.if_nameindex()))
print(status["CapEff"].strip(), status["CapBnd"].strip(), status["NoNewPrivs"].strip())
print(os.getuid(), os.getgid(), pwd.getpwuid(os.getuid()).pw_dir)
print(tried(lambda: open("{home}/mine", "w")), tried(lambda: open("/tmp/mine", "w")))
print(os.path.exists("/var/run/docker.sock"), os.getpid() != 1)
print(open("/sys/fs/cgroup/memory/memory.limit_in_bytes").read().strip()
      if os.path.exists("/sys/fs/cgroup/memory") else open("/sys/fs/cgroup/memory.max").read().strip())
print(os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize)
print(resource.getrlimit(resource.RLIMIT_CORE)[1])
"""


def test_a_step_is_isolated(tmp_path: Path, engine: Lent) -> None:
    bench = Bench(tmp_path, PLAIN)
    for folder in (bench.work, bench.out, bench.home):
        os.chown(folder, 1234, 1235)
    for folder in (tmp_path, *tmp_path.parents[:2]):  # pytest's own folders are private
        folder.chmod(0o755)
    runtime = engine.runtime(tmp_path, user=(1234, 1235))

    assert bench.run(runtime, INSIDE).cause is Cause.DONE, bench.said()

    assert bench.said().splitlines() == [
        "OSError OSError",
        "OSError OSError",
        "OSError",
        "['lo']",
        "0000000000000000 0000000000000000 1",
        "1234 1235 /home/step",
        "worked worked",
        "False True",
        str(2**30),
        str(2**27),
        "0",
    ]
    assert (bench.given / "input.txt").read_text() == "as it was\n"
    assert (bench.home / "mine").stat().st_uid == 1234


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise SystemExit(3)", Exit(cause=Cause.STEP, code=3)),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            Exit(cause=Cause.SIGNAL, code=139, signal="SIGSEGV"),
        ),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            Exit(cause=Cause.SIGNAL, code=137, signal="SIGKILL"),
        ),
    ],
)
def test_tells_how_a_step_ended(
    runtime: ContainerRuntime, bench: Bench, code: str, expected: Exit
) -> None:
    assert bench.run(runtime, code) == expected


def test_a_step_that_wants_too_much_memory_ends_for_that(
    runtime: ContainerRuntime, bench: Bench
) -> None:
    ended = bench.run(runtime, "bytearray(b'x') * 2**28", memory_gb=0.125)
    if runtime.name is RuntimeName.PODMAN and ended.cause is Cause.SIGNAL:
        # Podman 4.3 does not see it on cgroups of version 1: conmon tells it in the wrong folder.
        assert ended.signal == "SIGKILL"
    else:
        assert ended.cause is Cause.OOM


def test_a_program_that_is_not_there(runtime: ContainerRuntime, bench: Bench) -> None:
    command = replace(bench.command(runtime, ""), argv=("/no/such/program",))
    ended = bench.execute(runtime, command, Event())
    assert ended.cause is Cause.STEP
    assert ended.code == (1 if runtime.name is RuntimeName.PODMAN else 127)  # of its init
    assert "No such file" in bench.said() or "no such file" in bench.said()


def test_a_step_past_its_limit_is_ended(runtime: ContainerRuntime, bench: Bench) -> None:
    ended = bench.run(runtime, A_MINUTE, hours=1 / 3600)
    assert ended.cause is Cause.TIMEOUT
    assert bench.was_ended()


def test_stop_lets_a_step_finish_its_sentence(tmp_path: Path, engine: Lent) -> None:
    runtime = engine.runtime(tmp_path, grace=20)
    bench = Bench(tmp_path, PLAIN)
    code = """
import signal, sys, time
def end(*_):
    open("{out}/last-words", "w").write("saved")
    print("last line"); sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("started", flush=True)
time.sleep(60)
"""
    assert bench.run_and_stop(runtime, code, said="started").cause is Cause.INTERRUPTED
    assert (bench.out / "last-words").read_text() == "saved"
    assert bench.said() == "started\nlast line\n"


def test_stop_ends_a_step_that_will_not_listen(runtime: ContainerRuntime, bench: Bench) -> None:
    code = f"""
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("started", flush=True)
{A_MINUTE}
"""
    assert bench.run_and_stop(runtime, code, said="started").cause is Cause.INTERRUPTED
    assert bench.was_ended()


def test_no_container_is_left_behind(runtime: ContainerRuntime, bench: Bench, engine: Lent) -> None:
    labels = {"harness.test": uuid.uuid4().hex}
    command = replace(bench.command(runtime, "print('gone')"), labels=labels)
    bench.execute(runtime, command, Event())
    label = f"harness.test={labels['harness.test']}"
    with engine.client() as client:
        assert client.containers.list(all=True, filters={"label": label}) == []


def test_a_container_that_somebody_removed_is_a_fault_of_the_machinery(
    runtime: ContainerRuntime, bench: Bench, engine: Lent
) -> None:
    command = bench.command(runtime, "import time; print('started', flush=True); time.sleep(60)")
    ended = _meddled(runtime, bench, engine, command, lambda one: one.remove(force=True))
    assert ended.cause in {Cause.INFRASTRUCTURE, Cause.SIGNAL}


def test_a_container_that_somebody_stops_has_not_ended_until_its_process_has(
    runtime: ContainerRuntime, bench: Bench, engine: Lent
) -> None:
    code = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("asked", flush=True))
print("started", flush=True)
time.sleep(60)
"""
    command = bench.command(runtime, code)
    ended = _meddled(runtime, bench, engine, command, lambda one: one.stop(timeout=3))
    assert ended.cause in {Cause.INFRASTRUCTURE, Cause.SIGNAL}
    assert bench.said() == "started\nasked\n"


def test_a_container_that_somebody_pauses_goes_on_afterwards(
    runtime: ContainerRuntime, bench: Bench, engine: Lent
) -> None:
    code = "import time; print('started', flush=True); time.sleep(1); print('over')"

    def pause(container: Any) -> None:
        container.pause()
        time.sleep(2)
        container.unpause()

    ended = _meddled(runtime, bench, engine, bench.command(runtime, code), pause)
    assert ended.cause is Cause.DONE
    assert bench.said() == "started\nover\n"


def _meddled(
    runtime: ContainerRuntime,
    bench: Bench,
    engine: Lent,
    command: Command,
    meddle: Callable[[Any], None],
) -> Exit:
    """How a command ends with whose container somebody else does something once it has started."""

    def act() -> None:
        while not (bench.log.exists() and "started" in bench.said()):
            time.sleep(0.05)
        with engine.client() as client:
            meddle(client.containers.get(command.name))

    thread = Thread(target=act)
    thread.start()
    ended = bench.execute(runtime, command, Event())
    thread.join()
    return ended


def test_a_gpu_that_is_not_there_is_an_error(runtime: ContainerRuntime, bench: Bench) -> None:
    info = runtime._engine_info()
    if "nvidia" in str(info.get("Runtimes")):
        pytest.skip("this engine has GPUs")
    command = replace(bench.command(runtime, "pass"), gpus=("GPU-0",))
    with pytest.raises(NotReadyError, match="no GPU"):
        bench.execute(runtime, command, Event())


def test_an_image_that_is_not_there_is_named(runtime: ContainerRuntime, tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(PLAIN, handle="harness/none:such"))
    with pytest.raises(NotReadyError, match=r"harness/none:such"):
        bench.run(runtime, "pass")


def test_an_input_that_is_not_there_is_named(runtime: ContainerRuntime, bench: Bench) -> None:
    command = bench.command(runtime, "pass")
    (bench.given / "input.txt").unlink()
    with pytest.raises(NotReadyError, match=r"input\.txt"):
        bench.execute(runtime, command, Event())


def test_long_and_quiet_output_arrives_whole(runtime: ContainerRuntime, bench: Bench) -> None:
    code = """
import sys, time
for at in range(3):
    sys.stdout.write("%d " % at * 20000 + "\\r"); sys.stdout.flush(); time.sleep(1)
sys.stdout.write("no newline at the end")
"""
    assert bench.run(runtime, code).cause is Cause.DONE
    expected = "".join(f"{at} " * 20000 + "\r" for at in range(3)) + "no newline at the end"
    with bench.log.open(newline="") as file:
        assert file.read() == expected


def test_says_what_it_isolates(runtime: ContainerRuntime) -> None:
    said = runtime.isolation()
    assert said["isolated"] is True
    assert said["network"] == "none"
    assert str(said["by"]).startswith(f"{runtime.name} ")
    assert said["limits"] == ["time", "memory", "processes"]
    assert said["warnings"] == []


def test_a_limit_that_the_engine_cannot_enforce(runtime: ContainerRuntime, bench: Bench) -> None:
    runtime._info = {**runtime._engine_info(), "MemoryLimit": False}
    with pytest.raises(NotReadyError, match="limit of memory"):
        bench.run(runtime, "pass")
    runtime._strict = False
    assert bench.run(runtime, "pass").cause is Cause.DONE
    assert runtime.isolation()["warnings"] == [f"{runtime.name} cannot enforce the limit of memory"]


# --- engines that are not there, or go away ---------------------------------------------------------


@pytest.mark.parametrize("name", [RuntimeName.DOCKER, RuntimeName.PODMAN])
def test_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: RuntimeName) -> None:
    nowhere = f"unix://{tmp_path}/nowhere.sock"
    monkeypatch.setenv("DOCKER_HOST", nowhere)
    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    runtime = ContainerRuntime(CacheLayout(tmp_path / "cache"), engine=name)
    with pytest.raises(NotReadyError) as error:
        Bench(tmp_path, PLAIN).run(runtime, "pass")
    assert nowhere in str(error.value)
    assert str(name) in str(error.value)
    assert "--runtime process" in error.value.hint
    assert error.value.exit_code == 3


def _close(one: socket.socket) -> None:
    with suppress(OSError):  # it may never have been connected, or be closed at the other end
        one.shutdown(socket.SHUT_RDWR)
    one.close()


class Door:
    """A socket before the engine's that can be shut, as if the engine were gone."""

    def __init__(self, path: Path, engine: str) -> None:
        self.address, self._engine = f"unix://{path}", engine.removeprefix("unix://")
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._path = path
        Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        """Break every connection and take no more."""
        self._path.unlink(missing_ok=True)
        _close(self._listener)
        self.break_connections()

    def break_connections(self) -> None:
        """Break every connection, but take new ones."""
        while self._open:
            _close(self._open.pop())

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            there = socket.socket(socket.AF_UNIX)
            there.connect(self._engine)
            self._open += [here, there]
            for source, sink in ((here, there), (there, here)):
                Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.fixture
def door(engine: Lent, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """An engine that a test may make go away."""
    if not engine.host.startswith("unix://"):
        pytest.skip("the engine does not listen on a Unix socket")
    path = Path("/tmp") / f"door-{uuid.uuid4().hex[:8]}.sock"
    door = Door(path, engine.host)
    monkeypatch.setenv(engine.variable, door.address)
    yield door
    door.shut()
    gc.collect()  # here and now, where `broken_sockets` holds, not in some later test


def _when(bench: Bench, said: str, act: Callable[[], None]) -> Thread:
    def wait() -> None:
        while not (bench.log.exists() and said in bench.said()):
            time.sleep(0.05)
        act()

    thread = Thread(target=wait)
    thread.start()
    return thread


#: Connections that break leave sockets to the garbage collector, in the SDK and in the door.
broken_sockets = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@broken_sockets
def test_an_engine_that_goes_away_is_no_failure_of_the_step(
    door: Door, tmp_path: Path, engine: Lent
) -> None:
    runtime = engine.runtime(tmp_path, patience=1)
    bench = Bench(tmp_path, PLAIN)
    command = bench.command(runtime, "import time; print('started', flush=True); time.sleep(60)")
    shutting = _when(bench, "started", door.shut)
    ended = runtime.run(command, bench.log, Event())
    shutting.join()
    assert ended.cause is Cause.INFRASTRUCTURE
    assert "stopped answering" in ended.detail
    assert ended.lost
    with engine.client() as client:
        container = client.containers.get(command.name)
        assert container.status == "running"
        container.remove(force=True)


@broken_sockets
def test_broken_connections_lose_neither_the_step_nor_its_log(
    door: Door, tmp_path: Path, engine: Lent
) -> None:
    runtime = engine.runtime(tmp_path, patience=30)
    bench = Bench(tmp_path, PLAIN)
    code = "import time\nfor at in range(8):\n    print('line', at, flush=True); time.sleep(0.5)"
    breaking = _when(bench, "line 2", door.break_connections)
    ended = bench.run(runtime, code)
    breaking.join()
    assert ended.cause is Cause.DONE
    assert bench.said().splitlines() == [f"line {at}" for at in range(8)]

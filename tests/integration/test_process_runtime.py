"""The process runtime, in bubblewrap and without it: isolation, ends, limits."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import NotReadyError
from harness.runtimes import children, process
from harness.runtimes.process import ProcessRuntime
from harness.runtimes.runtime import Cause, Environment, Exit
from tests.integration.steps import A_MINUTE, Bench

HOST = Environment(id="0" * 64, handle=sys.executable, python=sys.executable)
STUBBORN = f"""
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("started")
{A_MINUTE}
"""
POLITE = """
import signal, sys, time
def end(*_):
    open("{out}/last-words", "w").write("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("started")
time.sleep(60)
"""

USUAL_FILES = 1024  # the soft limit of most machines
NEEDED_FILES = 4096  # by CROPS, with room to spare
#: Two pictures as PMM's infer-mc reads them: 236 crops (small ones here) and the place of each as
#: four numbers, of which a loader's worker sends 1,181 tensors.
CROPS = """
import torch
class Pictures(torch.utils.data.Dataset):
    def __len__(self):
        return 2
    def __getitem__(self, picture):
        crops = [torch.full((3, 8, 8), float(picture)).numpy() for _ in range(236)]
        return str(picture), crops, torch.zeros(20), [[number, 2, 3, 4] for number in range(236)]
if __name__ == "__main__":
    assert torch.multiprocessing.get_sharing_strategy() == "file_descriptor"
    loader = torch.utils.data.DataLoader(Pictures(), num_workers=1)
    for name, crops, labels, places in loader:
        print(name[0], len(crops), float(crops[-1].mean()), int(places[-1][0]))
"""


@pytest.fixture(params=[pytest.param("bubblewrap", marks=pytest.mark.bubblewrap), "bare"])
def runtime(request: pytest.FixtureRequest) -> ProcessRuntime:
    """The runtime with and without bubblewrap."""
    if request.param == "bubblewrap":
        return isolated()
    return ProcessRuntime(bubblewrap=False, grace=0.5)


def isolated() -> ProcessRuntime:
    """The runtime in bubblewrap, for tests with the marker of that name."""
    runtime = ProcessRuntime(grace=0.5)
    assert runtime.isolated, runtime.isolation()["warnings"]
    return runtime


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Folders of one attempt on harness's own interpreter."""
    return Bench(tmp_path, HOST)


def test_reads_inputs_writes_outputs_and_logs_both_streams(
    runtime: ProcessRuntime, bench: Bench
) -> None:
    code = """
import os, sys
print(open("{in.given}/input.txt").read() == open("{in.list}").read(), os.environ["HOME"] == "{home}")
print("to stderr", file=sys.stderr)
open("{out}/made", "w").write("x"); open("beside", "w").write("y")
import numpy
"""
    assert bench.run(runtime, code) == Exit(cause=Cause.DONE, code=0)
    assert bench.said().splitlines() == ["True True", "to stderr"]
    assert (bench.out / "made").read_text() == "x"
    assert (bench.work / "beside").read_text() == "y"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise SystemExit(3)", Exit(cause=Cause.STEP, code=3)),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    ],
)
def test_tells_how_a_step_ended(
    runtime: ProcessRuntime, bench: Bench, code: str, expected: Exit | str
) -> None:
    ended = bench.run(runtime, code)
    if isinstance(expected, Exit):
        assert ended == expected
    else:
        assert (ended.cause, ended.signal) == (Cause.SIGNAL, expected)


def test_a_step_past_its_limit_is_ended(runtime: ProcessRuntime, bench: Bench) -> None:
    ended = bench.run(runtime, A_MINUTE, hours=0.5 / 3600)
    assert ended.cause is Cause.TIMEOUT
    assert bench.was_ended()


def test_stop_lets_a_step_finish_its_sentence(runtime: ProcessRuntime, bench: Bench) -> None:
    assert bench.run_and_stop(runtime, POLITE, said="started").cause is Cause.INTERRUPTED
    assert (bench.out / "last-words").read_text() == "saved"


def test_stop_ends_a_step_that_will_not_listen(runtime: ProcessRuntime, bench: Bench) -> None:
    assert bench.run_and_stop(runtime, STUBBORN, said="started").cause is Cause.INTERRUPTED
    assert bench.was_ended()


@pytest.fixture
def usual_files() -> Iterator[int]:
    """This process has the soft limit of most machines; the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < NEEDED_FILES:
        pytest.skip(f"this machine allows no more than {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL_FILES, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_crops_of_a_picture_are_more_files_than_usual(usual_files: int) -> None:
    """What a step ran into before its limit was raised: its worker's error, and then silence."""
    argv = [sys.executable, "-c", CROPS]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, start_new_session=True) as step:
        try:
            assert any("Too many open files" in line for line in step.stderr or ())
        finally:
            os.killpg(step.pid, signal.SIGKILL)


def test_a_step_may_open_as_many_files_as_its_user(
    runtime: ProcessRuntime, bench: Bench, usual_files: int
) -> None:
    done = bench.run(runtime, CROPS)
    assert done.cause is Cause.DONE, bench.said()
    assert bench.said().splitlines() == ["0 236 0.0 235", "1 236 1.0 235"]


LEFT = {
    "a child": "start(SLEEP)",
    "a session": "start(SLEEP, start_new_session=True)",
    "a daemon": "start(f'import os\\nif os.fork() == 0:\\n os.setsid()\\n if os.fork() == 0: {SLEEP}')",
    "a stubborn child": "start('import signal; signal.signal(15, signal.SIG_IGN); ' + SLEEP)",
    "a hundred": "for _ in range(100): start(SLEEP, start_new_session=True)",
    "a child of a session": "start(f'import subprocess, sys; subprocess.Popen([sys.executable, "
    '"-c", {SLEEP!r}], start_new_session=True); \' + SLEEP, start_new_session=True)',
}
LEAVES = """
import subprocess, sys, time
SLEEP = "import time; time.sleep(MARK)"
def start(code, **how): subprocess.Popen([sys.executable, "-c", code], **how)
LEFT
time.sleep(0.5)
print("left behind")
"""


def leaves(kind: str, mark: str) -> str:
    """A step that leaves a process of this kind running, with `mark` in its arguments."""
    return LEAVES.replace("LEFT", LEFT[kind]).replace("MARK", mark)


def runs(mark: str) -> bool:
    """Whether a process with `mark` in its arguments runs."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                return True
        except OSError:  # it ended
            continue
    return False


@pytest.mark.parametrize("kind", LEFT)
def test_what_a_step_leaves_running_ends_with_it(
    runtime: ProcessRuntime, bench: Bench, kind: str
) -> None:
    mark = f"6{os.getpid()}.{list(LEFT).index(kind)}"
    done = bench.run(runtime, leaves(kind, mark))
    assert done.cause is Cause.DONE, bench.said()
    assert not runs(mark)


@pytest.mark.bubblewrap
@pytest.mark.parametrize("kind", ["a child", "a daemon", "a hundred"])
def test_bubblewrap_has_a_supervisor_where_no_process_can_be_watched(
    bench: Bench, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "can_watch_processes", lambda: False)
    mark = f"8{os.getpid()}.{list(LEFT).index(kind)}"
    done = bench.run(isolated(), leaves(kind, mark))
    assert done.cause is Cause.DONE, bench.said()
    assert not runs(mark)


@pytest.mark.bubblewrap
def test_a_bubblewrap_that_fails_is_the_steps_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "wrap", lambda one, *_: [one.path, "--no-such-option"])
    done = bench.run(isolated(), "pass")
    assert done.cause is Cause.STEP
    assert "--no-such-option" in bench.said()


@pytest.mark.parametrize("number", ["SIGHUP", "SIGINT", "SIGUSR1", "SIGUSR2", "SIGTERM"])
def test_a_supervised_step_that_signals_its_group_ends_as_it_means_to(
    bench: Bench, number: str
) -> None:
    code = f"""
import os, signal, sys
signal.signal(signal.{number}, lambda *_: sys.exit(7))
os.kill(0, signal.{number})
"""
    bare = ProcessRuntime(bubblewrap=False, grace=0.5)
    assert bench.run(bare, code).code == 7, bench.said()


def test_no_gpu_is_seen_that_was_not_leased(runtime: ProcessRuntime, bench: Bench) -> None:
    bench.run(runtime, "import os; print(repr(os.environ['CUDA_VISIBLE_DEVICES']))")
    assert bench.said() == "''\n"


def test_an_environment_that_is_gone_is_named(runtime: ProcessRuntime, tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "bin" / "python"
    bench = Bench(tmp_path, Environment(id="0" * 64, handle=str(gone), python=str(gone)))
    with pytest.raises(NotReadyError, match=str(gone)):
        bench.run(runtime, "pass")


@pytest.mark.bubblewrap
def test_bubblewrap_isolates(bench: Bench) -> None:
    code = """
import os, pathlib, socket
def tried(action):
    try: action()
    except OSError as error: return type(error).__name__
    return "worked"
print(tried(lambda: open("{in.given}/input.txt", "w")))
print(tried(lambda: open("{in.list}", "w")))
print(tried(lambda: open("/made", "w")), tried(lambda: open("/usr/made", "w")))
print(tried(lambda: socket.create_connection(("192.0.2.1", 80), 2)))
print(sorted(name for _, name in socket.if_nameindex()))
print(len([name for name in os.listdir("/proc") if name.isdigit()]) < 6)
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")])
print(os.getcwd(), os.path.exists("{file}"))
""".replace("{file}", __file__)
    assert bench.run(isolated(), code).cause is Cause.DONE, bench.said()
    assert bench.said().splitlines() == [
        "OSError",
        "OSError",
        "OSError OSError",
        "OSError",
        "['lo']",
        "True",
        "['0000000000000000']",
        "/work False",
    ]
    assert (bench.given / "input.txt").read_text() == "as it was\n"


@pytest.mark.bubblewrap
def test_bubblewrap_works_for_an_ordinary_user(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    command = ["bwrap", "--unshare-net", "--unshare-pid", "--ro-bind", "/", "/", "id", "-u"]
    as_user = ["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", *command]
    done = subprocess.run(as_user, capture_output=True, text=True, check=False, cwd="/")
    assert done.stdout.strip() == "1234", done.stderr


@pytest.mark.bubblewrap
def test_a_venv_may_lie_where_steps_have_their_places(tmp_path: Path) -> None:
    venv = tmp_path / "work"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = str(venv / "bin" / "python")
    folder = tmp_path / "attempt"
    folder.mkdir()
    bench = Bench(folder, Environment(id="0" * 64, handle=python, python=python))
    runtime = isolated()
    assert bench.run(runtime, "import sys; print(sys.prefix)").cause is Cause.DONE
    assert bench.said() == "/opt/venv\n"


def test_says_that_nothing_is_isolated() -> None:
    bare = ProcessRuntime(bubblewrap=False)
    assert bare.isolated is False
    assert bare.isolation()["network"] == "host"
    assert bare.isolation()["warnings"] == ["steps are not isolated: bubblewrap was switched off"]


@pytest.mark.bubblewrap
def test_says_what_bubblewrap_isolates() -> None:
    assert isolated().isolation()["network"] == "none"


@pytest.mark.parametrize("kind", ["a child", "a daemon", "a stubborn child"])
@pytest.mark.parametrize("bubblewrap", [pytest.param(True, marks=pytest.mark.bubblewrap), False])
def test_a_step_and_what_it_started_die_with_harness(
    tmp_path: Path, bubblewrap: bool, kind: str
) -> None:
    mark = f"7{os.getpid()}.{list(LEFT).index(kind)}"
    step = leaves(kind, mark) + f"\ntime.sleep({mark})"
    code = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from harness.runtimes.process import ProcessRuntime
        from tests.integration.steps import Bench
        from tests.integration.test_process_runtime import HOST
        bench = Bench(Path({str(tmp_path)!r}), HOST)
        bench.run(ProcessRuntime(bubblewrap={bubblewrap}), {step!r})
        """
    )
    harness = subprocess.Popen([sys.executable, "-c", code])
    try:
        log = tmp_path / "output.log"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (log.exists() and "left" in log.read_text()):
            time.sleep(0.1)
        assert log.read_text() == "left behind\n"
        assert runs(mark)
    finally:
        harness.kill()
        harness.wait()
    deadline = time.monotonic() + 60
    while runs(mark):
        assert time.monotonic() < deadline
        time.sleep(0.1)

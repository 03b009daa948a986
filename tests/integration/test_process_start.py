"""What a step costs that does next to nothing: its supervisor's start, and how its end is seen."""

import os
import resource
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from harness.runtimes import children, supervisor


def test_the_supervisor_imports_nothing_that_takes_longer_than_python_to_start() -> None:
    folder = str(Path(supervisor.__file__).parent)
    code = f"import sys; sys.path.append({folder!r}); import supervisor; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True)
    modules = set(done.stdout.decode().split())
    assert "supervisor" in modules
    assert not modules & {"enum", "pathlib", "re", "subprocess", "typing"}


def test_who_waits_for_a_process_wakes_when_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with child, children.waiting_for(child.pid, Event()) as wait:
        wait(0.001)
        assert child.poll() is None
        child.communicate(b"\n")
        wait(3600.0)


def test_where_nobody_tells_of_an_end_a_stop_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "can_watch_processes", lambda: False)
    stop = Event()
    stop.set()
    with children.waiting_for(os.getpid(), stop) as wait:
        wait(3600.0)


def test_who_waits_may_have_many_files_open() -> None:
    assert children.can_watch_processes()  # asked once
    reading, writing = os.pipe()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "pidfd_open", lambda _: os.dup2(reading, 2000))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
        try:
            with children.waiting_for(os.getpid(), Event()) as wait:
                wait(0.001)
                os.close(writing)  # it is over
                wait(3600.0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            os.close(reading)

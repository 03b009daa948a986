"""Names are completed at the prompts of real shells: keys are typed, and what then runs is read."""

import json
import os
import pty
import select
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.golden import PROJECT

RUN = "sipe-res38-isl+fsl-s1-0123456789ab"
OTHER = "sipe-res38-none-s1-0123456789ab"
LIMIT = 60  # seconds
#: A harness that answers the shell, and else writes down what it was called with.
PROGRAM = """#!{python}
import json, os, sys
if "_HARNESS_COMPLETE" in os.environ or "--show-completion" in sys.argv:
    sys.path.insert(0, {source!r})
    from harness.cli import main
    main()
with open({calls!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
"""
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
SETUP = {
    "bash": "source ./script; echo > ready",
    "zsh": "autoload -U compinit; compinit -D -u; source ./script; echo > ready",
    "fish": "source ./script; echo > ready",
}


class Prompt:
    """A shell at a terminal of its own."""

    def __init__(self, shell: str, folder: Path) -> None:
        self.calls = folder / "calls"
        self.seen = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(SHELLS[shell][0], SHELLS[shell], environ(folder))

    def wait_for(self, there: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT
        while not there():
            assert time.monotonic() < end, self.seen.decode(errors="replace")
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.seen += os.read(self.terminal, 65536)

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def called(self, keys: str) -> list[str]:
        """What harness is called with after these keys and Enter."""
        before = len(self._calls())
        self.type(f"{keys}\r")
        self.wait_for(lambda: len(self._calls()) > before)
        return self._calls()[-1]

    def _calls(self) -> list[list[str]]:
        if not self.calls.exists():
            return []
        return [json.loads(line) for line in self.calls.read_text().splitlines()]

    def close(self) -> None:
        os.close(self.terminal)
        with suppress(ProcessLookupError):
            os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


def environ(folder: Path) -> dict[str, str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("HARNESS_", "_HARNESS_"))}
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    place = {"HARNESS_PROJECT": str(PROJECT.root), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    return {**plain, **home, **place, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}


@pytest.fixture(params=sorted(SHELLS))
def prompt(
    request: pytest.FixtureRequest, tmp_path: Path, require: Callable[[bool, str], None]
) -> Iterator[Prompt]:
    """A shell with harness's completion, and a `runs/` with a plan of two runs."""
    shell = request.param
    require(shutil.which(shell) is not None, f"{shell} is not installed")
    program = tmp_path / "bin" / "harness"
    program.parent.mkdir()
    source = str(Path(__file__).resolve().parents[2])
    program.write_text(
        PROGRAM.format(python=sys.executable, source=source, calls=str(tmp_path / "calls"))
    )
    program.chmod(0o755)
    plans = tmp_path / "runs" / "plans"
    plans.mkdir(parents=True)
    runs = [{"id": one, "steps": {"train-cam": "k", "predict": "k"}} for one in (RUN, OTHER)]
    (plans / "p.json").write_text(json.dumps({"id": "p", "runs": runs, "steps": {}}))
    found = Prompt(shell, tmp_path)
    found.type("harness --show-completion > script; echo > shown\r")
    found.wait_for((tmp_path / "shown").exists)
    found.type(f"{SETUP[shell]}\r")
    found.wait_for((tmp_path / "ready").exists)
    yield found
    found.close()


def test_names_are_completed_at_the_prompt(prompt: Prompt, tmp_path: Path) -> None:
    typed = {
        "harness reh\t seam": ["rehearse", "seam"],
        "harness plan sip\t": ["plan", "sipe"],
        "harness plan seam --backbone res\t": ["plan", "seam", "--backbone", "res38"],
        "harness plan sipe --losses none,f\t": ["plan", "sipe", "--losses", "none,fsl"],
        "harness plan sipe --losses isl+\t": ["plan", "sipe", "--losses", "isl+fsl"],
        "harness plan sipe --option losses-mode=r\t": [
            "plan",
            "sipe",
            "--option",
            "losses-mode=reference",
        ],
        "harness plan sipe --scale sm\t": ["plan", "sipe", "--scale", "smoke"],
        "harness plan sipe --stack cu13\t": ["plan", "sipe", "--stack", "cu130"],
        "harness build sipe --runtime pod\t": ["build", "sipe", "--runtime", "podman"],
        # Of one run the shell offers the steps: their common beginning is typed first.
        f"harness why --runs {tmp_path}/runs sipe-res38-i\ttr\t": [
            "why",
            "--runs",
            f"{tmp_path}/runs",
            f"{RUN}/train-cam",
        ],
    }
    for keys, words in typed.items():
        assert prompt.called(keys) == words, keys


def test_what_cannot_be_completed_says_nothing(prompt: Prompt) -> None:
    called = prompt.called("harness why --project /nowhere sip\t")
    assert called[:3] == ["why", "--project", "/nowhere"]
    assert b"Traceback" not in prompt.seen
    assert b"error:" not in prompt.seen

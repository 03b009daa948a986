"""`exec-step`, as any scheduler calls it: idempotent, with exit codes, on one host or two."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_faults import GOOD
from tests.outputs import valid
from tests.processes import descendants
from tests.project import PATIENT, Project, finish, step

_STARTED: list[Any] = []
#: harness in a process whose wall clock is hours off; what waits goes by the monotonic one.
_OFF = """
import datetime, time
real, away = time.time, {hours} * 3600

class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

time.time = lambda: real() + away
datetime.datetime = Shifted
from harness.cli import main
main()
"""


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """No process outlives its test, also one that fails."""
    yield
    while _STARTED:
        process = _STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


class Stepped(Project):
    """A project with a saved plan, of which the first step is done."""

    def __init__(self, root: Path, middle: dict[str, Any]) -> None:
        super().__init__(root, middle)
        process = self.start("--until", "first")
        assert finish(process)[0] == 0
        self.plan, self.keys = self._save()

    def _save(self) -> tuple[str, dict[str, str]]:
        """Save the plan of the whole chain as `reproduce` would, and run nothing."""
        code = (
            "import json, sys\n"
            "from pathlib import Path\n"
            "from harness.commands.context import Context\n"
            "from harness.commands.where import Where\n"
            "from harness.commands.plan import plan\n"
            "from harness.execution.keeper import Keeper\n"
            "from harness.manifest.model import Losses, RuntimeName\n"
            "from harness.plan.make import Ask\n"
            "root, runs = map(Path, sys.argv[1:])\n"
            "context = Context.open(Where(project=root, runs=runs), writes=True)\n"
            "asked = {'losses': (Losses.NONE,), 'seeds': 1, 'runtime': RuntimeName.PROCESS}\n"
            "made = plan(context, Ask(methods=('toy',), **asked))\n"
            "with Keeper(context.store, made).registered():\n"
            "    print(json.dumps([made.id, dict(made.runs[0].steps)]))\n"
        )
        argv = [self.argv("x")[0], "-c", code, str(self.root), str(self.runs)]
        done = subprocess.run(argv, env=self.environ, capture_output=True, text=True, check=True)
        plan, keys = json.loads(done.stdout)
        return plan, keys

    def call(
        self,
        name: str,
        *more: str,
        before: tuple[str, ...] = (),
        hours: int = 0,
        **environ: str,
    ) -> Any:
        """`harness exec-step` in the background, with a clock that is so many hours off."""
        argv = self.argv("exec-step", self.plan, self.keys[name], "--json", *more)
        if hours:
            argv[1:3] = ["-c", _OFF.format(hours=hours)]
        process = subprocess.Popen(
            [*before, *argv],
            env={**self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        _STARTED.append(process)
        return process

    def step(self, name: str, *more: str) -> tuple[int, dict[str, Any], str]:
        """`harness exec-step`: exit code, the row of the JSON, stderr."""
        return ended(self.call(name, *more))

    def attempts(self) -> list[Path]:
        """Folders of attempts that have begun."""
        return list(self.runs.glob("attempts/*/out/half"))


def ended(process: Any) -> tuple[int, dict[str, Any], str]:
    """Wait for `exec-step`: exit code, the row of the JSON, stderr."""
    code, document, err = finish(process)
    (row,) = document["steps"]
    status = "cached" if row["cached"] else row["status"]
    return code, {**row, "status": status}, err


def test_steps_called_one_by_one_make_the_run_and_a_second_call_does_nothing(
    tmp_path: Path,
) -> None:
    project = Stepped(tmp_path, GOOD)
    assert project.step("first")[1]["status"] == "cached"
    code, done, _ = project.step("middle")
    assert (code, done["status"], done["key"]) == (0, "done", project.keys["middle"])
    assert [project.step("middle")[1]["status"] for _ in range(2)] == ["cached", "cached"]
    assert not list(project.runs.glob("runs/*.json"))[1:]
    assert project.step("last")[0] == 0
    assert len(project.records()) == 1
    records = [json.loads(path.read_text()) for path in project.runs.glob("runs/*.json")]
    (whole,) = [one for one in records if one["plan"] == project.plan]
    assert whole["status"] == "done"
    assert whole["scores"]["final"] == {"J": 50, "F": 40, "JF": 45}
    assert list(project.runs.glob("leases/plan-*")) == []


def test_a_failure_has_its_exit_code_and_ends_the_run(tmp_path: Path) -> None:
    project = Stepped(tmp_path, step("middle", "raise SystemExit(3)"))
    code, done, err = project.step("middle")
    assert (code, done["status"]) == (6, "failed")
    assert "exit code 3" in done["error"]
    assert "exit code 3" in err
    end = json.loads((project.runs / "ends" / project.plan / f"{done['key']}.json").read_text())
    assert (end["status"], end["exit_code"]) == ("failed", 6)
    records = [json.loads(path.read_text()) for path in project.runs.glob("runs/*.json")]
    (whole,) = [one for one in records if one["plan"] == project.plan]
    assert whole["status"] == "failed"
    assert whole["steps"]["last"]["status"] == "blocked"


def test_inputs_that_are_not_there_are_named(tmp_path: Path) -> None:
    project = Stepped(tmp_path, GOOD)
    code, done, _ = project.step("last", "--patience", "1")
    assert code == 6
    assert f"/in/file of {project.keys['middle'][:12]}" in done["error"]
    assert project.published() == ["first"]


@pytest.mark.parametrize(
    ("plan", "key", "text"),
    [("none", "0", "is no plan"), ("", "0", "is no plan"), (None, "xyz", "is no step")],
)
def test_a_plan_or_step_that_is_not_there(
    tmp_path: Path, plan: str | None, key: str, text: str
) -> None:
    project = Stepped(tmp_path, GOOD)
    done = project.run("exec-step", project.plan if plan is None else plan, key, "--json")
    assert done.returncode == 2
    assert text in valid(done.stdout)["error"]
    assert text in done.stderr


def test_term_stops_the_step_and_the_next_call_goes_on(tmp_path: Path) -> None:
    project = Stepped(tmp_path, PATIENT)
    process = project.call("middle")
    half = project.started(process)
    process.send_signal(signal.SIGTERM)
    code, done, _ = ended(process)
    assert (code, done["status"]) == (130, "interrupted")
    assert not half.exists()
    process = project.call("middle")
    (project.started(process).parent / "go").touch()
    assert finish(process)[0] == 0


def test_term_to_the_whole_job_interrupts_though_the_step_ends_first(tmp_path: Path) -> None:
    """As Slurm sends it: to every process of the job, in whatever order."""
    project = Stepped(tmp_path, PATIENT)
    process = project.call("middle")
    project.started(process)
    for pid in [*reversed(descendants(process.pid)), process.pid]:
        os.kill(pid, signal.SIGTERM)
    code, done, _ = ended(process)
    assert (code, done["status"]) == (130, "interrupted")
    assert list(project.runs.glob("attempts/*")) == []


def test_a_damaged_plan_is_named(tmp_path: Path) -> None:
    project = Stepped(tmp_path, GOOD)
    file = project.runs / "plans" / f"{project.plan}.json"
    file.write_text(file.read_text().replace("middle", "muddle"))
    done = project.run("exec-step", project.plan, project.keys["middle"])
    assert done.returncode == 4
    assert "is not as it was written" in done.stderr


# --- two hosts ----------------------------------------------------------------------------------------


def own_lock(project: Stepped, tmp_path: Path, name: str) -> tuple[str, ...]:
    """What starts a command that has a lock file of its own: as where locks reach no other host."""
    lock = project.runs / "leases" / f"{project.keys[name]}.lock"
    lock.touch()
    mine = tmp_path / "own.lock"
    mine.touch()
    return ("unshare", "--mount", "sh", "-c", f'mount --bind {mine} {lock} && exec "$@"', "sh")


def counter(project: Stepped, name: str) -> int:
    """The heartbeat's counter."""
    beat = project.runs / "leases" / f"{project.keys[name]}.json"
    return int(json.loads(beat.read_text())["counter"])


def until(true: Callable[[], object], process: Any) -> None:
    """Wait until something is so, while the process lives."""
    end = time.monotonic() + 600
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.1)


def test_two_hosts_that_start_at_once_publish_once(tmp_path: Path) -> None:
    project = Stepped(tmp_path, GOOD)
    both = [project.call("middle", SLURMD_NODENAME=node) for node in ("n1", "n2")]
    ends = [ended(process) for process in both]
    assert [code for code, _, _ in ends] == [0, 0]
    assert sorted(done["status"] for _, done, _ in ends) == ["cached", "done"]
    assert len(project.records()) == 1


@pytest.mark.slow
def test_two_hosts_that_start_at_once_where_locks_do_not_reach_publish_once(
    tmp_path: Path, require: Callable[[bool, str], None]
) -> None:
    require(os.getuid() == 0, "mounting takes root")
    project = Stepped(tmp_path, GOOD)
    before = own_lock(project, tmp_path, "middle")
    both = [
        project.call("middle", SLURMD_NODENAME="n1"),
        project.call("middle", before=before, SLURMD_NODENAME="n2"),
    ]
    assert [finish(process)[0] for process in both] == [0, 0]
    published = [one for one in project.records() if one["status"] == "done"]
    assert len(published) == 1


@pytest.mark.slow
@pytest.mark.parametrize("hours", [1, -1])
def test_a_host_whose_clock_is_an_hour_off_waits_for_a_living_one_and_follows_a_dead_one(
    tmp_path: Path, require: Callable[[bool, str], None], hours: int
) -> None:
    require(os.getuid() == 0, "mounting takes root")
    project = Stepped(tmp_path, PATIENT)
    first = project.call("middle", SLURMD_NODENAME="n1")
    half = project.started(first)
    lock = own_lock(project, tmp_path, "middle")  # its kernel knows nothing of the other's lock
    more = {"before": lock, "hours": hours, "SLURMD_NODENAME": "n2"}
    second = project.call("middle", "--lost-after", "15", **more)
    seen = counter(project, "middle")
    until(lambda: counter(project, "middle") >= seen + 5, second)  # longer than 15 seconds
    assert project.attempts() == [half]
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    until(lambda: len(project.attempts()) == 2, second)  # the dead host's may run on, there
    other = next(path for path in project.attempts() if path != half)
    (other.parent / "go").touch()
    code, done, _ = ended(second)
    assert (code, done["status"]) == (0, "done")
    assert len(project.records()) == 1
    assert project.records()[0]["attempt"]["owner"]["host"].endswith(":n2")


@pytest.mark.slow
def test_a_host_that_was_thought_lost_and_comes_back_publishes_nothing_twice(
    tmp_path: Path, require: Callable[[bool, str], None]
) -> None:
    require(os.getuid() == 0, "mounting takes root")
    project = Stepped(tmp_path, PATIENT)
    first = project.call("middle", SLURMD_NODENAME="n1")
    half = project.started(first)
    os.kill(first.pid, signal.SIGSTOP)  # the step itself goes on
    lock = own_lock(project, tmp_path, "middle")
    second = project.call("middle", "--lost-after", "15", before=lock, SLURMD_NODENAME="n2")
    until(lambda: len(project.attempts()) == 2, second)
    other = next(path for path in project.attempts() if path != half)
    (other.parent / "go").touch()
    assert finish(second)[0] == 0
    (half.parent / "go").touch()
    os.kill(first.pid, signal.SIGCONT)
    code, _, err = finish(first)
    assert code == 0, err
    assert sorted(one["status"] for one in project.records()) == ["discarded", "done"]

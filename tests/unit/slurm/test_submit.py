"""Which steps get jobs, after which others, and when: on a cluster that only counts."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from harness.layout import RunLayout
from harness.manifest.model import Losses
from harness.plan.plan import Plan
from harness.slurm.client import Job, QueueFull, Slurm
from harness.slurm.jobs import forget_job, read_job
from harness.slurm.profile import Profile
from harness.slurm.script import Call
from harness.slurm.submit import Cluster, Submission, submit
from harness.store.ends import read_end, write_end
from tests import toy

PLAN = toy.plan(losses=(Losses.NONE, Losses.ISL))  # data, 2 x train, 2 x score
CALL = Call(program=("harness",), options=())


@dataclass
class Counting:
    """A cluster whose jobs wait for ever, until a test ends them."""

    cap: int = 1000
    jobs: dict[str, Job] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)  # by job
    dies_after: int = 1000
    itself: str | None = None

    def submit(self, script: Path, job: Any) -> str:
        if len(self.jobs) >= self.cap:
            raise QueueFull("MaxSubmitJobLimit", hint="")
        text = script.read_text()
        name, comment = re.findall(r"--(?:job-name|comment)=(.*)", text)
        known = str(100 + len(self.scripts))
        self.scripts[known] = text
        self.jobs[known] = Job(
            id=known, state="PENDING", reason="", node="", name=name, comment=comment
        )
        assert job(self.jobs[known])
        if len(self.scripts) == self.dies_after:
            raise KeyboardInterrupt  # whoever submits is killed before it notes the job
        return known

    def queue(self) -> list[Job]:
        return list(self.jobs.values())

    def after(self, job: str) -> set[str]:
        found = re.search(r"--dependency=after\w+:(.*)", self.scripts[job])
        return set(found[1].split(":")) if found else set()


class Bench:
    """A plan under a `runs/`, and what of it is not done."""

    def __init__(self, root: Path, cluster: Counting, max_jobs: int = 500) -> None:
        self.layout, self.cluster = RunLayout(root), cluster
        self.profile = Profile(max_jobs=max_jobs)
        self.open = set(PLAN.steps)

    def submit(self, *, again: bool = True, plan: Plan = PLAN) -> Submission:
        cluster = Cluster(slurm=cast("Slurm", self.cluster), profile=self.profile, call=CALL)
        return submit(self.layout, plan, cluster, lambda: self.open, again=again)

    def end(self, submission: Submission, *names: str, well: bool = True) -> None:
        """The jobs of these steps end."""
        for key, job in {**submission.waiting, **submission.jobs}.items():
            if PLAN.steps[key].name in names:
                self.cluster.jobs.pop(job, None)
                self.open -= {key} if well else set()

    def end_next(self) -> None:
        """The job that submits what is left has its turn."""
        (job,) = [one for one in self.cluster.queue() if one.name.startswith("harness-next")]
        del self.cluster.jobs[job.id]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Counting())


def names(keys: Any) -> list[str]:
    return sorted(PLAN.steps[key].name for key in keys)


def test_each_step_waits_for_the_jobs_of_its_parents(bench: Bench) -> None:
    done = bench.submit()
    assert names(done.jobs) == ["data", "score", "score", "train", "train"]
    for key, job in done.jobs.items():
        parents = PLAN.steps[key].parents
        assert bench.cluster.after(job) == {done.jobs[parent] for parent in parents}
    assert not done.later
    assert len(bench.cluster.jobs) == 5


def test_nothing_waits_for_a_step_that_is_done(bench: Bench) -> None:
    bench.open -= {next(key for key, step in PLAN.steps.items() if step.name == "data")}
    done = bench.submit()
    assert names(done.jobs) == ["score", "score", "train", "train"]
    trains = [job for key, job in done.jobs.items() if PLAN.steps[key].name == "train"]
    assert [bench.cluster.after(job) for job in trains] == [set(), set()]


def test_a_second_call_submits_nothing_twice(bench: Bench) -> None:
    first = bench.submit()
    second = bench.submit()
    assert second.jobs == {}
    assert second.waiting == first.jobs


@pytest.mark.parametrize("after", range(1, 6))
def test_a_call_that_was_killed_at_any_job_is_taken_up(bench: Bench, after: int) -> None:
    bench.cluster.dies_after = after
    with pytest.raises(KeyboardInterrupt):
        bench.submit()
    bench.cluster.dies_after = 1000
    done = bench.submit()
    assert len(done.waiting) == after
    assert len(bench.cluster.jobs) == len(PLAN.steps)
    found = {key: read_job(bench.layout, key) for key in PLAN.steps}
    assert {key: job.id for key, job in found.items() if job} == {**done.waiting, **done.jobs}
    for key, job in done.jobs.items():
        parents = {key: (done.waiting | done.jobs)[key] for key in PLAN.steps[key].parents}
        assert bench.cluster.after(job) == set(parents.values())


def test_never_more_jobs_than_the_cap_and_in_the_end_all(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Counting(), max_jobs=3)
    done = bench.submit()
    assert len(done.jobs) == 2
    seen = dict(done.jobs)
    for _ in range(10):
        assert len(bench.cluster.jobs) <= 3
        if not bench.open:
            break
        bench.end(done, *names(PLAN.steps))
        if done.later:
            bench.end_next()  # it is at work still while it submits
            bench.cluster.itself = "next"
            done = bench.submit(again=False)
            assert len(bench.cluster.jobs) + 1 <= 3
            seen |= done.jobs
    assert seen.keys() == PLAN.steps.keys()
    assert not bench.open


def test_what_is_left_waits_for_half_of_the_jobs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Counting(), max_jobs=5)
    done = bench.submit()
    assert len(done.jobs) == 4
    (chained,) = [one.id for one in bench.cluster.queue() if one.name.startswith("harness-next")]
    assert bench.cluster.after(chained) == set(list(done.jobs.values())[:2])


def test_a_site_with_a_cap_of_its_own_is_met_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Counting(cap=0))
    with pytest.raises(QueueFull):
        bench.submit()


def test_a_failed_step_and_what_reads_it_are_not_tried_by_the_job_that_goes_on(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, Counting(), max_jobs=3)
    done = bench.submit()
    assert names(done.jobs) == ["data", "train"]
    bench.end(done, "data")
    bench.end(done, "train", well=False)
    bench.end_next()
    more = bench.submit(again=False)
    assert names(more.stopped) == ["score", "train"]
    assert names(more.jobs) == ["score", "train"]
    assert not {PLAN.steps[key].name for key in more.stopped} - {"score", "train"}


def test_the_user_tries_a_failed_step_again_and_its_old_end_goes(bench: Bench) -> None:
    done = bench.submit()
    bench.end(done, "data", well=False)
    bench.end(done, "train", "score", well=False)
    data = next(key for key, step in PLAN.steps.items() if step.name == "data")
    write_end(bench.layout, PLAN.id, data, {"status": "failed"})
    assert names(bench.submit(again=False).stopped) == names(PLAN.steps)
    assert names(bench.submit(again=True).jobs) == names(PLAN.steps)
    assert read_end(bench.layout, PLAN.id, data) is None


def test_steps_that_two_plans_share_have_one_job(bench: Bench) -> None:
    first = bench.submit()
    other = toy.plan(losses=(Losses.NONE,))
    assert other.id != PLAN.id
    bench.open = set(other.steps)
    second = bench.submit(plan=other)
    assert second.jobs == {}
    assert set(second.waiting.values()) <= set(first.jobs.values())


def test_jobs_that_work_elsewhere_or_are_about_to_end_do_not_count(bench: Bench) -> None:
    done = bench.submit()
    first, second, *_ = done.jobs.values()
    jobs = bench.cluster.jobs
    jobs[first] = replace(jobs[first], comment="/other/runs")
    jobs[second] = replace(jobs[second], state="COMPLETING")
    assert set(bench.submit().jobs) == {
        key for key, job in done.jobs.items() if job in {first, second}
    }


def test_a_damaged_note_counts_as_none(bench: Bench) -> None:
    done = bench.submit()
    key = next(iter(done.jobs))
    bench.layout.slurm_job(key).write_text("{")
    assert read_job(bench.layout, key) is None
    forget_job(bench.layout, key)
    forget_job(bench.layout, key)

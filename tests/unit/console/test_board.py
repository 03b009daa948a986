"""What the live view shows of running steps, from their attempts on disk."""

import datetime as dt
import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from harness import console
from harness.console import Board, streams
from harness.console.cards import CardView
from harness.console.followed import Followed
from harness.execution.outcome import Outcome, Status
from harness.files import write_sealed
from harness.gpus.nvml import Nvml
from harness.layout import RunLayout, StepFolder
from harness.manifest.model import Losses
from harness.plan.plan import BoundStep, Plan, Shard
from harness.store.store import Store
from tests import toy
from tests.fake_nvml import GB, Card, FakeNvml

OWNER = {"name": "far", "host": "h", "pid": 1, "start": "0"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(RunLayout(tmp_path))


@pytest.fixture
def plan() -> Plan:
    return toy.plan()


def train(plan: Plan, losses: Losses = Losses.ISL) -> BoundStep:
    step = plan.steps[toy.keys_of(plan, losses)["train"]]
    object.__setattr__(step, "progress", r"(?P<at>\d+) of (?P<of>\d+)")
    return step


def begin(
    store: Store, step: BoundStep, log: str, ago: float = 8.0, gpus: tuple[str, ...] = ()
) -> StepFolder:
    """An attempt that started so many seconds ago and has logged that."""
    attempt = store.attempt(step.key)
    started = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=ago)
    intent = {"runtime": "process", "name": "x", "gpus": gpus, "owner": OWNER, "inputs": {}}
    write_sealed(attempt.intent, {**intent, "started": started.isoformat()})
    attempt.log.write_text(log)
    return attempt


def shown(board: Board, width: int = 80) -> list[str]:
    recorded = Console(width=width, record=True, file=io.StringIO())
    recorded.print(board)
    return [line.rstrip() for line in recorded.export_text().splitlines()]


def test_a_line_for_each_running_step_and_a_bar_over_all(plan: Plan, store: Store) -> None:
    board, step = Board(plan, store), train(plan)
    begin(store, step, "2 of 4\n")
    board.started(step)
    row, whole = shown(board)
    assert row == "  train  2/4  0:08  0:08 left  toy tiny isl s1"
    assert whole.startswith(f"0 of {len(plan.steps)} steps  ")
    assert "left" in whole
    board.ended(step, Outcome(status=Status.DONE, seconds=8.0))
    assert shown(board)[0].startswith(f"1 of {len(plan.steps)} steps  ")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_view_fits(plan: Plan, store: Store, width: int) -> None:
    board = Board(plan, store)
    for losses in (Losses.NONE, Losses.ISL):
        begin(store, train(plan, losses), "2 of 4\n", gpus=("GPU-a",))
        board.started(train(plan, losses))
    lines = shown(board, width)
    assert len(lines) == 3
    assert max(map(len, lines)) <= width


def test_a_step_that_another_harness_began_counts_from_then(plan: Plan, store: Store) -> None:
    board, step = Board(plan, store), train(plan)
    board.started(step)
    assert shown(board)[0] == "  train  starting  toy tiny isl s1"
    begin(store, step, "", ago=7200)
    assert shown(board)[0] == "  train  2:00:00  toy tiny isl s1"


def test_what_was_seen_last_stays_while_outputs_are_published(plan: Plan, store: Store) -> None:
    board, step = Board(plan, store), train(plan)
    attempt = begin(store, step, "3 of 4\n")
    board.started(step)
    shown(board)
    store.drop(attempt)
    assert "3/4" in shown(board)[0]


def test_time_left_counts_from_the_first_sign(plan: Plan, store: Store) -> None:
    """A step's own start-up, of imports say, does not make it slower than it is."""
    step = train(plan)
    attempt = begin(store, step, "1 of 11\n", ago=100)
    one, now = Followed(step), time.time()
    one.look(store, now)
    assert one.seconds_left(now) == pytest.approx(1000, rel=0.01)
    attempt.log.write_text("6 of 11\n")
    one.look(store, now + 5)
    assert one.seconds_left(now + 5) == pytest.approx(5)


def test_a_new_attempt_starts_anew(plan: Plan, store: Store) -> None:
    step = train(plan)
    one, now = Followed(step), time.time()
    begin(store, step, "3 of 4\n", ago=60)
    one.look(store, now)
    begin(store, step, "", ago=1)
    one.look(store, now)
    assert (one.share, one.seconds_left(now)) == (0.0, None)
    assert one.elapsed(now) < 30


def test_shards_have_lines_and_together_are_one_step(plan: Plan, store: Store) -> None:
    board, step = Board(plan, store), train(plan)
    parts = []
    for number in (1, 2):
        shard = Shard(whole=step.key, number=number, count=4, ids=())
        part = toy.plan().steps[step.key]
        object.__setattr__(part, "progress", step.progress)
        object.__setattr__(part, "shard", shard)
        object.__setattr__(part, "key", f"{number}" * 64)
        parts.append(part)
        begin(store, part, "1 of 2\n")
        board.started(part)
    assert [line.split("  ")[1] for line in shown(board)[:2]] == ["train 1/4", "train 2/4"]
    board.ended(parts[0], Outcome(status=Status.DONE, seconds=1.0))
    going = board._going(list(board.working.values()), time.time())
    assert going[step.key].share == pytest.approx(0.25 + 0.125)
    assert board.done == 0


def test_gpu_and_its_memory(plan: Plan, store: Store) -> None:
    nvml = FakeNvml([Card("GPU-a", used=12 * GB), Card("GPU-b", used=3 * GB)])
    board, step = Board(plan, store, cards=CardView(Nvml(nvml))), train(plan)
    begin(store, step, "", gpus=("GPU-b",))
    board.started(step)
    assert shown(board)[0] == "  train  0:08  GPU 1 3.0/80 GB  toy tiny isl s1"


def test_the_driver_is_not_asked_at_every_look() -> None:
    now = [0.0]
    nvml = FakeNvml([Card("GPU-a", used=12 * GB), Card("GPU-b", used=3 * GB)])
    view = CardView(Nvml(nvml), pause=2.0, clock=lambda: now[0])
    assert view.text(("GPU-a", "GPU-b")) == "GPU 0,1 15.0/160 GB"
    nvml.cards[0].used = 0
    assert view.text(("GPU-a",)) == "GPU 0 12.0/80 GB"
    now[0] = 2.0
    assert view.text(("GPU-a",)) == "GPU 0 0.0/80 GB"
    assert view.text(()) == view.text(("GPU-z",)) == ""


def test_a_driver_that_broke_shows_nothing() -> None:
    import pynvml

    view = CardView(Nvml(FakeNvml(fault=pynvml.NVML_ERROR_UNKNOWN)))
    assert view.text(("GPU-a",)) == ""
    nvml = FakeNvml([Card("GPU-a")])
    view = CardView(Nvml(nvml), pause=0.0)
    assert view.text(("GPU-a",)) == "GPU 0 0.0/80 GB"
    nvml.cards[0].fault = pynvml.NVML_ERROR_GPU_IS_LOST
    assert view.text(("GPU-a",)) == "GPU 0"


def test_at_most_one_line_for_a_step_that_ended(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.StringIO()
    monkeypatch.setattr(streams, "err", console.ReadableConsole(file=file, width=80))
    board, step = Board(plan, store), train(plan)
    for status in Status:
        board.ended(step, Outcome(status=status, seconds=61.0, error="why\nlines\nlog: x\nkept: y"))
    assert file.getvalue().splitlines() == [
        "done    1/5  train   1:01 min  toy tiny isl s1",
        "failed  0/5  train   1:01 min  toy tiny isl s1  why",
    ]


def test_a_stop_is_shown_at_once(plan: Plan, store: Store) -> None:
    board = Board(plan, store)
    board.stop()
    assert shown(board)[0].endswith("stopping")

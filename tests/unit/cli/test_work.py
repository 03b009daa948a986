"""What Ctrl-C and TERM mean: they end a command politely, whatever it is about to do."""

import signal
from threading import Event

import pytest

from harness.cli.work import stopping

SECONDS = 60.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_sets_the_stop_after_it_was_announced(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    seen: list[str] = []
    with stopping(lambda: seen.append("asked"), signal.SIGHUP)() as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.wait(SECONDS)
        assert seen == ["asked"]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_the_caller_has_ignored_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    other = signal.SIGTERM if number is not signal.SIGTERM else signal.SIGINT
    try:
        with stopping(lambda: None, signal.SIGHUP)() as stop:
            signal.raise_signal(number)
            assert signal.getsignal(number) is signal.SIG_IGN
            assert not stop.is_set()
            signal.raise_signal(other)
            assert stop.wait(SECONDS)
    finally:
        signal.signal(number, before)


def test_only_the_first_signal_is_announced() -> None:
    seen: list[str] = []
    with stopping(lambda: seen.append("asked"))() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.wait(SECONDS)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert seen == ["asked"]


@pytest.mark.timeout(SECONDS)
def test_a_signal_may_come_while_the_lock_of_the_stop_is_held() -> None:
    """As in `Event.wait`, where a second TERM finds the thread that the first has just woken."""
    with stopping(lambda: None)() as stop:
        with stop._cond:  # type: ignore[attr-defined]
            signal.raise_signal(signal.SIGTERM)
        assert stop.wait(SECONDS)


@pytest.mark.timeout(SECONDS)
def test_a_signal_may_come_while_a_lock_is_held_that_announcing_it_takes() -> None:
    announced, busy = Event(), Event()

    def announce() -> None:
        with busy._cond:  # type: ignore[attr-defined]
            announced.set()

    with stopping(announce)() as stop:
        with busy._cond:  # type: ignore[attr-defined]
            signal.raise_signal(signal.SIGINT)
        assert stop.wait(SECONDS)
    assert announced.is_set()


def test_a_command_that_nobody_stops_ends_its_watch() -> None:
    with stopping(lambda: pytest.fail("nobody asked"))() as stop:
        pass
    assert not stop.is_set()

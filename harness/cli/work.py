"""How a command executes a plan: what the machine has to give, and what Ctrl-C means."""

import math
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.commands.news import News
    from harness.commands.reproduce import Work
    from harness.console import Board


def make_work(
    context: "Context",
    board: "Board",
    *,
    jobs: int,
    gpus: str | None,
    retries: int = 2,
    detach: bool = False,
    news: "News | None" = None,
    **settings: Any,
) -> "Work":
    """How to execute: with this machine's CPUs, memory and GPUs, Ctrl-C, the board and news.

    `settings` are further fields of `Work`.
    """
    from harness.commands.reproduce import Work
    from harness.execution.faults import Retries
    from harness.execution.schedule import Tokens
    from harness.store.machine import total_memory_gb

    memory = total_memory_gb()
    return Work(
        jobs=jobs,
        tokens=Tokens(cpus=os.cpu_count() or 1, memory_gb=memory, gpus=context.gpus(gpus)),
        stopping=stopping(board.stop, *((signal.SIGHUP,) if detach else ())),
        progress=board.progress.beside(news.progress) if news else board.progress,
        retries=Retries.at_most(retries),
        detach=detach,
        notify=board.notify,
        **settings,
    )


def make_news(
    context: "Context", command: str, notify: str | None, every: float | None
) -> "News | None":
    """What tells of an execution as --notify and --every ask for. Raises UsageError."""
    from harness import console
    from harness.commands.news import News
    from harness.commands.notify import parse_receiver

    if every is not None and not 0 < every < math.inf:
        raise UsageError(f"--every {every:g}: expected hours above 0", hint="--every 24")
    if notify is None:
        if every is not None:
            hint = "say where the news goes: --notify URL|COMMAND"
            raise UsageError("--every without --notify", hint=hint)
        return None
    return News(
        command=command,
        runs=context.layout.root,
        receiver=parse_receiver(notify, context.build.ca_bundle),
        warn=console.err.print,
        every=every,
    )


def stopping(
    asked: Callable[[], None], *more: signal.Signals
) -> Callable[[], AbstractContextManager[Event]]:
    """Turn Ctrl-C, TERM and `more` into a stop that ends running steps, or leaves them, politely.

    `asked` is called with the first of them. What the caller has ignored, as nohup does HUP and a
    script's background INT, stays ignored.

    A closed terminal (HUP) ends harness as a kill would, and containers run on.
    """
    asking = (signal.SIGINT, signal.SIGTERM, *more)
    numbers = [one for one in asking if signal.getsignal(one) is not signal.SIG_IGN]

    @contextmanager
    def catch() -> Iterator[Event]:
        stop, caught = Event(), SimpleQueue[int]()

        def ask_stop() -> None:
            if caught.get():
                asked()
                stop.set()

        # Not by the handler: the thread that it interrupts may hold the lock of the event.
        thread = Thread(target=ask_stop, name="stop", daemon=True)
        thread.start()
        before = {one: signal.signal(one, lambda number, _: caught.put(number)) for one in numbers}
        try:
            yield stop
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            caught.put(0)
            thread.join()

    return catch

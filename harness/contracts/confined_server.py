"""The server behind `harness.contracts.confined`: forks a child for every call."""

import contextlib
import fcntl
import gc
import importlib
import json
import os
import pickle
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from harness.contracts.limits import limit
from harness.errors import HarnessError
from harness.files import FAILING, FULL

_PRELOADED = ("harness.contracts.outputs",)  # to fork takes longer with every import


def serve(door: socket.socket, modules: Sequence[str]) -> None:
    """Fork a child for every connection that comes through the door, until it is closed."""
    for module in (*_PRELOADED, *modules):
        with contextlib.suppress(ImportError):  # whoever needs it says so
            importlib.import_module(module)
    gc.freeze()  # a child's collections would touch, and so copy, all the memory it shares
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children leave nothing behind
    while True:
        _, descriptors, *_ = socket.recv_fds(door, 1, 1)
        if not descriptors:
            return
        if os.fork() == 0:
            door.close()
            _work(socket.socket(fileno=descriptors[0]))
        os.close(descriptors[0])


def _work(caller: socket.socket) -> NoReturn:
    """Read one call, do it, answer, end."""
    with caller.makefile("rb") as stream:
        size = int.from_bytes(stream.read(8), "big")
        function, args = pickle.loads(stream.read(size))  # noqa: S301 - the caller is us
    # SIGIO ends this process, also inside a library's loop, as soon as the caller hangs up.
    fcntl.fcntl(caller, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(caller, fcntl.F_GETFL)
    fcntl.fcntl(caller, fcntl.F_SETFL, flags | os.O_ASYNC)
    answer = _answer(function, args)
    fcntl.fcntl(caller, fcntl.F_SETFL, flags)
    caller.sendall(answer)
    caller.shutdown(socket.SHUT_WR)
    os._exit(0)


def _answer(function: Any, args: tuple[Any, ...]) -> bytes:
    try:
        limit()
        # Records hold what comes back: no half characters, no NaN.
        return _encoded({"value": function(*args)}, allow_nan=False)
    except BaseException as error:  # noqa: BLE001 - what a hostile file makes a library do
        return _encoded(_explained(error))


def _encoded(answer: Any, **how: Any) -> bytes:
    return json.dumps(answer, ensure_ascii=False, **how).encode()


def _explained(error: BaseException) -> dict[str, Any]:
    if isinstance(error, HarnessError):
        return {"text": _plain(str(error)), "hint": error.hint, "odd": False}
    if isinstance(error, OSError) and error.errno in FULL | FAILING:
        return {"errno": error.errno, "text": _plain(str(error))}
    reason = "it takes too much memory" if isinstance(error, MemoryError) else _reason(error)
    return {"text": f"{{what}} cannot be read: {reason}", "hint": None, "odd": True}


def _reason(error: BaseException) -> str:
    kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
    return ascii(f"{kind}{error}")[1:-1].split("\\n")[0][:300]


def _plain(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


if __name__ == "__main__":
    serve(socket.socket(fileno=sys.stdin.fileno()), sys.argv[1:])

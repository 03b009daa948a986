"""Read untrusted files in a child process that may hang, crash or starve without harm.

A server process imports what checks need, once. It forks a child for every call; the child limits
its own memory and open files, works, and answers in JSON. The kernel ends it as soon as the caller
closes the connection or dies.
"""

import atexit
import json
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from threading import Event, Lock
from typing import Any

from harness.contracts.failure import ContractError
from harness.errors import Interrupted, NotReadyError

_POLL_SECONDS = 0.1
_CHUNK = 2**20
_LONGEST = 2**26  # bytes of an answer
_SECONDS = 900.0
_HINT = "the file is damaged or hostile: look for the cause in the log of its writer"


class Confined:
    """Calls functions in child processes. Threads may share one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._modules: tuple[str, ...] = ()
        self._door: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def start(self, *modules: str) -> None:
        """Start the server now, and have it import these slow modules once for all calls."""
        with self._lock:
            if not set(modules) <= set(self._modules):
                self._close()  # what it has forked works on
                self._modules = modules
            self._opened()

    def call(
        self,
        function: Callable[..., Any],
        *args: object,
        what: str,
        seconds: float = _SECONDS,
        stop: Event | None = None,
    ) -> Any:
        """`function(*args)` in a child: both are pickled, what it returns comes as JSON.

        Raises:
            ContractError: as the function did; or it failed otherwise, ran too long, took too much
                memory, or ended without an answer. `what` names its object.
            OSError: the disk failed under it.
            Interrupted: `stop` was set.

        """
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._send(theirs)
            request = pickle.dumps((function, args))
            ours.sendall(len(request).to_bytes(8, "big") + request)
            return _unpacked(_answer(ours, what, seconds, stop or Event()), what)

    def close(self) -> None:
        """End the server."""
        with self._lock:
            self._close()

    def _send(self, connection: socket.socket) -> None:
        with self._lock:
            for last in (False, True):
                try:
                    socket.send_fds(self._opened(), [b"."], [connection.fileno()])
                except OSError as error:  # somebody ended the server: start another, once
                    self._close()
                    if last:
                        raise NotReadyError(
                            f"no child process can be started to read files: {error}",
                            hint="check the limits of this machine (memory, processes)",
                        ) from error
                else:
                    return

    def _opened(self) -> socket.socket:
        if self._door is None:
            door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._server = subprocess.Popen(
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "harness.contracts.confined_server",
                        *self._modules,
                    ],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            self._door = door
            atexit.register(self.close)
        return self._door

    def _close(self) -> None:
        if self._door is not None and self._server is not None:
            self._door.close()
            self._server.kill()  # it may be busy with its imports
            self._server.wait()
        self._door = self._server = None


#: The one of this process.
CONFINED = Confined()


def _answer(connection: socket.socket, what: str, seconds: float, stop: Event) -> bytes:
    """All that the child sends until it ends. Closing the connection ends the child."""
    connection.settimeout(_POLL_SECONDS)
    deadline, found = time.monotonic() + seconds, bytearray()
    while True:
        try:
            chunk = connection.recv(_CHUNK)
        except TimeoutError:
            chunk = None
        except ConnectionError:
            chunk = b""
        if chunk == b"":
            return bytes(found)
        found += chunk or b""
        if len(found) > _LONGEST:
            raise ContractError(f"{what} cannot be read: the answer is endless", hint=_HINT)
        if stop.is_set():
            raise Interrupted(f"stopped while {what} was read", hint="run the same command again")
        if time.monotonic() > deadline:
            raise ContractError(
                f"{what} cannot be read: it took longer than {seconds:.0f} s", hint=_HINT
            )


def _unpacked(answer: bytes, what: str) -> Any:
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        raise ContractError(
            f"{what} cannot be read: the process that read it was killed (out of memory?) or "
            "crashed",
            hint=_HINT,
        ) from None
    if "value" in found:
        return found["value"]
    if "errno" in found:
        raise OSError(found["errno"], found["text"])
    raise ContractError(
        found["text"].replace("{what}", what) if found["odd"] else found["text"],
        hint=found["hint"] or _HINT,
    )

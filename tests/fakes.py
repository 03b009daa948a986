"""The second implementation of `Runtime`: runs a Python function in place of a process."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event, Lock

from harness.manifest.model import RuntimeName
from harness.runtimes.runtime import Cause, Command, Environment, Exit, Interactive, Mount, Survivor

ENVIRONMENT = Environment(id="env", handle="python", python="python", probe={"torch": "none"})


class FakeRuntime:
    """`acts` maps a step's name to what it does with its /out folder; others touch what is asked."""

    name = RuntimeName.PROCESS
    detaches = False

    def __init__(self, acts: Mapping[str, Callable[[Path, Event], Exit | None]]) -> None:
        self.acts = acts
        self.seen: list[str] = []
        self.lock = Lock()

    def sees(self, mount: Mount) -> str:
        return str(mount.source)

    def isolation(self) -> Mapping[str, object]:
        return {"engine": "fake"}

    def run(self, command: Command, log: Path, stop: Event) -> Exit:
        step = command.labels["harness.step"]
        with self.lock:
            self.seen.append(step)
        log.write_text(f"ran {step}\n")
        out = next(m.source for m in command.mounts if str(m.target) == "/out")
        return self.acts[step](out, stop) or Exit(cause=Cause.DONE, code=0)

    def attach(self, command: Command, log: Path, stop: Event) -> Exit | None:
        return None

    def discard(self, name: str) -> None:
        pass

    def interactive(self, command: Command, *, terminal: bool) -> Interactive:
        return Interactive(argv=command.argv)

    def survivors(self) -> Sequence[Survivor]:
        return ()

"""Commands for runtime tests: small Python programs with the places that every step has."""

import time
import uuid
from pathlib import Path, PurePosixPath
from threading import Event, Thread

from harness.manifest.model import Resources
from harness.runtimes.runtime import Command, Environment, Exit, Mount, Runtime

#: Code that lasts a minute, and leaves a file if nobody ends it before.
A_MINUTE = """
import time
time.sleep(60)
open("{out}/unended", "w")
"""


class Bench:
    """One attempt's folders, and commands that run in them."""

    def __init__(self, root: Path, environment: Environment) -> None:
        self.root, self.environment = root, environment
        self.work, self.out, self.home = root / "work", root / "out", root / "home"
        self.given, self.log = root / "given", root / "output.log"
        for folder in (self.work, self.out, self.home, self.given):
            folder.mkdir()
        (self.given / "input.txt").write_text("as it was\n")

    def mounts(self) -> tuple[Mount, ...]:
        """Work, out and home writable; the input folder and one file of it read-only."""
        return (
            Mount(source=self.work, target=PurePosixPath("/work"), writable=True),
            Mount(source=self.out, target=PurePosixPath("/out"), writable=True),
            Mount(source=self.home, target=PurePosixPath("/home/step"), writable=True),
            Mount(source=self.given, target=PurePosixPath("/in/given")),
            Mount(source=self.given / "input.txt", target=PurePosixPath("/data/list.txt")),
        )

    def command(
        self, runtime: Runtime, code: str, *, hours: float = 1.0, memory_gb: float = 1.0
    ) -> Command:
        """`code` under the environment's Python, placeholders as manifests write them."""
        work, out, home, given, listed = (runtime.sees(mount) for mount in self.mounts())
        places = {"{out}": out, "{in.given}": given, "{in.list}": listed, "{home}": home}
        for name, place in places.items():
            code = code.replace(name, place)
        return Command(
            name=f"harness-test-{uuid.uuid4().hex}",
            environment=self.environment,
            argv=(self.environment.python, "-c", code),
            env={"HOME": home, "PYTHONUNBUFFERED": "1"},
            cwd=PurePosixPath(work),
            mounts=self.mounts(),
            resources=Resources(time_limit_hours=hours, memory_gb=memory_gb, shm_gb=0.125),
            threads=1,
            labels={"harness.test": "1"},
        )

    def run(self, runtime: Runtime, code: str, **limits: float) -> Exit:
        """Run `code` to its end."""
        return self.execute(runtime, self.command(runtime, code, **limits), Event())

    def execute(self, runtime: Runtime, command: Command, stop: Event) -> Exit:
        """Run `command` to its end and forget it."""
        try:
            return runtime.run(command, self.log, stop)
        finally:
            runtime.discard(command.name)

    def run_and_stop(self, runtime: Runtime, code: str, *, said: str) -> Exit:
        """Run `code` and stop it as soon as its log says `said`."""
        stop = Event()
        watcher = Thread(target=self._stop_when, args=(said, stop))
        watcher.start()
        done = self.execute(runtime, self.command(runtime, code), stop)
        watcher.join()
        return done

    def was_ended(self) -> bool:
        """Whether `A_MINUTE` did not last to its end."""
        return not (self.out / "unended").exists()

    def said(self) -> str:
        """The log."""
        return self.log.read_text()

    def _stop_when(self, said: str, stop: Event) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.log.exists() and said in self.log.read_text():
                break
            time.sleep(0.05)
        stop.set()

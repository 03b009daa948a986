"""Engines for tests: started by the first test process that asks, stopped by the last."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lent(service: str, variable: str, *verbs: str) -> Iterator[str]:
    """What SERVICE.sh runs, by its address, after it did `verbs` too; also in `variable`."""
    users = Path(os.environ.get("HARNESS_SERVICES", "/tmp/harness-services")) / f"{service}-users"
    users.mkdir(parents=True, exist_ok=True)
    mine = Path(tempfile.mkdtemp(dir=users, prefix=f"{os.getpid()}-"))
    try:
        host = _script(service, "lend")
        for verb in verbs:
            _script(service, verb)
        os.environ[variable] = host
        yield host
    finally:
        os.environ.pop(variable, None)
        mine.rmdir()
        if not any(_alive(user) for user in users.iterdir()):
            _script(service, "return")


def _script(service: str, verb: str) -> str:
    script = Path(__file__).with_name(f"{service}.sh")
    done = subprocess.run(
        [str(script), verb], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, f"{script.name} {verb}: {done.stderr}"
    return done.stdout.strip()


def _alive(user: Path) -> bool:
    if Path("/proc", user.name.partition("-")[0]).exists():
        return True
    shutil.rmtree(user, ignore_errors=True)  # it was killed before it could sign off
    return False

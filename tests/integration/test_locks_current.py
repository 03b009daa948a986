"""The hash locks are what their sources ask for today, and can be installed on this platform."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checks.locks import Lock, locks

pytestmark = pytest.mark.slow
LOCKS = {str(lock.path.relative_to(Path(__file__).parents[2])): lock for lock in locks()}


@pytest.fixture(scope="module")
def index(require: Callable[[bool, str], None], tmp_path_factory: pytest.TempPathFactory) -> None:
    """A package index that answers."""
    source = tmp_path_factory.mktemp("index") / "one.in"
    source.write_text("wheel==0.48.0\n")
    command = [
        str(Path(sys.executable).with_name("uv")),
        "pip",
        "compile",
        "-q",
        "--no-cache",
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"no package index answers: {done.stderr}")


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_a_lock_is_current_and_installable(lock: Lock) -> None:
    assert lock.is_current(), "run `make locks`"
    assert lock.is_installable()


@pytest.mark.usefixtures("index")
def test_a_lock_that_is_not_current_is_found(tmp_path: Path) -> None:
    lock = LOCKS["dockerfiles/seam/cu117.build.lock"]
    text = lock.path.read_text()
    digest = text.partition("sha256:")[2][:64]
    for old, new in (("wheel==0.48.0", "wheel==0.47.0"), (digest, "0" * 64)):
        changed = tmp_path / "changed.lock"
        changed.write_text(text.replace(old, new))
        assert not Lock(lock.source, changed, lock.options).is_current()

"""The peers in an environment of their own, from the hash lock beside this file."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("tools.lock")
ENVIRONMENT = ROOT / ".venv-bench"
_DONE = ".installed"


def tools() -> Path:
    """The folder of the peers' programs: that of HARNESS_BENCH_TOOLS, else installed here."""
    given = os.environ.get("HARNESS_BENCH_TOOLS")
    if given:
        return Path(given)
    done = ENVIRONMENT / _DONE
    if not done.is_file() or done.read_text() != LOCK.read_text():
        print(f"installing {LOCK.name} into {ENVIRONMENT}", file=sys.stderr, flush=True)
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        pip = [str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)
        done.write_text(LOCK.read_text())
    return ENVIRONMENT / "bin"


def versions(folder: Path) -> dict[str, str]:
    """The versions of the peers that are installed there."""
    packages = [str(path) for path in folder.parent.glob("lib/python*/site-packages")]
    found = {one.metadata["Name"]: one.version for one in distributions(path=packages)}
    return {name: found[name] for name in ("snakemake", "cwltool")}


if __name__ == "__main__":
    print(tools())

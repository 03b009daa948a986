"""Checking contracts costs nothing until something is checked."""

import subprocess
import sys


def test_heavy_packages_are_imported_late() -> None:
    code = (
        "import sys, harness.contracts, harness.readers.safe_pickle;"
        "print(sorted({'numpy', 'torch', 'PIL', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

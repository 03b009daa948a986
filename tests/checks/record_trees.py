"""Write `patches/<repository>/trees.txt` anew, after a patch or a pin was changed on purpose.

    python tests/checks/record_trees.py [REPOSITORY ...]

Applies each list of patches that a method names, checks every blob id, and records what the patches
and the patched trees hash to. Reads HARNESS_MIRROR; clones without it.
"""

import os
import sys
import tempfile
from pathlib import Path

from harness.errors import HarnessError
from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.load import load_catalogue, load_method, method_names
from harness.sources.git import GitCommands
from harness.sources.sources import Sources

ROOT = Path(__file__).resolve().parents[2]


def main(names: list[str]) -> int:
    """Record the named repositories, or all that a method patches."""
    project = ProjectLayout(ROOT)
    catalogue = load_catalogue(project)
    lists: dict[str, set[tuple[str, ...]]] = {}
    for method in method_names(project):
        for name, patches in load_method(project, method, catalogue).repositories.items():
            lists.setdefault(name, set()).add(tuple(patches))
    mirror = os.environ.get("HARNESS_MIRROR")
    with tempfile.TemporaryDirectory(prefix="harness-") as cache:
        layouts = CacheLayout(Path(cache)), project
        sources = Sources(GitCommands(), *layouts, Path(mirror) if mirror else None)
        for name in names or [name for name, found in lists.items() if any(found)]:
            written = sources.record(
                name, catalogue.repositories[name], sorted(lists.get(name, ()))
            )
            sys.stdout.write(f"{written.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except HarnessError as error:
        sys.stderr.write(f"{error}\n{error.hint}\n")
        raise SystemExit(error.exit_code) from error

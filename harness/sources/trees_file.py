"""`patches/<repository>/trees.txt`: what the patches and the patched checkouts must hash to.

patch <sha256> NAME                 the bytes of NAME.patch
tree <tree id> <commit> NAME ...    the whole tree at <commit> with these patches, in this order
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.errors import SourceMismatch

_NAME = r"[A-Za-z0-9][\w.-]*"
_PATCH = re.compile(rf"patch (?P<sha256>[0-9a-f]{{64}}) (?P<name>{_NAME})")
_TREE = re.compile(
    rf"tree (?P<tree>[0-9a-f]{{40}}) (?P<commit>[0-9a-f]{{40}})(?P<names>(?: {_NAME})+)"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """sha256 by patch; tree id by commit and ordered patches."""

    patches: Mapping[str, str] = field(default_factory=dict)
    trees: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def text(self) -> str:
        """The file's text."""
        patches = [f"patch {sha256} {name}" for name, sha256 in sorted(self.patches.items())]
        trees = [f"tree {tree} {' '.join(key)}" for key, tree in sorted(self.trees.items())]
        return "".join(f"{line}\n" for line in [*patches, *trees])


def read_recorded(text: str, where: str) -> Recorded:
    """Read the file strictly. Raises SourceMismatch with line, expected and found."""
    patches: dict[str, str] = {}
    trees: dict[tuple[str, ...], str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if patch := _PATCH.fullmatch(line):
            patches[patch["name"]] = patch["sha256"]
        elif tree := _TREE.fullmatch(line):
            trees[tree["commit"], *tree["names"].split()] = tree["tree"]
        else:
            raise SourceMismatch(
                f"{where}:{number}",
                expected="`patch <sha256> NAME` or `tree <id> <commit> NAME ...`",
                found=f"`{line}`",
                hint="write it again with tests/checks/record_trees.py",
            )
    return Recorded(patches, trees)

"""Sparse patterns (compared with git's own sparse-checkout in tests/integration/test_sources.py)."""

import pytest

from harness.sources.sparse import selected

PATHS = (
    "run.py",
    "lib/run.py",
    "lib/net/a.txt",
    "lib/net/b.jpg",
    "docs/page.md",
    "[x].py",
    "a b.py",
)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), ()),
        (("/*",), PATHS),
        (("/*.py",), ("run.py", "[x].py", "a b.py")),
        (("*.py",), ("run.py", "lib/run.py", "[x].py", "a b.py")),
        (("/lib/",), ("lib/run.py", "lib/net/a.txt", "lib/net/b.jpg")),
        (("/lib/", "!*.jpg"), ("lib/run.py", "lib/net/a.txt")),
        (("!*.jpg", "/lib/net/"), ("lib/net/a.txt",)),
        (("/*", "!/lib/", "/lib/net/a.txt"), ("run.py", "lib/net/a.txt", *PATHS[4:])),
        (("lib/*/?.txt",), ("lib/net/a.txt",)),
        (("**/a.*",), ("lib/net/a.txt",)),
        (("lib/**/b.jpg", "lib/**/run.py"), ("lib/net/b.jpg", "lib/run.py")),
        (("docs/**",), ("docs/page.md",)),
        (("net",), ("lib/net/a.txt", "lib/net/b.jpg")),
        (("run.py/",), ()),
        ((r"\[x\].py", "/a[ ]b.py"), ("[x].py", "a b.py")),
        (("/[!a-z[]*.py",), ()),
        (("/[^a]*.py",), ("run.py", "[x].py")),
    ],
)
def test_the_last_match_decides_for_a_path_before_its_folder(
    patterns: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert selected(patterns, PATHS) == frozenset(expected)

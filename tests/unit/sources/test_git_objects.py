"""Ids are those of git (values printed by `git hash-object`, `git mktree`, `git commit-tree`)."""

from harness.sources.git_objects import Entry, blob_id, commit_id, tree_id

EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_empty_objects() -> None:
    assert blob_id(b"") == EMPTY_BLOB
    assert tree_id({}) == EMPTY_TREE


def test_folders_sort_as_if_their_names_ended_in_a_slash() -> None:
    entries = {path: Entry("100644", EMPTY_BLOB) for path in ("a/x", "a.b", "a0")}
    assert tree_id(entries) == SORTED
    assert tree_id(dict(reversed(entries.items()))) == SORTED


def test_commit_without_parents() -> None:
    found = commit_id(
        EMPTY_TREE, "harness <harness@example.invalid>", "1704067200 +0000", "Empty\n"
    )
    assert found == COMMIT


SORTED = "cc6b940246a412b229914418bd12af5e1601ec85"
COMMIT = "97fa33919ba256a2fecd384037fd394db4cc52af"

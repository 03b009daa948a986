"""Patches: only insertions are read, and blob ids must chain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import SourceMismatch
from harness.sources.git_objects import Entry
from harness.sources.patches import FilePatch, Patch, chain, parse_patch

OLD, NEW, NEWER = "a" * 40, "b" * 40, "c" * 40
PATCH = f"""\
Why it is there.

diff --git a/lib/run.py b/lib/run.py
index {OLD}..{NEW} 100755
--- a/lib/run.py
+++ b/lib/run.py
@@ -0,0 +1 @@
+first
@@ -7,0 +9,2 @@
+second
+
diff --git a/more.py b/more.py
new file mode 100644
index {"0" * 40}..{NEWER}
--- /dev/null
+++ b/more.py
@@ -0,0 +1,2 @@
+one
+two
"""


def file(old: str | None, new: str, path: str = "run.py", mode: str = "100644") -> FilePatch:
    """One file of a patch."""
    return FilePatch(path=path, mode=mode, old=old, new=new)


def patch(*files: FilePatch, where: str = "x.patch") -> Patch:
    """A patch of these files."""
    return Patch(where=where, files=files)


def test_changed_and_new_files_are_read() -> None:
    assert parse_patch(PATCH, "x.patch") == patch(
        file(OLD, NEW, "lib/run.py", "100755"), file(None, NEWER, "more.py")
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("+second\n", "-second\n", 10, "an inserted line"),
        ("+second\n", " second\n", 10, "an inserted line"),
        ("+\ndiff", "+\n context\ndiff", 12, "no removed or context line"),
        ("+\ndiff", "+\n-removed\ndiff", 12, "no removed or context line"),
        ("+two\n", "+two\n\\ No newline at end of file\n", 20, "no removed or context line"),
        ("+9,2 @@", "+9,2 @@ def run():", 9, "nothing behind it"),
        ("-7,0 +9,2", "-7,1 +9,2", 9, "@@ -a,0"),
        ("-7,0 +9,2", "-7,0 +8,2", 9, r"this one at \+9"),
        ("-7,0 +9,2", "-0,0 +2,2", 9, "hunks in order"),
        ("+9,2", "+9,3", 12, "an inserted line .*3 in this hunk"),
        ("+9,2", "+9,1", 11, "no removed or context line"),
        ("+9,2", "+9,0", 9, "hunks in order"),
        (f"index {OLD}", "index aaaaaaa", 4, "index <40 hex>"),
        (f"{OLD}..{NEW}", f"{OLD}..{OLD}", 4, "made or changed"),
        (f"{OLD}..{NEW}", f"{OLD}..{'0' * 40}", 4, "not removed"),
        (" 100755", " 120000", 4, "mode of a plain file"),
        (" 100755", "", 4, "mode of a plain file"),
        ("new file mode 100644", "deleted file mode 100644", 13, "index <40 hex>"),
        ("new file mode 100644", "new file mode 120000", 13, "new file mode"),
        ("new file mode 100644\n", "", 13, "mode of a plain file"),
        ("index ", "old mode 100644\nnew mode 100755\nindex ", 4, "index <40 hex>"),
        ("--- /dev/null", "--- a/more.py", 15, "--- /dev/null"),
        ("+++ b/lib/run.py", "+++ b/run.py", 6, r"\+\+\+ b/lib/run.py"),
        ("a/lib/run.py b/lib", "a/lib/run.py b/other", 3, "same plain path twice|diff --git"),
        ("lib/run.py", "../run.py", 3, "a path inside the checkout"),
        ("lib/run.py", ".git/config", 3, "a path inside the checkout"),
        ("lib/run.py", "more.py", 12, "once"),
    ],
)
def test_anything_else_is_refused_with_its_line(
    old: str, new: str, line: int, expected: str
) -> None:
    assert old in PATCH
    with pytest.raises(SourceMismatch, match=rf"^x\.patch:{line}: expected .*{expected}.*, found"):
        parse_patch(PATCH.replace(old, new), "x.patch")


@pytest.mark.parametrize("text", ["", "only words\n"])
def test_patch_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(SourceMismatch, match=r"expected at least one file .*, found the end"):
        parse_patch(text, "x.patch")


def test_patch_cut_short_is_refused() -> None:
    for cut in ("", "\n+two", "+two", "@ -0,0 +1,2 @@\n+one\n+two"):
        with pytest.raises(SourceMismatch, match=r"expected (a newline|an inserted line)"):
            parse_patch(PATCH.removesuffix(f"{cut}\n"), "x.patch")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for made in (text, f"diff --git a/x b/x\n{text}\n"):
        try:
            parse_patch(made, "x.patch")
        except SourceMismatch as error:
            assert error.exit_code == 4  # noqa: PT017 - both ends are right, only others are not


BEFORE = {"run.py": Entry("100644", OLD), "far.py": Entry("100644", OLD)}
PRESENT = frozenset({"run.py"})


def test_patches_of_one_file_chain() -> None:
    patches = (patch(file(OLD, NEW)), patch(file(NEW, NEWER)))
    assert chain("tool", patches, BEFORE, PRESENT) == {"run.py": Entry("100644", NEWER)}


def test_a_new_file_can_be_patched_further() -> None:
    patches = (patch(file(None, NEW, "x.py")), patch(file(NEW, NEWER, "x.py")))
    assert chain("tool", patches, BEFORE, PRESENT) == {"x.py": Entry("100644", NEWER)}


@pytest.mark.parametrize(
    ("patches", "expected", "found"),
    [
        ((patch(file(NEW, NEWER)),), f"100644 blob {NEW}", f"100644 blob {OLD}"),
        (
            (patch(file(OLD, NEW), where="1"), patch(file(OLD, NEWER))),
            f"100644 blob {OLD}",
            f"100644 blob {NEW}",
        ),
        ((patch(file(OLD, NEW, mode="100755")),), f"100755 blob {OLD}", f"100644 blob {OLD}"),
        ((patch(file(OLD, NEW, "nowhere.py")),), f"100644 blob {OLD}", "no such file"),
        ((patch(file(None, NEW)),), "no such file", f"100644 blob {OLD}"),
        ((patch(file(OLD, NEW, "far.py")),), "a file of the sparse checkout", "a file outside it"),
    ],
)
def test_what_does_not_chain_names_file_expected_and_found(
    patches: tuple[Patch, ...], expected: str, found: str
) -> None:
    with pytest.raises(SourceMismatch) as caught:
        chain("tool", patches, BEFORE, PRESENT)
    assert (caught.value.expected, caught.value.found) == (expected, found)
    assert caught.value.where == f"x.patch: tool/{patches[-1].files[0].path}"

"""Sources with real git: mirror, clone, embedded, patches, and everything that can be wrong."""

import hashlib
import multiprocessing
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError, ManifestError, MismatchError, NotReadyError, SourceMismatch
from harness.manifest.catalogue import Repository
from harness.manifest.model import Scale
from harness.sources.embedded import main, read_embedded
from harness.sources.sources import Checkout, Sources

FILES = {"run.py", "start.py", "data/list.txt", "data/deep/übung.bin", "data/again"}


def checkout(
    project: Any, *patches: str, scale: Scale = Scale.SMOKE, mirror: bool = True
) -> Checkout:
    """Make or find a checkout as a fresh process would."""
    sources: Sources = project.sources(mirror=mirror)
    return sources.checkout("tool", project.repository, patches, scale=scale)


def files(folder: Path) -> set[str]:
    """Every file and link below a folder."""
    return {
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_symlink() or p.is_file()
    }


def checkouts(project: Any) -> list[Path]:
    """What lies in the cache's folder of checkouts, staged ones too."""
    folder = project.cache / "checkouts"
    return list(folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("mirror", [True, False])
def test_checkout_has_the_sparse_files_as_git_has_them(source_project: Any, mirror: bool) -> None:
    made = checkout(source_project, mirror=mirror)

    assert files(made.path) == FILES
    assert made.tree == source_project.repository.tree
    assert (made.path / "data" / "again").read_bytes() == bytes(range(256))
    assert (made.path / "data" / "again").readlink() == Path("deep/übung.bin")
    assert stat.S_IMODE((made.path / "start.py").stat().st_mode) == 0o555
    assert stat.S_IMODE((made.path / "run.py").stat().st_mode) == 0o444


@pytest.mark.parametrize(
    "patterns",
    [
        ("/*.py", "/data/", "!/data/*.jpg"),
        ("/*", "!/data/", "/data/deep/"),
        ("/*", "!*.py"),
        ("list.txt", "docs/"),
        ("**/*.bin", "/data/**/picture.jpg"),
        ("data/**", "!data/deep"),
        ("/d*/*.t?t", "[r]un.py", "[!a-z]*.py"),
        ("/data",),
        ("deep/",),
        ("run.py/",),
        ("!*.jpg", "/data/"),
    ],
)
def test_selection_equals_that_of_git_sparse_checkout(
    source_project: Any, tmp_path: Path, patterns: tuple[str, ...]
) -> None:
    clone = tmp_path / "clone"
    source_project.git(
        "clone", "--quiet", "--no-checkout", str(source_project.upstream), str(clone)
    )
    source_project.git("sparse-checkout", "set", "--no-cone", *patterns, cwd=clone)
    source_project.git("read-tree", "-mu", "HEAD", cwd=clone)

    shutil.rmtree(clone / ".git")
    assert files(clone) == files(checkout(source_project.pin(sparse=patterns)).path)


def test_a_mirror_is_borrowed_from_and_not_copied(source_project: Any) -> None:
    checkout(source_project)

    (bare,) = (source_project.cache / "repositories").iterdir()
    assert (bare / "objects/info/alternates").read_text() == f"{source_project.bare}/objects\n"
    assert not list((bare / "objects").glob("[0-9a-f][0-9a-f]/*"))
    assert not list((bare / "objects").glob("pack/*.pack"))


def test_a_clone_holds_only_the_blobs_it_needs(source_project: Any) -> None:
    checkout(source_project, mirror=False)

    (bare,) = (source_project.cache / "repositories").iterdir()
    for path, there in {"run.py": True, "docs/page.md": False, "data/picture.jpg": False}.items():
        blob = source_project.git("rev-parse", f"HEAD:{path}").strip()
        found = source_project.git("cat-file", "--batch-all-objects", "--batch-check", cwd=bare)
        assert (blob in found) is there, path


def test_a_second_checkout_needs_no_network(source_project: Any) -> None:
    first = checkout(source_project, mirror=False)
    shutil.rmtree(source_project.upstream)

    assert checkout(source_project, mirror=False) == first


def test_a_server_that_gives_no_single_commit_is_cloned_whole(
    source_project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source_project.upstream / "run.py").write_text("another script\n")
    source_project.commit()
    settings = {"COUNT": "1", "KEY_0": "protocol.version", "VALUE_0": "0"}
    for name, value in settings.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)

    made = checkout(source_project, mirror=False)

    assert (made.path / "run.py").read_text() != "another script\n"
    (bare,) = (source_project.cache / "repositories").iterdir()
    assert "refs/remotes/origin" in source_project.git("for-each-ref", cwd=bare)


def test_inherited_git_variables_change_nothing(
    source_project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.bare=maybe'")
    source_project.insert("hello", 2, "hello from a patch\n")

    source_project.record(("hello",))
    assert checkout(source_project, "hello").path.is_dir()


# --- patches ------------------------------------------------------------------------------------


def test_patch_is_applied_where_it_says(source_project: Any) -> None:
    source_project.insert("hello", 2, "hello from a patch\n")
    source_project.record(("hello",))

    made = checkout(source_project, "hello")

    lines = (made.path / "run.py").read_text().splitlines()
    assert lines[1:4] == ["step 2 of the script", "hello from a patch", "step 3 of the script"]
    source_project.git("commit", "--quiet", "-am", "patched")
    assert made.tree == source_project.tree("HEAD")
    sha256 = hashlib.sha256((source_project.patches / "hello.patch").read_bytes()).hexdigest()
    assert made.identity.patches == (("hello", sha256),)


def test_patch_applies_inside_another_repository(source_project: Any) -> None:
    source_project.git("init", "--quiet", str(source_project.root))
    source_project.insert("hello", 2, "hello from a patch\n")
    source_project.record(("hello",))

    assert "hello from a patch" in (checkout(source_project, "hello").path / "run.py").read_text()


def test_two_patches_on_one_file_form_a_chain(source_project: Any) -> None:
    source_project.insert("first", 2, "first\n")
    source_project.insert("second", 5, "second\nand more\n")
    source_project.record(("first", "second"), ("first",))

    lines = (checkout(source_project, "first", "second").path / "run.py").read_text().splitlines()
    assert (lines[2], lines[5:7]) == ("first", ["second", "and more"])
    assert "second" not in (checkout(source_project, "first").path / "run.py").read_text()


@pytest.mark.parametrize("order", [("second", "first"), ("second",)])
def test_two_patches_that_do_not_chain_are_refused(
    source_project: Any, order: tuple[str, ...]
) -> None:
    upstream = source_project.git("rev-parse", "HEAD:run.py").strip()
    source_project.insert("first", 2, "first\n")
    between = source_project.git("hash-object", "run.py").strip()
    source_project.insert("second", 5, "second\n")

    with pytest.raises(SourceMismatch) as caught:
        checkout(source_project, *order)

    assert (caught.value.exit_code, caught.value.expected) == (4, f"100644 blob {between}")
    assert caught.value.found == f"100644 blob {upstream}"
    assert caught.value.where == "patches/tool/second.patch: tool/run.py"
    assert checkouts(source_project) == []


def test_two_patches_that_both_start_from_upstream_are_refused(source_project: Any) -> None:
    source_project.insert("first", 2, "first\n")
    source_project.git("checkout", "--quiet", "run.py")
    source_project.insert("second", 5, "second\n")

    with pytest.raises(SourceMismatch, match=r"second\.patch: tool/run\.py: expected 100644 blob"):
        checkout(source_project, "first", "second")


def test_new_file_is_added(source_project: Any) -> None:
    text = "made by a patch\n"
    (source_project.upstream / "extra.py").write_text(text)
    new = source_project.git("hash-object", "extra.py").strip()
    head = "diff --git a/extra.py b/extra.py\nnew file mode 100644\n"
    body = f"index {'0' * 40}..{new}\n--- /dev/null\n+++ b/extra.py\n@@ -0,0 +1 @@\n+{text}"
    source_project.write_patch("extra", head + body)
    source_project.record(("extra",))

    assert (checkout(source_project, "extra").path / "extra.py").read_text() == text


def _changed(patch: Path, old: str, new: str) -> None:
    text = patch.read_text()
    assert old in text
    patch.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "+hello from a patch",
            "-step 3 of the script",
            r"hello\.patch:8: expected an inserted line",
        ),
        (
            "+hello from a patch",
            " step 3 of the script",
            r"hello\.patch:8: expected an inserted line",
        ),
        ("+3 @@", "+3 @@ step 2 of the script", r"hello\.patch:7: expected `@@ -a,0 \+b,n @@`"),
    ],
)
def test_upstream_line_in_a_patch_is_refused(
    source_project: Any, old: str, new: str, message: str
) -> None:
    patch = source_project.insert("hello", 2, "hello from a patch\n")
    _changed(patch, old, new)

    with pytest.raises(SourceMismatch, match=message):
        checkout(source_project, "hello")
    assert checkouts(source_project) == []


@pytest.mark.parametrize("side", ["old", "new"])
def test_wrong_blob_id_is_refused_and_nothing_is_applied(source_project: Any, side: str) -> None:
    before = source_project.git("rev-parse", "HEAD:run.py").strip()
    patch = source_project.insert("hello", 2, "hello from a patch\n")
    after = source_project.git("hash-object", "run.py").strip()
    right = before if side == "old" else after
    wrong = ("0" if right[0] != "0" else "1") + right[1:]
    _changed(patch, right, wrong)

    with pytest.raises(SourceMismatch) as caught:
        source_project.record(("hello",))

    assert "tool/run.py" in caught.value.where
    assert (caught.value.expected, caught.value.found) == (
        f"100644 blob {wrong}",
        f"100644 blob {right}",
    )
    assert checkouts(source_project) == []
    assert not (source_project.patches / "trees.txt").exists()


@pytest.mark.parametrize("change", ["Why", "+hello", "+3 @@"])
def test_changed_byte_of_a_patch_is_refused(source_project: Any, change: str) -> None:
    patch = source_project.insert("hello", 2, "hello from a patch\n")
    source_project.record(("hello",))
    checkout(source_project, "hello")
    _changed(patch, change, {"Why": "Who", "+hello": "+jello", "+3 @@": "+4 @@"}[change])

    with pytest.raises(SourceMismatch, match=r"patches/tool/hello\.patch") as caught:
        checkout(source_project, "hello")
    assert caught.value.exit_code == 4


def test_patched_tree_must_be_recorded_and_equal(source_project: Any) -> None:
    source_project.insert("hello", 2, "hello from a patch\n")
    recorded = source_project.record(("hello",))
    made = checkout(source_project, "hello")
    _changed(recorded, made.tree, "1" * 40)
    with pytest.raises(SourceMismatch, match=f"expected tree {'1' * 40}, found tree {made.tree}"):
        checkout(source_project, "hello")

    recorded.write_text(recorded.read_text().splitlines(keepends=True)[0])
    with pytest.raises(SourceMismatch, match=r"expected a tree of .* with hello, found none"):
        checkout(source_project, "hello")


def test_patch_of_a_file_outside_the_sparse_set_is_refused(source_project: Any) -> None:
    source_project.insert("docs", 1, "more\n", on="docs/page.md")

    with pytest.raises(SourceMismatch, match="expected a file of the sparse checkout"):
        checkout(source_project, "docs")


@pytest.mark.parametrize("name", ["nowhere", "../../outside", "/etc/passwd"])
def test_patch_that_is_not_ours_is_refused(source_project: Any, name: str) -> None:
    (source_project.root / "project" / "outside.patch").write_text("")

    with pytest.raises(SourceMismatch, match="expected a patch of this project"):
        checkout(source_project, name)


def test_patch_listed_twice_is_refused(source_project: Any) -> None:
    source_project.insert("hello", 2, "hello from a patch\n")
    with pytest.raises(ManifestError, match="each patch once"):
        checkout(source_project, "hello", "hello")


# --- pins, mirrors, paths -------------------------------------------------------------------------


@pytest.mark.parametrize("mirror", [True, False])
def test_missing_commit_is_named(source_project: Any, mirror: bool) -> None:
    pin = source_project.repository.commit
    wrong = pin[:-1] + ("0" if pin[-1] != "0" else "1")

    with pytest.raises(SourceMismatch) as caught:
        checkout(source_project.pin(commit=wrong), mirror=mirror)

    assert caught.value.exit_code == 4
    assert (caught.value.expected, caught.value.found) == (f"commit {wrong}", "no such commit")
    assert str(source_project.root) in caught.value.where


def test_another_tree_than_pinned_is_refused(source_project: Any) -> None:
    with pytest.raises(SourceMismatch, match=f"expected tree {'2' * 40}, found tree"):
        checkout(source_project.pin(tree="2" * 40))


def test_a_pin_that_is_no_commit_is_refused(source_project: Any) -> None:
    with pytest.raises(SourceMismatch, match="no such commit"):
        checkout(source_project.pin(commit=source_project.repository.tree))


def test_mirror_without_the_repository_is_named(source_project: Any) -> None:
    shutil.rmtree(source_project.bare)
    with pytest.raises(NotReadyError, match=r"expected a bare repository at .*owner/tool\.git"):
        checkout(source_project)


def test_a_mirror_is_never_helped_out_by_an_older_clone(source_project: Any) -> None:
    checkout(source_project, mirror=False)
    shutil.rmtree(source_project.bare / "objects")
    (source_project.bare / "objects").mkdir()

    with pytest.raises(SourceMismatch, match="no such commit"):
        checkout(source_project)


def test_unreachable_repository_is_not_ready(source_project: Any) -> None:
    shutil.rmtree(source_project.upstream)
    with pytest.raises(NotReadyError, match="git fetch failed") as caught:
        checkout(source_project, mirror=False)
    assert "--mirror" in caught.value.hint


def _without_blob(project: Any, path: str) -> str:
    """Take one blob out of the mirror, as a blob limit does."""
    blob: str = project.git("rev-parse", f"HEAD:{path}").strip()
    shutil.rmtree(project.bare)
    limited = ("--mirror", "--filter=blob:none", f"file://{project.upstream}")
    project.git("clone", "--quiet", *limited, str(project.bare))
    listed = project.git("ls-tree", "-r", "HEAD").splitlines()
    needed = sorted({line.split()[2] for line in listed} - {blob})
    for object_id in needed:
        project.git("cat-file", "-e", object_id, cwd=project.bare)
    return blob


def test_missing_paper_only_file_stops_paper_scale_only(source_project: Any) -> None:
    path = "data/deep/übung.bin"
    _without_blob(source_project, path)
    project = source_project.pin(paper_only=(path,), sparse=("/*.py", "/data/deep/"))

    smoke = checkout(project)
    assert smoke.missing == (path,)
    assert files(smoke.path) == {"run.py", "start.py"}
    assert smoke.tree == project.repository.tree

    with pytest.raises(NotReadyError, match=f"tool from .* misses what paper scale needs: {path}"):
        checkout(project, scale=Scale.PAPER)

    complete = project.commit()
    paper = checkout(complete.pin(commit=project.repository.commit), scale=Scale.PAPER)
    assert (paper.missing, files(paper.path)) == ((), {"run.py", "start.py", path})
    assert not (smoke.path / path).exists()


def test_any_other_missing_file_is_an_error(source_project: Any) -> None:
    blob = _without_blob(source_project, "data/list.txt")
    with pytest.raises(SourceMismatch, match=rf"tool/data/list\.txt .*expected blob {blob}"):
        checkout(source_project)
    assert checkouts(source_project) == []


@pytest.mark.parametrize(
    "target", ["../../../outside", "/etc/hostname", "again/../../../../outside"]
)
def test_link_that_leaves_the_checkout_is_refused(source_project: Any, target: str) -> None:
    (source_project.upstream / "data" / "escape").symlink_to(target)
    with pytest.raises(
        SourceMismatch, match=f"tool/data/escape: expected a link that stays.*{target}"
    ):
        checkout(source_project.commit())
    assert checkouts(source_project) == []


def test_path_that_leaves_the_checkout_is_refused(source_project: Any) -> None:
    blob = source_project.git("rev-parse", "HEAD:run.py").strip()
    inner = _tree(source_project, f"100644 blob {blob}\tescape.py")
    tree = _tree(source_project, f"040000 tree {inner}\t..", f"100644 blob {blob}\trun.py")
    commit = source_project.git("commit-tree", "-m", "evil", tree).strip()
    source_project.git("push", "--quiet", str(source_project.bare), f"{commit}:refs/heads/evil")
    project = source_project.pin(commit=commit, tree=tree, sparse=("*.py",))

    with pytest.raises(MismatchError):
        checkout(project)
    assert not (source_project.cache / "checkouts" / "escape.py").exists()


def _tree(project: Any, *lines: str) -> str:
    (project.root / "lines").write_text("".join(f"{line}\n" for line in lines))
    command = f"mktree < '{project.root}/lines'"
    made: str = project.git("-c", f"alias.make=!git {command}", "make").strip()
    return made


# --- cache ----------------------------------------------------------------------------------------


def test_changed_byte_in_a_checkout_is_found(source_project: Any) -> None:
    made = checkout(source_project)
    script = made.path / "run.py"
    script.chmod(0o644)
    script.write_bytes(b"X" + script.read_bytes()[1:])
    script.chmod(0o444)

    with pytest.raises(SourceMismatch, match=r"tool/run\.py: expected 100644 blob") as caught:
        checkout(source_project)
    assert str(made.path) in caught.value.hint


@pytest.mark.parametrize("change", ["removed", "added", "mode"])
def test_any_other_change_in_a_checkout_is_found(source_project: Any, change: str) -> None:
    path = checkout(source_project).path
    path.chmod(0o755)
    if change == "removed":
        (path / "run.py").unlink()
    elif change == "added":
        (path / "more.py").write_text("more")
    else:
        (path / "run.py").chmod(0o555)

    with pytest.raises(SourceMismatch, match=r"tool/(run|more)\.py"):
        checkout(source_project)


def test_working_copy_is_writable_and_apart(source_project: Any, tmp_path: Path) -> None:
    made = checkout(source_project)
    (tmp_path / "work").mkdir()

    made.copy_to(tmp_path / "work")

    assert files(tmp_path / "work") == FILES
    assert (tmp_path / "work" / "data" / "again").readlink() == Path("deep/übung.bin")
    assert stat.S_IMODE((tmp_path / "work" / "start.py").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "work" / "data").stat().st_mode) == 0o755
    (tmp_path / "work" / "run.py").write_text("changed")
    assert checkout(source_project).tree == made.tree


def _checkout_in_process(project: Any, start: Any, found: Any) -> None:
    start.wait()
    try:
        found.put(str(checkout(project, "hello", mirror=False).path))
    except HarnessError as error:
        found.put(repr(error))


def test_two_processes_share_one_cache(source_project: Any) -> None:
    source_project.insert("hello", 2, "hello from a patch\n")
    source_project.record(("hello",))
    shutil.move(source_project.cache, source_project.root / "old")
    context = multiprocessing.get_context("fork")
    start, found = context.Barrier(3), context.Queue()
    arguments = (source_project, start, found)
    workers = [context.Process(target=_checkout_in_process, args=arguments) for _ in range(3)]
    for worker in workers:
        worker.start()
    paths = {found.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()

    assert [Path(path).is_dir() for path in paths] == [True]
    assert [str(path) for path in checkouts(source_project)] == list(paths)


def test_what_a_kill_left_behind_is_cleaned(source_project: Any) -> None:
    made = checkout(source_project)
    stale = made.path.with_name(f".{made.path.name}.killed")
    made.path.rename(stale)

    assert checkout(source_project) == made
    assert checkouts(source_project) == [made.path]


# --- embedded -------------------------------------------------------------------------------------


@pytest.fixture
def embedded(source_project: Any) -> Any:
    """The project with its tool shipped as plain files."""
    folder = source_project.root / "project" / "shipped"
    shutil.copytree(source_project.upstream, folder, ignore=shutil.ignore_patterns(".git", "again"))
    found = read_embedded(folder)
    return source_project.pin(embedded="shipped", commit=found.commit, tree=found.tree)


@pytest.mark.parametrize("mirror", [True, False])
def test_embedded_repository_takes_the_same_road(embedded: Any, mirror: bool) -> None:
    made = checkout(embedded, mirror=mirror)

    assert files(made.path) == FILES - {"data/again"}
    assert made.tree == embedded.repository.tree
    (bare,) = (embedded.cache / "repositories").iterdir()
    logged = embedded.git("log", "--format=%H %an %ae %aI %cI %s", made.identity.commit, cwd=bare)
    when = "2024-01-01T00:00:00+00:00"
    assert logged.split() == [
        *(made.identity.commit, "harness", "harness@example.invalid", when, when),
        *("Embedded", "repository"),
    ]


def test_changed_file_of_an_embedded_repository_is_named(embedded: Any) -> None:
    (embedded.root / "project" / "shipped" / "run.py").write_text("changed\n")
    with pytest.raises(
        SourceMismatch, match=r"shipped: expected commit [0-9a-f]{40}, found commit"
    ):
        checkout(embedded)


def test_byte_code_and_modes_do_not_change_the_commit(embedded: Any) -> None:
    folder = embedded.root / "project" / "shipped"
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "run.pyc").write_bytes(b"\0")
    (folder / "run.py").chmod(0o777)

    assert read_embedded(folder).commit == embedded.repository.commit


def test_link_in_an_embedded_repository_is_refused(embedded: Any) -> None:
    (embedded.root / "project" / "shipped" / "link").symlink_to("run.py")
    with pytest.raises(MismatchError, match="expected a plain file, found a symbolic link"):
        checkout(embedded)


def test_command_prints_the_pin(embedded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(embedded.root / "project" / "shipped")]) == 0
    repository: Repository = embedded.repository
    assert f"commit: {repository.commit}\ntree: {repository.tree}\n" in capsys.readouterr().out

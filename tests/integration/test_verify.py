"""`verify`: one changed byte of a pin, a patch or a checked-out file is found and named."""

import shutil
from pathlib import Path
from typing import Any

from harness.manifest.catalogue import Repository
from harness.manifest.model import Scale
from harness.sources.sources import Finding


def verify(
    project: Any, *lists: tuple[str, ...], repository: Repository | None = None
) -> list[Finding]:
    """Verify as a fresh process would."""
    pins = {"tool": repository or project.repository}
    found: list[Finding] = project.sources().verify(pins, {"tool": lists})
    return found


def failed(findings: list[Finding]) -> list[Finding]:
    """The findings that are not well."""
    return [finding for finding in findings if not finding.ok]


def flip(path: Path, at: int) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(bytes(data))
    path.chmod(mode)


def test_everything_as_pinned(source_project: Any) -> None:
    source_project.insert("hello", 2, "hello from a patch\n")
    source_project.record(("hello",))

    findings = verify(source_project, ("hello",))

    assert [finding.what for finding in findings] == [
        *("commit", "tree", "checkout", "checkout with hello"),
    ]
    assert all(finding.ok and finding.expected == finding.found for finding in findings)
    assert findings[1].found == source_project.repository.tree


def test_changed_byte_of_a_pin(source_project: Any) -> None:
    for field in ("commit", "tree"):
        pin = getattr(source_project.repository, field)
        wrong = pin[:7] + ("0" if pin[7] != "0" else "1") + pin[8:]
        (finding,) = failed(verify(source_project.pin(**{field: wrong})))
        assert finding.repository == "tool"
        assert wrong in finding.expected
        assert finding.found == ("no such commit" if field == "commit" else f"tree {pin}")


def test_changed_byte_of_a_patch_wherever_it_is(source_project: Any) -> None:
    patch = source_project.insert("hello", 2, "hello from a patch\n")
    source_project.record(("hello",))
    for at in range(0, patch.stat().st_size, 5):
        flip(patch, at)
        (finding,) = failed(verify(source_project, ("hello",)))
        assert "patches/tool/hello.patch" in finding.what
        assert finding.expected != finding.found
        flip(patch, at)
    assert failed(verify(source_project, ("hello",))) == []


def test_changed_byte_of_a_checked_out_file(source_project: Any) -> None:
    made = source_project.sources().checkout(
        "tool", source_project.repository, (), scale=Scale.SMOKE
    )
    for path, blob in (
        ("run.py", "HEAD:run.py"),
        ("data/deep/übung.bin", "HEAD:data/deep/übung.bin"),
    ):
        flip(made.path / path, 3)
        (finding,) = failed(verify(source_project))
        assert finding.what == f"checkout: tool/{path}"
        assert finding.expected == f"100644 blob {source_project.git('rev-parse', blob).strip()}"
        assert finding.found.startswith("100644 blob ")
        flip(made.path / path, 3)
    assert failed(verify(source_project)) == []


def test_missing_commit_or_repository_stops_only_its_own_repository(source_project: Any) -> None:
    other = source_project.pin(url="https://git.invalid/owner/other").repository
    pins = {"other": other, "tool": source_project.repository}

    findings = source_project.sources().verify(pins, {})

    assert [(f.repository, f.ok) for f in findings] == [("other", False), *[("tool", True)] * 3]
    assert "owner/other.git" in findings[0].found


def test_sparse_pattern_without_a_file_is_named(source_project: Any) -> None:
    (finding,) = failed(verify(source_project.pin(sparse=("/*.py", "/lib/"))))
    assert (finding.what, finding.expected, finding.found) == (
        *("sparse /lib/", "a file"),
        "none",
    )


def test_missing_blob_is_named_unless_only_paper_scale_needs_it(source_project: Any) -> None:
    blob = source_project.git("rev-parse", "HEAD:data/list.txt").strip()
    shutil.rmtree(source_project.bare)
    limited = ("--mirror", "--filter=blob:none", f"file://{source_project.upstream}")
    source_project.git("clone", "--quiet", *limited, str(source_project.bare))
    project = source_project.pin(sparse=("/data/list.txt",))

    (finding,) = failed(verify(project))
    assert (finding.what, finding.expected, finding.found) == (
        *("data/list.txt", f"blob {blob}"),
        "missing",
    )
    assert failed(verify(project.pin(paper_only=("data/list.txt",)))) == []

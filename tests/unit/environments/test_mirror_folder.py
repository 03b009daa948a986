"""A mirror is filled file by file, can be taken up again, and says what in it is not as listed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environments.mirror import MirroredBase, open_mirror, read_list
from harness.environments.mirror_folder import MirrorFolder, verify_mirror
from harness.environments.requirements import MethodLock, read_lock
from harness.errors import MismatchError, NotReadyError
from harness.layout import ProjectLayout

WHEEL = b"a wheel"
BASES = {"debian": MirroredBase(content="sha256:0", replaced=False)}


def lock(root: Path, *names: str) -> MethodLock:
    """A lock of packages whose only file holds their name."""
    project = ProjectLayout(root / "project")
    file = project.requirements("tool", "host")
    file.parent.mkdir(parents=True, exist_ok=True)
    hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
    file.write_text("".join(f"{n}==1.0 --hash=sha256:{h}\n" for n, h in hashes.items()))
    return read_lock(project, "tool", "host")


def downloads(root: Path, *names: str) -> Path:
    root.mkdir()
    for name in names:
        (root / f"{name}-1.0-py3-none-any.whl").write_bytes(name.encode())
    return root


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[MirrorFolder]:
    with MirrorFolder(tmp_path / "mirror").filling() as folder:
        yield folder


def test_packages_are_taken_in_once_by_their_hash(mirror: MirrorFolder, tmp_path: Path) -> None:
    wanted = lock(tmp_path, "one", "two")
    assert mirror.missing(wanted) == ["one", "two"]
    mirror.take_packages(downloads(tmp_path / "came", "one", "two"), wanted)
    assert mirror.missing(wanted) == []
    assert MirrorFolder(mirror.layout.root).missing(wanted) == []
    assert mirror.missing(lock(tmp_path, "one", "three")) == ["three"]


def test_a_package_that_the_lock_does_not_name_is_refused(
    mirror: MirrorFolder, tmp_path: Path
) -> None:
    came = downloads(tmp_path / "came", "one")
    (came / "two-1.0.tar.gz").write_bytes(b"another file")
    with pytest.raises(MismatchError, match=r"two-1\.0\.tar\.gz: expected a hash of"):
        mirror.take_packages(came, lock(tmp_path, "one", "two"))
    with pytest.raises(NotReadyError, match="no file came for two"):
        mirror.take_packages(downloads(tmp_path / "again", "one"), lock(tmp_path, "one", "two"))


def test_assets_are_copied_files_and_folders(mirror: MirrorFolder, tmp_path: Path) -> None:
    folder = tmp_path / "voc"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.jpg").write_bytes(b"a")
    mirror.take_asset("voc", folder, "VOC2012")
    (tmp_path / "w").write_bytes(b"weights")
    mirror.take_asset("weights", tmp_path / "w", "net.params")
    assert (mirror.layout.assets / "voc" / "VOC2012" / "deep" / "a.jpg").read_bytes() == b"a"
    assert (mirror.layout.assets / "weights" / "net.params").read_bytes() == b"weights"


def test_until_it_is_finished_it_is_not_to_be_used(mirror: MirrorFolder) -> None:
    with pytest.raises(NotReadyError, match="did not come to its end"):
        open_mirror(mirror.layout.root)
    mirror.finish(["demo"], BASES)
    opened = open_mirror(mirror.layout.root)
    assert opened is not None
    assert opened.bases == BASES


def test_what_is_left_of_a_killed_call_goes_and_the_rest_stays(tmp_path: Path) -> None:
    root, wanted = tmp_path / "mirror", lock(tmp_path, "one")
    with MirrorFolder(root).filling() as mirror:
        mirror.take_packages(downloads(tmp_path / "came", "one"), wanted)
        mirror.finish(["demo"], BASES)
    half = mirror.layout.arriving / "x" / "half"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half a file")
    with MirrorFolder(root).filling() as again:
        assert not half.exists()
        assert again.missing(wanted) == []
        listed = again.finish(["seam"], {})
    assert listed.methods == ("demo", "seam")
    assert listed.bases == BASES
    assert list(listed.files) == ["packages/one-1.0-py3-none-any.whl"]


def test_verify_names_what_is_missing_changed_or_more(tmp_path: Path) -> None:
    root = tmp_path / "mirror"
    with MirrorFolder(root).filling() as mirror:
        names = ("one", "two", "three", "four")
        mirror.take_packages(downloads(tmp_path / "came", *names), lock(tmp_path, *names))
        mirror.finish(["demo"], BASES)
    assert verify_mirror(root)[1] == []
    packages = {path.name.partition("-")[0]: path for path in mirror.layout.packages.iterdir()}
    packages["one"].unlink()
    packages["two"].write_bytes(b"TWO")
    packages["three"].write_bytes(b"cut")
    (mirror.layout.packages / "five").write_bytes(b"5")
    found = {damage.path: (damage.expected, damage.found) for damage in verify_mirror(root)[1]}
    suffix = "-1.0-py3-none-any.whl"
    assert found[f"packages/one{suffix}"][1] == "no file"
    assert found[f"packages/two{suffix}"][1] == f"sha256 {hashlib.sha256(b'TWO').hexdigest()}"
    assert found[f"packages/three{suffix}"] == ("5 bytes", "3 bytes")
    assert found["packages/five"] == ("no such file", "a file")
    assert len(found) == 4


def test_verify_says_that_it_was_cut_off(tmp_path: Path) -> None:
    with MirrorFolder(tmp_path).filling():
        pass
    (damage,) = verify_mirror(tmp_path)[1]
    assert (damage.path, damage.found) == ("mirror.json", "one cut off")
    listed = read_list(MirrorFolder(tmp_path).layout)
    assert listed is not None
    assert not listed.complete


def test_a_folder_without_a_list_is_no_mirror(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="expected a mirror"):
        verify_mirror(tmp_path)

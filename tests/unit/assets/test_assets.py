"""Assets: where they are looked for, what is trusted, what is refused, what is never touched."""

import dataclasses
import hashlib
import json
import os
import tarfile
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.assets.assets import Assets, AssetState
from harness.errors import MismatchError, NotReadyError, UsageError
from harness.layout import CacheLayout
from harness.manifest.catalogue import Asset, Unpack
from harness.manifest.contract import Folder, PlainFile

GOOD = b"weights of a network\n" * 50
SHA = hashlib.sha256(GOOD).hexdigest()
FILE = PlainFile(kind="file", contains=("network",))
DATA = Folder(kind="folder", counts={"JPEGImages/*.jpg": 2, "lists/val.txt": 1})


class Place:
    """A cache, a trust file, a user's folder, and assets declared as a test needs them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = root / "cache"
        self.trust = root / "runs" / "trust.json"
        self.data = root / "user"
        self.data.mkdir()
        self.declared: dict[str, Asset] = {}

    def declare(self, name: str, **fields: Any) -> None:
        fields = {"title": f"the {name}", "size_gb": 0.5, "contract": FILE} | fields
        self.declared[name] = Asset(**fields)

    def assets(self, *, data: bool = True) -> Assets:
        """Fresh assets, as another process would have them."""
        cache = CacheLayout(self.cache)
        return Assets(self.declared, cache, self.trust, self.data if data else None)

    def write(self, name: str, content: bytes = GOOD) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def voc(self, where: str = "user/VOCdevkit/VOC2012") -> Path:
        self.declare("voc", contract=DATA, places=("VOCdevkit/VOC2012", "VOC2012"))
        for name in ("JPEGImages/a.jpg", "JPEGImages/b.jpg", "lists/val.txt"):
            self.write(f"{where}/{name}", name.encode())
        return self.root / where


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def snapshot(folder: Path) -> Mapping[str, tuple[int, int]]:
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode)
        for path in sorted((folder, *folder.rglob("*")))
    }


# --- digest ---------------------------------------------------------------------------------------


def test_digest_is_published_or_of_the_first_use_or_unverified(place: Place) -> None:
    place.declare("pinned", sha256=SHA)
    place.declare("free")
    assert place.assets().digest("pinned") == SHA
    assert place.assets().digest("free") == "unverified:free"
    place.assets().add("free", place.write("got"))
    assert place.assets().digest("free") == SHA


def test_hash_of_an_archive_is_not_taken_for_that_of_the_folder(place: Place) -> None:
    unpack = Unpack(format="tar", member="VOC2012")
    place.declare("voc", sha256="0" * 64, unpack=unpack, contract=DATA)
    assert place.assets().digest("voc") == "unverified:voc"


def test_digest_reads_nothing_but_the_trust_file(place: Place) -> None:
    place.voc()
    place.assets().digest("voc")
    assert not place.cache.exists()
    assert not place.trust.exists()


# --- locate ---------------------------------------------------------------------------------------


def test_missing_by_hand(place: Place) -> None:
    place.declare("r38", by_hand="open https://example.invalid/drive", places=("a.params",))
    with pytest.raises(NotReadyError) as raised:
        place.assets().locate("r38")
    for part in ("r38", "the r38", str(place.data / "a.params"), str(place.cache)):
        assert part in str(raised.value)
    for part in ("example.invalid/drive", "harness assets add r38 FILE", "--data", "--scale smoke"):
        assert part in raised.value.hint
    assert raised.value.exit_code == 3


def test_missing_with_an_address(place: Place) -> None:
    place.declare("net", urls=("https://example.invalid/net.pth",))
    with pytest.raises(NotReadyError) as raised:
        place.assets(data=False).locate("net")
    for part in ("harness fetch", "0.5 GB", "example.invalid/net.pth", "--scale smoke"):
        assert part in raised.value.hint


def test_fetching_what_has_no_address_says_how_to_get_it(place: Place) -> None:
    place.declare("r38", by_hand="open https://example.invalid/drive")
    with pytest.raises(NotReadyError, match="r38"):
        place.assets().fetch("r38")


def test_unknown_name(place: Place) -> None:
    place.declare("resnet38")
    with pytest.raises(UsageError) as raised:
        place.assets().locate("resnet83")
    assert "did you mean 'resnet38'?" in raised.value.hint


@pytest.mark.parametrize("where", ["voc", "VOCdevkit/VOC2012", "VOC2012"])
def test_folder_of_the_user_is_found_and_left_alone(place: Place, where: str) -> None:
    folder = place.voc(f"user/{where}")
    before = snapshot(place.data)
    assert place.assets().locate("voc") == folder.resolve()
    assert place.assets().fetch("voc") == folder.resolve()
    assert snapshot(place.data) == before


def test_folder_made_of_links_is_followed(place: Place) -> None:
    real = place.voc("elsewhere/VOC2012")
    (place.data / "VOC2012").mkdir()
    (place.data / "VOC2012" / "lists").symlink_to(real / "lists")
    (place.data / "VOC2012" / "JPEGImages").symlink_to(real / "JPEGImages")
    (real / "JPEGImages" / "round").symlink_to(real)
    place.assets().locate("voc")
    (real / "JPEGImages" / "a.jpg").write_bytes(b"another picture")
    with pytest.raises(MismatchError):
        place.assets().locate("voc")


def test_second_use_hashes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.voc()
    place.assets().locate("voc")

    def refuse(*_: object) -> str:
        raise AssertionError("hashed again")

    with monkeypatch.context() as patched:
        patched.setattr("harness.assets.hashing.file_digest", refuse)
        place.assets().locate("voc")
        with pytest.raises(AssertionError, match="hashed again"):
            place.assets().locate("voc", verify=True)
    place.assets().locate("voc", verify=True)


def test_touched_file_is_hashed_again_and_still_trusted(place: Place) -> None:
    folder = place.voc()
    place.assets().locate("voc")
    before = place.assets().digest("voc")
    os.utime(folder / "lists" / "val.txt", (1, 1))
    assert place.assets().status()[0].state is AssetState.CHANGED
    place.assets().locate("voc")
    assert place.assets().status()[0].state is AssetState.READY
    assert place.assets().digest("voc") == before


@pytest.mark.parametrize("change", ["content", "added", "removed", "renamed"])
def test_changed_data_are_refused(place: Place, change: str) -> None:
    folder = place.voc()
    place.write("user/VOCdevkit/VOC2012/JPEGImages/c.jpg", b"c")
    place.assets().locate("voc")
    expected = place.assets().digest("voc")
    trusted = place.trust.read_bytes()
    picture = folder / "JPEGImages" / "c.jpg"
    match change:
        case "content":
            picture.write_bytes(b"d")
        case "added":
            (folder / "JPEGImages" / "d.jpg").write_bytes(b"x")
        case "removed":
            picture.unlink()
        case _:
            picture.rename(picture.with_name("d.jpg"))
    with pytest.raises(MismatchError) as raised:
        place.assets().locate("voc")
    assert raised.value.exit_code == 4
    for part in ("voc", str(folder), f"expected sha256 {expected}, found ", "nothing was changed"):
        assert part in str(raised.value)
    assert str(place.trust) in raised.value.hint
    assert place.trust.read_bytes() == trusted


def test_change_that_keeps_time_and_size_is_found(place: Place) -> None:
    folder = place.voc()
    file = folder / "lists" / "val.txt"
    place.assets().locate("voc")
    state = file.stat()
    with file.open("r+b") as stream:
        stream.write(b"L")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(MismatchError):
        place.assets().locate("voc")


def test_same_data_in_another_folder_are_trusted_too(place: Place) -> None:
    place.voc()
    place.assets().locate("voc")
    place.data = place.root / "other"
    place.voc("other/VOC2012")
    place.assets().locate("voc")
    assert len(json.loads(place.trust.read_text())["assets"]["voc"]["seen"]) == 2


def test_published_checksum_rules_even_on_first_use(place: Place) -> None:
    place.declare("net", sha256=SHA)
    file = place.write("user/net", GOOD[:-1])
    found = hashlib.sha256(GOOD[:-1]).hexdigest()
    with pytest.raises(MismatchError, match=f"expected sha256 {SHA}, found {found}"):
        place.assets().locate("net")
    assert not place.trust.exists()
    file.write_bytes(GOOD)
    assert place.assets().locate("net") == file.resolve()


def test_newly_published_checksum_overrules_the_first_use(place: Place) -> None:
    place.declare("net")
    place.write("user/net")
    place.assets().locate("net")
    place.declare("net", sha256="1" * 64)
    with pytest.raises(MismatchError, match="1111"):
        place.assets().locate("net")


def test_md5_is_checked_where_it_is_all_there_is(place: Place) -> None:
    place.declare("net", md5=hashlib.md5(GOOD).hexdigest())
    file = place.write("user/net", b"another network")
    with pytest.raises(MismatchError, match="expected md5"):
        place.assets().locate("net")
    file.write_bytes(GOOD)
    assert place.assets().locate("net")


def test_content_is_checked_on_first_use(place: Place) -> None:
    place.declare("net", contract=PlainFile(kind="file", min_bytes=10_000))
    place.write("user/net")
    with pytest.raises(MismatchError, match=r"net: .* breaks its contract file: .* nothing was"):
        place.assets().locate("net")
    assert not place.trust.exists()


def test_incomplete_data_set_is_refused(place: Place) -> None:
    folder = place.voc()
    (folder / "JPEGImages" / "b.jpg").unlink()
    with pytest.raises(MismatchError, match=r"at least 2 of JPEGImages/\*.jpg, found 1"):
        place.assets().locate("voc")


def test_unreadable_file(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.declare("net")
    place.write("user/net")

    def refuse(*_: object) -> str:
        raise PermissionError("no")

    monkeypatch.setattr("harness.assets.hashing.file_digest", refuse)
    with pytest.raises(NotReadyError, match="cannot be read: no"):
        place.assets().locate("net")


def test_file_that_is_written_to_while_it_is_hashed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.declare("net")
    file = place.write("user/net")

    def slow(_: object, path: Path) -> str:
        file.write_bytes(GOOD + b"more")
        return SHA

    monkeypatch.setattr("harness.assets.hashing.digest", slow)
    with pytest.raises(MismatchError, match="was changed while it was read"):
        place.assets().locate("net")
    assert not place.trust.exists()


# --- trust ----------------------------------------------------------------------------------------


TRUST_BROKEN = (
    *("", "{", "[]", "null", '{"schema": 2, "assets": {}}', '{"schema": 1}', "[" * 100_000),
    *('{"schema": 1, "assets": {"net": []}}', '{"schema": 1, "assets": {"net": {"seen": 5}}}'),
)


@pytest.mark.parametrize("text", TRUST_BROKEN)
def test_broken_trust_file_is_not_overwritten(place: Place, text: str) -> None:
    place.declare("net")
    place.write("user/net")
    place.write("runs/trust.json", text.encode())
    with pytest.raises(NotReadyError, match=r"trust\.json cannot be read"):
        place.assets().locate("net")
    assert place.trust.read_text() == text


def test_many_writers_lose_nothing(place: Place) -> None:
    names = [f"net{number}" for number in range(12)]
    for name in names:
        place.declare(name)
        place.write(f"user/{name}")
    threads = [threading.Thread(target=place.assets().locate, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(json.loads(place.trust.read_text())["assets"]) == sorted(names)
    assert sorted(path.name for path in place.trust.parent.iterdir()) == [
        "trust.json",
        "trust.lock",
    ]


# --- add ------------------------------------------------------------------------------------------


def test_added_file_is_copied_under_its_own_name(place: Place) -> None:
    place.declare("r38", places=("net-0001.params",))
    got = place.write("downloads/net-0001.params")
    kept = place.assets().add("r38", got)
    assert kept == (place.cache / "assets" / "r38" / "net-0001.params").resolve()
    assert kept.read_bytes() == GOOD
    got.write_bytes(b"the user goes on")
    assert place.assets().locate("r38").read_bytes() == GOOD
    assert place.assets().status()[0].state is AssetState.READY
    assert place.assets().add("r38", place.write("again", GOOD)) == kept


def test_wrong_file_is_refused_and_nothing_stays(place: Place) -> None:
    place.declare("net", sha256=SHA)
    got = place.write("downloads/net", GOOD + b"x")
    with pytest.raises(MismatchError, match=rf"downloads/net is not .* expected sha256 {SHA}"):
        place.assets().add("net", got)
    assert not (place.cache / "assets" / "net").exists()
    assert [p.name for p in (place.cache / "assets" / ".arriving" / "net").iterdir()] == ["lock"]
    assert got.read_bytes() == GOOD + b"x"


def test_wrong_content_is_refused(place: Place) -> None:
    place.declare("net")
    with pytest.raises(MismatchError, match="text like 'network'"):
        place.assets().add("net", place.write("downloads/net", b"<html>please sign in"))
    assert not (place.cache / "assets" / "net").exists()


def test_another_file_than_the_first_is_refused(place: Place) -> None:
    place.declare("net")
    place.assets().add("net", place.write("one", b"network 1"))
    with pytest.raises(MismatchError, match="two is not what was expected"):
        place.assets().add("net", place.write("two", b"network 2"))
    place.trust.unlink()
    with pytest.raises(MismatchError, match="expected what lies in"):
        place.assets().add("net", place.write("two", b"network 2"))
    assert place.assets().locate("net").read_bytes() == b"network 1"


def test_added_folder_is_linked_and_left_alone(place: Place) -> None:
    folder = place.voc("mine/voc")
    before = snapshot(folder)
    assert place.assets(data=False).add("voc", folder) == folder.resolve()
    assert place.assets(data=False).locate("voc") == folder.resolve()
    assert (place.cache / "assets" / "voc" / "VOC2012").is_symlink()
    assert snapshot(folder) == before


def test_kinds_are_told_apart(place: Place) -> None:
    place.declare("net")
    folder = place.voc()
    with pytest.raises(UsageError, match="is a folder"):
        place.assets().add("net", folder)
    with pytest.raises(UsageError, match="is a file"):
        place.assets().add("voc", place.write("file"))
    with pytest.raises(UsageError, match="does not exist"):
        place.assets().add("net", place.root / "none")
    os.mkfifo(place.root / "pipe")  # to read from it would wait for ever
    for odd in (place.root / "pipe", Path("/dev/null")):
        for name in ("net", "voc"):
            with pytest.raises(UsageError, match="is a device or a pipe"):
                place.assets().add(name, odd)


def packed(place: Place, form: str, extra: str | None = None) -> Path:
    """An archive of the data set, as it is published: with a folder around it and more beside."""
    folder = place.voc("packed/VOCdevkit/VOC2012")
    (folder.parent / "notes").write_text("x")
    archive = place.root / f"voc.{form}"
    if form == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted(folder.parent.rglob("*")):
                file.write(path, path.relative_to(folder.parents[1]))
            if extra:
                file.writestr(extra, "evil")
    else:
        with tarfile.open(archive, "w") as file:
            file.add(folder.parent, "VOCdevkit")
            if extra:
                file.add(folder / "lists" / "val.txt", extra)
    place.declare(
        "voc",
        contract=DATA,
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        unpack=Unpack(format=form, member="VOCdevkit/VOC2012"),
    )
    return archive


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_archive_is_unpacked_and_only_the_member_kept(place: Place, form: str) -> None:
    kept = place.assets().add("voc", packed(place, form))
    assert kept == (place.cache / "assets" / "voc" / "VOC2012").resolve()
    assert (kept / "lists" / "val.txt").read_bytes() == b"lists/val.txt"
    assert not list(place.cache.rglob("notes"))
    assert place.assets().digest("voc") != place.declared["voc"].sha256


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_archive_that_reaches_out_is_refused(place: Place, form: str) -> None:
    archive = packed(place, form, extra="VOCdevkit/VOC2012/../../../../../evil.txt")
    with pytest.raises(MismatchError, match="cannot be unpacked"):
        place.assets().add("voc", archive)
    assert not list(place.root.rglob("evil.txt"))
    assert not (place.cache / "assets" / "voc").exists()


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_cut_off_archive_is_refused(place: Place, form: str) -> None:
    archive = packed(place, form)
    archive.write_bytes(archive.read_bytes()[:-2000])
    with pytest.raises(MismatchError, match="expected sha256"):
        place.assets().add("voc", archive)
    place.declare("voc", contract=DATA, unpack=place.declared["voc"].unpack)
    archive.write_bytes(archive.read_bytes()[:700])
    with pytest.raises(MismatchError):
        place.assets().add("voc", archive)
    assert not (place.cache / "assets" / "voc").exists()


def test_archive_of_something_else(place: Place) -> None:
    archive = packed(place, "tar")
    place.declare("voc", contract=DATA, unpack=Unpack(format="tar", member="VOC2007"))
    with pytest.raises(MismatchError, match="holds no VOC2007"):
        place.assets().add("voc", archive)


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "e" * 64},
        {"sha256": None},
        {"sha256": None, "md5": "e" * 32},
        {"unpack": Unpack(format="tar", member="other/VOC2012")},
    ],
)
def test_what_came_from_another_archive_is_not_used(
    place: Place, changes: Mapping[str, Any]
) -> None:
    archive = packed(place, "tar")
    first = place.declared["voc"]
    kept = place.assets().add("voc", archive)
    digest = place.assets().digest("voc")
    place.declared["voc"] = dataclasses.replace(first, **changes)
    assert place.assets().digest("voc") == "unverified:voc"
    with pytest.raises(MismatchError, match="declares another archive") as caught:
        place.assets().locate("voc")
    assert str(kept) in caught.value.hint
    place.declared["voc"] = first
    assert place.assets().digest("voc") == digest
    assert place.assets().locate("voc") == kept


def test_the_same_content_of_another_archive_is_accepted(place: Place) -> None:
    place.assets().add("voc", packed(place, "tar"))
    digest = place.assets().digest("voc")
    kept = place.assets().add("voc", packed(place, "zip"))
    assert place.assets().digest("voc") == digest
    assert place.assets().locate("voc") == kept


def test_a_changed_md5_is_compared_again(place: Place) -> None:
    place.declare("free", md5=hashlib.md5(GOOD).hexdigest())
    place.assets().add("free", place.write("got"))
    place.declare("free", md5="e" * 32)
    assert place.assets().digest("free") == "unverified:free"
    with pytest.raises(MismatchError, match="md5"):
        place.assets().locate("free")


def test_trust_of_before_origins_were_kept_counts(place: Place) -> None:
    kept = place.assets().add("voc", packed(place, "tar"))
    document = json.loads(place.trust.read_text())
    digest = document["assets"]["voc"]["digest"]
    del document["assets"]["voc"]["origin"]
    place.trust.write_text(json.dumps(document))
    assert place.assets().digest("voc") == digest
    assert place.assets().locate("voc") == kept


# --- status ---------------------------------------------------------------------------------------


def test_status_hashes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.declare("gone", by_hand="open a page")
    place.voc()
    monkeypatch.setattr("harness.assets.hashing.file_digest", None)
    gone, voc = place.assets().status()
    assert (gone.state, gone.path, gone.digest) == (AssetState.MISSING, None, "unverified:gone")
    assert "harness assets add gone FILE" in gone.how
    assert (voc.state, voc.path) == (
        AssetState.UNHASHED,
        (place.data / "VOCdevkit" / "VOC2012").resolve(),
    )

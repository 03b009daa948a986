"""What a step wrote, before a byte of it is read: links, kinds, names, depth, size."""

import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.contracts import ContractError, content
from harness.contracts.outputs import Declared, inspect_outputs
from harness.files import remove_tree
from harness.manifest.contract import Folder, PlainFile

LABELS = {"labels": Declared("voc/labels", Folder(kind="folder"))}
LIST = {"list": Declared("list.txt", PlainFile(kind="file"))}
GIB = 2.0**30


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """An output folder with what `LABELS` and `LIST` declare, and a secret beside it."""
    folder = tmp_path / "attempt" / "out"
    (folder / "voc" / "labels").mkdir(parents=True)
    (folder / "voc" / "labels" / "one.png").write_text("1")
    (folder / "list.txt").write_text("one\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    yield folder
    remove_tree(folder)  # pytest itself fails on a deep tree


def inspect(out: Path, most: float = GIB) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = inspect_outputs(out, LABELS | LIST, {}, most)
    return found


def test_outputs_are_described_and_made_read_only(out: Path) -> None:
    found = inspect(out)
    assert [(one["files"], one["bytes"]) for one in found.values()] == [(1, 1), (1, 4)]
    for path in (out / "voc/labels/one.png", out / "list.txt"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o222 == 0
    assert found["list"]["fingerprint"] == content.fingerprint(out / "list.txt")


def test_a_relative_link_to_a_file_of_the_same_output_stays(out: Path) -> None:
    (out / "voc/labels/two.png").symlink_to("one.png")
    assert inspect(out)["labels"]["files"] == 2


def output_leads_out(out: Path) -> None:
    (out / "voc/labels/one.png").unlink()
    (out / "voc/labels").rmdir()
    (out / "voc/labels").symlink_to("../../../../outside")


def parent_leads_out(out: Path) -> None:
    (out / "voc").rename(out.parent.parent / "outside" / "voc")
    (out / "voc").symlink_to("../../outside/voc")


def output_leads_inside(out: Path) -> None:
    (out / "voc/labels").rename(out / "voc/others")
    (out / "voc/labels").symlink_to("others")


def file_output_leads_to_a_file(out: Path) -> None:
    (out / "list.txt").rename(out / "real.txt")
    (out / "list.txt").symlink_to("real.txt")


def file_leads_out(out: Path) -> None:
    (out / "voc/labels/two.png").symlink_to("../../../../outside/secret")


def file_leads_out_and_back(out: Path) -> None:
    back = f"../../../../{out.parent.name}/out/voc/labels/one.png"
    (out / "voc/labels/two.png").symlink_to(back.replace("../../../../", "../../../", 1))
    (out / "voc/labels/one.png").rename(out / "kept")


def file_leads_to_another_output(out: Path) -> None:
    (out / "voc/labels/two.png").symlink_to("../../list.txt")


def absolute(out: Path) -> None:
    (out / "voc/labels/two.png").symlink_to(out / "voc/labels/one.png")


def to_a_folder(out: Path) -> None:
    (out / "voc/labels/sub").mkdir()
    (out / "voc/labels/again").symlink_to("sub")


def to_itself(out: Path) -> None:
    (out / "voc/labels/loop").symlink_to("loop")


def to_its_folder(out: Path) -> None:
    (out / "voc/labels/loop").symlink_to(".")


def to_nothing(out: Path) -> None:
    (out / "voc/labels/gone").symlink_to("nothing")


def through_a_link(out: Path) -> None:
    (out / "voc/labels/step").symlink_to("../../../..")
    (out / "voc/labels/two.png").symlink_to("step/outside/secret")


def stray_link(out: Path) -> None:
    (out / "elsewhere").symlink_to("/etc/passwd")


def pipe(out: Path) -> None:
    os.mkfifo(out / "voc/labels/pipe")


def a_socket(out: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(out / "s"))


def no_utf8(out: Path) -> None:
    os.close(os.open(os.fsencode(out) + b"/voc/labels/\xff.png", os.O_CREAT))


def line_end(out: Path) -> None:
    (out / "voc/labels/a\nb.png").touch()


def escape(out: Path) -> None:
    (out / "voc/labels/\x1b[31m.png").touch()


def folder_no_utf8(out: Path) -> None:
    os.mkdir(os.fsencode(out) + b"/voc/labels/\xe9")  # noqa: PTH102 - a name that is no text


def deep(out: Path) -> None:
    folder = os.open(out / "voc/labels", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)


def deep_and_stray(out: Path) -> None:
    (out / "/".join("x" * 70)).mkdir(parents=True)


REFUSED: tuple[tuple[Callable[[Path], None], str], ...] = (
    *((one, "a link to") for one in (output_leads_out, parent_leads_out, output_leads_inside)),
    *((one, "a link to") for one in (file_output_leads_to_a_file, file_leads_out)),
    *((one, "a link to") for one in (file_leads_out_and_back, file_leads_to_another_output)),
    *((one, "a link to") for one in (absolute, to_a_folder, to_itself, to_its_folder, to_nothing)),
    *((one, "a link to") for one in (through_a_link, stray_link)),
    *((one, "a device, pipe or socket") for one in (pipe, a_socket)),
    *((one, "names in UTF-8") for one in (no_utf8, line_end, escape, folder_no_utf8)),
    *((one, "folders in each other") for one in (deep, deep_and_stray)),
)


@pytest.mark.parametrize(("harm", "words"), REFUSED, ids=[one.__name__ for one, _ in REFUSED])
def test_what_must_not_be_there_is_refused(
    out: Path, harm: Callable[[Path], None], words: str
) -> None:
    harm(out)
    with pytest.raises(ContractError, match=words) as caught:
        inspect(out)
    str(caught.value).encode()


@pytest.mark.parametrize("target", ["../../outside", ".", "/"])
def test_an_out_folder_that_became_a_link_is_refused(out: Path, target: str) -> None:
    out.rename(out.with_name("moved"))
    out.symlink_to(target)
    with pytest.raises(ContractError, match="the step's own folder"):
        inspect(out)


@pytest.mark.parametrize("name", ["voc/labels/huge", "list2.txt", "voc/stray"])
def test_more_bytes_than_allowed_are_refused_unread(out: Path, name: str) -> None:
    with (out / name).open("wb") as file:
        file.truncate(2**40)  # sparse: to hash it would take an hour
    with pytest.raises(ContractError, match="4 × `disk_gb`"):
        inspect(out)


def test_a_file_with_two_names_counts_for_each(out: Path) -> None:
    os.link(out / "list.txt", out / "voc/labels/hard")
    with pytest.raises(ContractError, match="disk_gb"):
        inspect(out, most=8)
    assert inspect(out, most=9)["labels"]["files"] == 2

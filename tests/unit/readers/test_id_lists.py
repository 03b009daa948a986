"""Id lists: as people have them, and what is refused."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.readers.id_lists import ListError, parse, read_entries, read_ids
from tests.fuzz import rounds

IDS = ("2007_000032", "2007_000039", "2007_000063")
ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
BARE = "".join(f"{name}\n" for name in IDS)


def each(form: str, end: str = "\n") -> str:
    return "".join(form.replace("ID", name) + end for name in IDS)


GOOD: dict[str, str | bytes] = {
    "lf": BARE,
    "no last end": BARE[:-1],
    "crlf": each("ID", "\r\n"),
    "cr": each("ID", "\r"),
    "twice converted": each("ID", "\r\r\n"),
    "mixed": "2007_000032\r\n2007_000039\r2007_000063\n",
    "unicode line ends": "2007_000032\u20282007_000039\x852007_000063",
    "bom": BARE.encode("utf-8-sig"),
    "two files with boms": "\ufeff2007_000032\n\ufeff2007_000039\n2007_000063\n",
    "utf-16": each("ID", "\r\n").encode("utf-16"),
    "utf-16 big": b"\xfe\xff" + BARE.encode("utf-16-be"),
    "utf-16 without mark": BARE.encode("utf-16-le"),
    "utf-16 big without mark": BARE.encode("utf-16-be"),
    "utf-32": BARE.encode("utf-32"),
    "dos end": f"{BARE}\x1a",
    "dos end, padded": f"{BARE}\x1a\r\n\x1a\x1a ",
    "blank lines": f"\n \n\t\n{each('ID', chr(10) * 3)}\n",
    "hard spaces": each("\u00a0ID\u00a0"),
    "wide spaces": each("\u3000ID\u2003"),
    "no width": each("\u200bID\u200d\u2060"),
    "no width inside": BARE.replace("_", "_\u00ad"),
    "right to left marks": each("\u202aID\u202c"),
    "comments": f"# val\n{each('ID # easy')}  # end\n",
    "pairs": each("/JPEGImages/ID.jpg /SegmentationClassAug/ID.png"),
    "windows pairs": each("JPEGImages\\ID.jpg SegmentationClassAug\\ID.png", "\r\n"),
    "drive": each("C:\\VOC\\JPEGImages\\ID.JPG"),
    "latin-1 folder": each("/Bücher/ID.jpg").encode("latin-1"),
    "latin-1 folder with a pair": each("Bücher\\ID.jpg\tMasken\\ID.png").encode("latin-1"),
    "suffixes": "2007_000032.JPG\n2007_000039.jpeg\n2007_000063.npy\n",
    "csv": each("ID.jpg,ID.png"),
    "csv with heading": "image,mask\n" + each("ID.jpg,ID.png"),
    "csv with semicolons": each("ID.jpg;ID.png;"),
    "csv with quotes": each('"ID.jpg","ID.png"'),
    "quoted path with a space": each('"/my data/ID.jpg" "/my data/ID.png"'),
    "curly quotes": each("\u201cID\u201d"),
    "quotes": each("'ID'"),
    "of a class": "2007_000032  1\n2007_000039 -1\n2007_000063  0\n",
    "numbers": each("ID 0.25 1e-3 14"),
    "csv with numbers": each("ID,0,1,0"),
}


def write(folder: Path, content: str | bytes) -> Path:
    file = folder / "list.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_lists_as_people_have_them(tmp_path: Path, content: str | bytes) -> None:
    assert read_ids(write(tmp_path, content)) == IDS


def test_dots_of_an_id_stay() -> None:
    text = "2007.000032\nimg.v2\n/a/b.0.1.png\nx.jpeg2\n1.5\n"
    assert [entry.name for entry in parse(text)] == [
        "2007.000032",
        "img.v2",
        "b.0.1",
        "x.jpeg2",
        "1.5",
    ]


def test_lines_keep_their_text_and_number(tmp_path: Path) -> None:
    file = write(tmp_path, "\r\n\ufeff/J/a.jpg  /M/a.png # one\r\nb  -1\r\n")
    assert read_entries(file) == (("a", 2, "/J/a.jpg  /M/a.png"), ("b", 3, "b  -1"))


BAD = {
    "empty": ("", "names no image"),
    "only blanks": (" \n\n\x1a", "names no image"),
    "only a heading": ("image,mask\n", "names no image"),
    "twice": ("a\nb\na\n", "line 3: id a is already in line 1"),
    "twice as a path": ("a\n/J/a.jpg\n", "line 2: id a is already in line 1"),
    "all ids in one line": (" ".join(IDS), "line 1: expected one id, found '2007_000032' and"),
    "all ids in one row": (",".join(IDS), "line 1: expected one id"),
    "numbers in one line": ("139 285 632", "line 1: expected one id, found '139' and '285'"),
    "pair of two images": ("x\n/J/a.jpg /M/b.png\n", "line 2: expected one id, found '/J/a.jpg'"),
    "path with a space": ("/my data/a.jpg\n", "line 1: expected one id, found '/my' and"),
    "table with an index": (",image\n0,a.jpg\n", "line 2: expected one id, found '0' and"),
    "json": ('["a", "b"]', "line 1: expected an id"),
    "web page": ("<!DOCTYPE html>\n<html>", "line 1: expected an id"),
    "conflict": ("a\n<<<<<<< HEAD\nb\n", "line 2: expected an id"),
    "stray": ("._2007_000032.jpg\n", "line 1: expected an id"),
    "folder": ("JPEGImages/\n", "line 1: expected an id"),
    "up": ("a\n../..\n", "line 2: expected an id"),
    "nul": ("a\nb\0c\n", r"line 2: expected an id or a path, found 'b\\x00c'"),
    "holes": (b"a\nb\n" + bytes(8), "line 3: expected an id"),
    "end mark inside": ("a\n\x1ab\nc\n", r"line 2: expected an id or a path, found '\\x1ab'"),
    "other letters": ("a\n２００７_000032\n", r"line 2: expected an id or a path, found '\\uff12"),
    "two suffixes": ("a.jpg.png\n", "line 1: expected an id"),
    "open quote": ('"2007_000032\n', "line 1: expected an id"),
    "broken utf-16": (BARE.encode("utf-16")[:-1], "broken UTF-16"),
    "long line": ("é" * 500, r"'\.\.\.|é'\.\.\.|xe9'\.\.\."),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_what_is_no_list_is_refused_by_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    file = write(tmp_path, content)
    with pytest.raises(ListError, match=message) as raised:
        read_ids(file)
    assert str(file) in str(raised.value)
    assert str(raised.value).isascii()
    assert len(str(raised.value)) < 600


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"list .*none.txt: cannot be read: No such file"):
        read_ids(tmp_path / "none.txt")
    with pytest.raises(ListError, match="cannot be read: Is a directory"):
        read_ids(tmp_path)


# --- fuzz -----------------------------------------------------------------------------------------

BLANKS = " \t\u00a0\u200b\ufeff"
FORMS: tuple[Callable[[random.Random, str], str], ...] = (
    lambda _, name: name,
    lambda dice, name: f"/JPEGImages/{name}.{dice.choice(('jpg', 'JPEG', 'png'))} /M/{name}.png",
    lambda dice, name: f"{name}{' ' * dice.randint(1, 3)}{dice.choice((-1, 0, 1))}",
    lambda _, name: f'"{name}.jpg","{name}.png"',
    lambda dice, name: dice.choice(BLANKS) + name + dice.choice(BLANKS),
    lambda _, name: f"D:\\d\\{name}.jpg",
    lambda _, name: f"{name}  # a note, 3",
)


def drawn(dice: random.Random) -> tuple[tuple[str, ...], bytes]:
    """A list in a random form, and the ids it was made of."""
    names = tuple(
        dict.fromkeys(
            f"{dice.randint(2007, 2012)}{dice.choice('_._')}{dice.randint(0, 999999):06d}"
            for _ in range(dice.randint(1, 12))
        )
    )
    end = dice.choice(("\n", "\r\n", "\r", "\n\n", " \n"))
    text = "".join(dice.choice(FORMS)(dice, name) + end for name in names)
    text += dice.choice(("", "\x1a", "\n \n", "# end"))
    return names, text.encode(dice.choice(("utf-8", "utf-8-sig", "utf-16", "utf-32")))


def mutated(dice: random.Random, content: bytes) -> bytes:
    """The bytes with one to four of them changed, dropped, doubled, or cut."""
    data = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(4):
            case 0:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del data[at : at + dice.randint(1, 5)]
            case 2:
                data[at:at] = data[at : at + dice.randint(1, 20)]
            case _:
                data[at:at] = dice.choice(
                    (b"\r", b"\n", b"\0", b"\x1a", b",", b'"', b"#", b"\xc2\xa0")
                )
    return bytes(data)


def test_lists_in_any_form_give_the_ids_they_were_made_of(tmp_path: Path) -> None:
    dice = random.Random(11)
    for _ in range(rounds(150)):
        names, content = drawn(dice)
        assert read_ids(write(tmp_path, content)) == names, content


def test_damaged_lists_are_refused_or_read_as_ids(tmp_path: Path) -> None:
    dice = random.Random(12)
    refused = named = 0
    for _ in range(rounds(150)):
        content = mutated(dice, drawn(dice)[1])
        file = write(tmp_path, content)
        try:
            ids = read_ids(file)
        except ListError as error:
            named += str(file) in str(error)
            refused += 1
            continue
        assert ids == read_ids(file)
        assert len(set(ids)) == len(ids) > 0, content
        assert all(ID.fullmatch(name) for name in ids), content
        assert tuple(one.name for one in parse("\n".join(ids))) == ids, content
        lines = "\n".join(one.line for one in read_entries(file))
        assert tuple(one.name for one in parse(lines)) == ids, content
    assert named == refused

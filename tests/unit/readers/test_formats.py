"""What stands in the place of a file is named, with what to do about it."""

import gzip
import io
import tarfile

import pytest

from harness.readers.formats import recognised


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.pth"))
    return stream.getvalue()


PAGES = {
    b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title>": (
        "an HTML page ('Google Drive - Virus scan warning')"
    ),
    b"\n\n  <HTML><BODY>quota exceeded": "an HTML page",
    "\ufeff<html lang='de'><title>Zugriff verweigert \u2013 \u00fc</title>".encode(): (
        r"an HTML page ('Zugriff verweigert \u2013 \xfc')"
    ),
    "<!doctype html><title>x</title>".encode("utf-16"): "an HTML page ('x')",
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>': "an XML document ('AccessDenied')",
    b"<Error><Code>NoSuchKey</Code></Error>": "an XML document ('NoSuchKey')",
    b'{"message": "Not Found"}': """JSON text ('{"message": "Not Found"}')""",
}


@pytest.mark.parametrize(("content", "name"), PAGES.items())
def test_answers_of_servers_are_named(content: bytes, name: str) -> None:
    found = recognised(content)
    assert found is not None
    assert (found.name, found.stands_in) == (name, True)
    assert "in a browser" in found.advice


@pytest.mark.parametrize(
    ("content", "name", "advice"),
    [
        (b"", "an empty file", "download it again"),
        (bytes(99), "a file of zeros", "download it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git LFS pointer", "lfs"),
        (b"/annex/objects/SHA256E-s1--2.pth\n", "a git-annex pointer", "git annex get"),
        (b"../.git/annex/objects/x/y/SHA256E", "a git-annex pointer", "git annex get"),
        (b"404: Not Found", "a text ('404: Not Found')", "in a browser"),
        (b"x" * 500, "a text ('" + "x" * 60 + "'...)", ""),
        (gzip.compress(b"weights", mtime=0), "a gzip archive", "unpack it"),
        (tar(), "a tar archive", "unpack it"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive", "unpack it"),
        (b"\x93NUMPY\1\0", "a numpy array (npy)", ""),
        (b"\x40\0\0\0\0\0\0\0" + b'{"a":1}', "a safetensors file", ""),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "a macOS resource file (its name begins with ._)", ""),
    ],
)
def test_other_formats_are_named(content: bytes, name: str, advice: str) -> None:
    found = recognised(content)
    assert found is not None
    assert found.name == name
    assert advice in found.advice


@pytest.mark.parametrize(
    "content", [b"PK\3\4\x14\0", b"\x80\x02\x8a\nl\xfc", b"\x12\1\0\0\0\0\0\0"]
)
def test_weights_are_not_taken_for_something_else(content: bytes) -> None:
    assert recognised(content + bytes(range(256))) is None

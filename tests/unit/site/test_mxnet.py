"""The stand-in for MXNet reads every header version and refuses what is not whole."""

import struct
from pathlib import Path

import numpy as np
import pytest

from harness.site.shims.mxnet import nd

V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA


def header(version: int | None, shape: tuple[int, ...], flag: int) -> bytes:
    """An array's header as MXNet's releases wrote it; `None` is the oldest, without a version."""
    if version is None:
        start = struct.pack(f"<I{len(shape)}I", len(shape), *shape)
    else:
        storage = struct.pack("<i", 0) if version != V1 else b""
        dims = struct.pack(f"<i{len(shape)}q", len(shape), *shape)
        start = struct.pack("<I", version) + storage + dims
    return start + struct.pack("<iii", 1, 0, flag)


def container(arrays: list[bytes], names: list[str]) -> bytes:
    """A list file of finished arrays."""
    body = struct.pack("<QQQ", 0x112, 0, len(arrays)) + b"".join(arrays)
    body += struct.pack("<Q", len(names))
    return body + b"".join(struct.pack("<Q", len(name)) + name.encode() for name in names)


@pytest.mark.parametrize("version", [None, V1, V2, V3])
@pytest.mark.parametrize(
    ("flag", "dtype"), [(0, "<f4"), (1, "<f8"), (2, "<f2"), (4, "<i4"), (6, "<i8")]
)
def test_reads_every_header_version_and_type(
    tmp_path: Path, version: int | None, flag: int, dtype: str
) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    file = tmp_path / "weights.params"
    array = header(version, values.shape, flag) + values.tobytes()
    file.write_bytes(container([array, array], ["a", "arg:b"]))

    read = nd.load(str(file))

    assert isinstance(read, dict)
    assert list(read) == ["a", "arg:b"]
    np.testing.assert_array_equal(read["arg:b"].asnumpy(), values)
    assert read["a"].dtype == np.dtype(dtype)
    read["a"].asnumpy()[0] = 7  # torch.from_numpy wants memory that it may write


def test_a_list_without_names_is_a_list(tmp_path: Path) -> None:
    file = tmp_path / "weights.params"
    file.write_bytes(container([header(V2, (2,), 0) + bytes(8)], []))
    read = nd.load(str(file))
    assert isinstance(read, list)
    assert [array.shape for array in read] == [(2,)]


def test_an_empty_array_has_no_data(tmp_path: Path) -> None:
    file = tmp_path / "weights.params"
    empty = struct.pack("<Iii", V2, 0, 0)
    file.write_bytes(container([empty, header(V2, (1,), 0) + bytes(4)], ["none", "one"]))
    read = nd.load(str(file))
    assert isinstance(read, dict)
    assert read["none"].shape == (0,)
    assert read["one"].shape == (1,)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "ends 24 bytes early"),
        (struct.pack("<QQQ", 0x111, 0, 0), "expected 0x112"),
        (container([header(V2, (5,), 0) + bytes(19)], []), "early"),
        (container([struct.pack("<Ii", V2, 1)], []), "storage type 1"),
        (container([header(V2, (1,), 99) + bytes(4)], []), "type 99"),
        (container([struct.pack("<I", 4_000_000)], []), "dimensions"),
    ],
    ids=["empty", "magic", "truncated", "sparse", "type", "dimensions"],
)
def test_refuses_what_is_not_a_whole_list(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "weights.params"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=reason) as error:
        nd.load(str(file))
    assert str(file) in str(error.value)

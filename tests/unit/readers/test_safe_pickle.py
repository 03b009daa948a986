"""The restricted unpickler: what numpy writes is read, everything else is refused unexecuted."""

import collections
import copyreg
import datetime as dt
import decimal
import functools
import io
import operator
import os
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.readers.safe_pickle import UnsafePickleError, load_npy_dict
from tests.fuzz import rounds

quick = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
ARRAYS = hnp.arrays(
    hnp.floating_dtypes(sizes=(32, 64)) | hnp.integer_dtypes() | hnp.boolean_dtypes(),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
DICTS = st.dictionaries(
    st.integers(0, 20) | st.text(max_size=12), ARRAYS | NUMBERS | st.lists(NUMBERS, max_size=3)
)


def write(path: Path, content: object, protocol: int) -> Path:
    """An npy file as `numpy.save` writes one, under any pickle protocol."""
    array = np.empty((), object)
    array[()] = content
    return write_bytes(path, pickle.dumps(array, protocol))


def write_bytes(path: Path, pickled: bytes) -> Path:
    header = io.BytesIO()
    fields = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(header, fields)
    path.write_bytes(header.getvalue() + pickled)
    return path


@quick
@given(content=DICTS, protocol=st.sampled_from([2, 3, 4]))
def test_what_numpy_writes_is_read_as_it_was(
    tmp_path: Path, content: dict[Any, Any], protocol: int
) -> None:
    found = load_npy_dict(write(tmp_path / "a.npy", content, protocol))
    assert list(found) == list(content)
    for key, value in content.items():
        np.testing.assert_array_equal(found[key], value)
        assert getattr(found[key], "dtype", None) == getattr(value, "dtype", None)


def test_files_of_numpy_1_are_read(tmp_path: Path) -> None:
    """numpy 1 calls its core numpy.core; only the name differs, and protocol 0 to 3 spell it out."""
    file = write(tmp_path / "a.npy", {0: np.arange(6, dtype=np.float32).reshape(2, 3)}, 3)
    file.write_bytes(file.read_bytes().replace(b"numpy._core", b"numpy.core"))
    np.testing.assert_array_equal(load_npy_dict(file)[0], [[0, 1, 2], [3, 4, 5]])


def test_column_order_and_number_keys(tmp_path: Path) -> None:
    values = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    found = load_npy_dict(write(tmp_path / "a.npy", {np.int64(3): values, 4: np.float64(0.5)}, 4))
    np.testing.assert_array_equal(found[3], values)
    assert found[4] == 0.5
    assert not found[3].flags.writeable


class Touch:
    """Leaves a mark if it is ever unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.mark,)


OBJECTS = [
    dt.datetime(2024, 1, 4, tzinfo=dt.UTC),
    decimal.Decimal("0.1"),
    collections.OrderedDict(a=1),
    collections.Counter("aab"),
    functools.partial(print, "x"),
    operator.attrgetter("a"),
    print,
    eval,
    os.system,
    copyreg.__newobj__,  # type: ignore[attr-defined]
    np.random.default_rng(0),
    np.load,
    np.ma.masked_array([1, 2]),
    np.array([{}, []], object),
    np.zeros(2, [("a", "f4")]),
    np.array("2024-01-04", "M8[D]"),
    complex(1, 2),
    {1, 2},
    b"raw",
    None,
    {"nested": {"deeper": 1}},
    [[1], [2]],
    Path("/"),
    np.dtype("f4"),
    np.ndarray,
]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: type(thing).__name__)
def test_everything_else_is_refused(tmp_path: Path, thing: object, protocol: int) -> None:
    with pytest.raises(UnsafePickleError):
        load_npy_dict(write(tmp_path / "a.npy", {0: thing}, protocol))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_nothing_is_executed(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "executed"
    file = write(tmp_path / "a.npy", {0: Touch(str(mark))}, protocol)
    with pytest.raises(UnsafePickleError, match="mkdir, which is not allowed"):
        load_npy_dict(file)
    assert not mark.exists()
    np.load(file, allow_pickle=True)  # the same file is live for a plain unpickler
    assert mark.exists()


@given(module=st.text(max_size=20), name=st.text(max_size=20))
@quick
def test_any_other_name_is_refused(tmp_path: Path, module: str, name: str) -> None:
    pickled = b"\x80\x04" + b"".join(
        b"X" + len(text := part.encode()).to_bytes(4, "little") + text for part in (module, name)
    )
    with pytest.raises(UnsafePickleError):
        load_npy_dict(write_bytes(tmp_path / "a.npy", pickled + b"\x93."))


@given(pickled=st.binary(max_size=200))
@quick
def test_any_bytes_give_one_kind_of_error(tmp_path: Path, pickled: bytes) -> None:
    with pytest.raises(UnsafePickleError):
        load_npy_dict(write_bytes(tmp_path / "a.npy", pickled))


@given(data=st.data())
@quick
def test_a_damaged_file_is_read_as_something_plain_or_refused(
    tmp_path: Path, data: st.DataObject
) -> None:
    whole = write(tmp_path / "a.npy", {0: np.ones((3, 4), np.float32), "b": [1.5, 2]}, 3)
    content = bytearray(whole.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    whole.write_bytes(bytes(content))
    try:
        found = load_npy_dict(whole)
    except UnsafePickleError:
        return
    plain = (np.ndarray, np.generic, int, float, str, list)
    assert all(isinstance(value, plain) for value in found.values())


def test_builders_cannot_be_bent_by_a_pickle(tmp_path: Path) -> None:
    """BUILD on the name itself would change how every later file is read."""
    pickled = b"\x80\x03cnumpy.core.multiarray\n_reconstruct\n}X\x01\x00\x00\x00aK\x01sb."
    with pytest.raises(UnsafePickleError, match="changes how arrays are built"):
        load_npy_dict(write_bytes(tmp_path / "a.npy", pickled))


def test_memo_index_that_asks_for_all_memory(tmp_path: Path) -> None:
    """One wrong byte did this to a sound file: the unpickler filled 16 GB for its memo."""
    for index in (1, 2**20, 2**31, 2**32 - 1):
        pickled = b"\x80\x03]r" + index.to_bytes(4, "little") + b"."
        with pytest.raises(UnsafePickleError, match=f"memo index {index}"):
            load_npy_dict(write_bytes(tmp_path / "a.npy", pickled))


@pytest.mark.parametrize("cut", [1, 10, 60, 100, 150])
def test_cut_off(tmp_path: Path, cut: int) -> None:
    file = write(tmp_path / "a.npy", {0: np.ones((3, 4), np.float32)}, 4)
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(UnsafePickleError):
        load_npy_dict(file)


def test_bytes_after_the_end(tmp_path: Path) -> None:
    file = write(tmp_path / "a.npy", {0: 1}, 4)
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(UnsafePickleError, match="after the end"):
        load_npy_dict(file)


def test_data_that_do_not_fill_their_shape(tmp_path: Path) -> None:
    file = write(tmp_path / "a.npy", {0: np.arange(6, dtype=np.float32).reshape(2, 3)}, 3)
    file.write_bytes(file.read_bytes().replace(b"K\x02K\x03\x86", b"K\x02K\x04\x86"))
    with pytest.raises(UnsafePickleError, match="do not hold 8 elements"):
        load_npy_dict(file)


def test_not_an_npy_file(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(pickle.dumps({0: 1}))
    with pytest.raises(UnsafePickleError, match="no npy header"):
        load_npy_dict(tmp_path / "a.npy")


def test_list_instead_of_a_dict(tmp_path: Path) -> None:
    with pytest.raises(UnsafePickleError, match="not one dict"):
        load_npy_dict(write(tmp_path / "a.npy", [1, 2], 4))


def test_damaged_cams_are_refused_or_read_as_numpy_reads_them(tmp_path: Path) -> None:
    dice = random.Random(31)
    for _ in range(rounds(150)):
        file = write(tmp_path / "a.npy", drawn_cams(dice), dice.choice((2, 3, 4)))
        content = bytearray(file.read_bytes())
        for _ in range(dice.randint(0, 3)):
            at = dice.randrange(len(content))
            content[at : at + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
        file.write_bytes(content)
        try:
            found = load_npy_dict(file)
        except UnsafePickleError:
            continue
        # It was read, so it names nothing but arrays: numpy's own loader may read it too.
        expected = np.load(file, allow_pickle=True).item()
        assert described(found) == described(expected), bytes(content)


def drawn_cams(dice: random.Random) -> dict[int, Any]:
    size = (dice.randint(1, 4), dice.randint(1, 5))
    keys = dice.sample(range(20), dice.randint(0, 3))
    draw = np.random.default_rng(dice.randrange(2**31)).random
    return {key: draw(size).astype(dice.choice(("f2", "f4", "f8"))) for key in keys}


def described(content: dict[Any, Any]) -> list[tuple[str, str, object, bytes]]:
    arrays = [(str(key), np.asarray(value)) for key, value in content.items()]
    return [(key, str(array.dtype), array.shape, array.tobytes()) for key, array in arrays]

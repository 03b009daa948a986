"""Contracts of weight files: torch checkpoints and MXNet lists, sound and broken."""

import argparse
import gzip
import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.contracts import ContractError, check
from harness.manifest.contract import MxnetParams, StateDict


def state(**extra: Any) -> dict[str, Any]:
    return {
        "conv.weight": torch.ones(4, 3, 2, 2),
        "bn.running_mean": torch.zeros(4),
        "bn.num_batches_tracked": torch.tensor(7),
    } | extra


def save(path: Path, content: object, **options: object) -> Path:
    torch.save(content, path, **options)
    return path


def checked(path: Path, **fields: Any) -> dict[str, object]:
    return dict(check(StateDict(kind="state-dict", **fields), path, Path))


def refuse(path: Path, *words: str, **fields: Any) -> None:
    with pytest.raises(ContractError) as raised:
        checked(path, **fields)
    for word in (str(path), "state-dict", *words):
        assert word in str(raised.value)


@pytest.mark.parametrize("modern", [True, False])
def test_sound_checkpoint(tmp_path: Path, modern: bool) -> None:
    file = save(tmp_path / "a.pth", state(), _use_new_zipfile_serialization=modern)
    summary = checked(file, entries=3, values=52, shapes={"conv.weight": (4, 3, 2, 2)})
    assert summary == {"entries": 3, "values": 52}


def test_state_dict_deeper_in_the_file(tmp_path: Path) -> None:
    file = save(tmp_path / "a.pth", {"model": {"main": state()}, "epoch": 3})
    assert checked(file, at=("model", "main"))["entries"] == 3
    refuse(file, "a dict at ['model']['other']", "['main']", at=("model", "other"))
    refuse(file, "tensors only", "dict under 'model'")


def test_missing_file(tmp_path: Path) -> None:
    refuse(tmp_path / "a.pth", "found nothing")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("modern", [True, False])
def test_cut_off_checkpoint(tmp_path: Path, share: float, modern: bool) -> None:
    file = save(tmp_path / "a.pth", state(), _use_new_zipfile_serialization=modern)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    refuse(file)


FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", FLOATS)
def test_values_that_are_not_finite(tmp_path: Path, value: float, dtype: torch.dtype) -> None:
    bad = torch.ones(5, dtype=dtype)
    bad[3] = value
    refuse(save(tmp_path / "a.pth", state(bad=bad)), "finite", "bad")


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_largest_values_no_values_parameters_and_parts_are_sound(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    most = torch.finfo(dtype).max
    content = {
        "largest": torch.tensor([most, -most], dtype=dtype),
        "empty": torch.empty(0, dtype=dtype),
        "parameter": torch.nn.Parameter(torch.ones(2, dtype=dtype)),
        "turned": torch.ones(3, 2, dtype=dtype).t(),
    }
    found = check(StateDict(kind="state-dict"), save(tmp_path / "a.pth", content), Path)
    assert found == {"entries": 4, "values": 10}


def test_wrong_counts_and_shapes(tmp_path: Path) -> None:
    file = save(tmp_path / "a.pth", state())
    refuse(file, "expected 4 entries, found 3", entries=4)
    refuse(file, "expected 53 values, found 52", values=53)
    refuse(file, "(4, 3, 1, 1)", "(4, 3, 2, 2)", shapes={"conv.weight": (4, 3, 1, 1)})
    refuse(file, "nearest is conv.weight", shapes={"conv1.weight": (4, 3, 1, 1)})


@pytest.mark.parametrize("content", [{}, [torch.ones(1)], {"a": 1}, torch.ones(2)])
def test_what_is_no_state_dict(tmp_path: Path, content: object) -> None:
    refuse(save(tmp_path / "a.pth", content))


class Touch:
    """Leaves a mark if it is ever unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("modern", [True, False])
def test_checkpoint_that_would_run_something(tmp_path: Path, modern: bool) -> None:
    content = state(evil=Touch(str(tmp_path / "executed")))
    file = save(tmp_path / "a.pth", content, _use_new_zipfile_serialization=modern)
    refuse(file, "a torch checkpoint of plain tensors")
    assert not (tmp_path / "executed").exists()


# --- MXNet ----------------------------------------------------------------------------------------


def mxnet_list(arrays: dict[str, np.ndarray]) -> bytes:
    """The oldest form, as ResNet-38 comes: no version, dimensions as uint32."""
    parts = [struct.pack("<QQQ", 0x112, 0, len(arrays))]
    for array in arrays.values():
        parts.append(struct.pack(f"<I{array.ndim}I", array.ndim, *array.shape))
        parts.append(struct.pack("<iii", 1, 0, {"float32": 0, "int32": 4}[array.dtype.name]))
        parts.append(array.tobytes())
    parts.append(struct.pack("<Q", len(arrays)))
    parts += [struct.pack("<Q", len(name)) + name.encode() for name in arrays]
    return b"".join(parts)


@pytest.fixture
def params(tmp_path: Path) -> Path:
    file = tmp_path / "a.params"
    weights = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
    file.write_bytes(mxnet_list({"arg:conv_weight": weights, "aux:step": np.ones(3, np.int32)}))
    return file


def checked_mxnet(file: Path, **fields: Any) -> dict[str, object]:
    return dict(check(MxnetParams(kind="mxnet-params", **fields), file, Path))


def refuse_mxnet(file: Path, *words: str, **fields: Any) -> None:
    with pytest.raises(ContractError) as raised:
        checked_mxnet(file, **fields)
    for word in (str(file), "mxnet-params", *words):
        assert word in str(raised.value)


def test_sound_parameters(params: Path) -> None:
    summary = checked_mxnet(params, values=27, entries=2, shapes={"arg:conv_weight": (2, 3, 2, 2)})
    assert summary == {"entries": 2, "values": 27}


def test_wrong_totals_of_parameters(params: Path) -> None:
    refuse_mxnet(params, "expected 28 values, found 27", values=28)
    refuse_mxnet(params, "none of that name", shapes={"x": (1,)})


@pytest.mark.parametrize("keep", [0, 7, 24, 50, 120, -1])
def test_cut_off_parameters(params: Path, keep: int) -> None:
    params.write_bytes(params.read_bytes()[:keep])
    refuse_mxnet(params)


def test_parameters_that_are_not_finite(params: Path) -> None:
    params.write_bytes(mxnet_list({"a": np.array([1, np.nan], np.float32)}))
    refuse_mxnet(params, "finite", "a")


def test_parameters_of_absurd_size(params: Path) -> None:
    head = struct.pack("<QQQ", 0x112, 0, 1) + struct.pack("<I4I", 4, *[2**31] * 4)
    params.write_bytes(head + struct.pack("<iii", 1, 0, 0))
    refuse_mxnet(params, "an MXNet list of arrays")


def test_checkpoint_under_the_name_of_parameters(tmp_path: Path) -> None:
    refuse_mxnet(save(tmp_path / "a.params", state()), "an MXNet list of arrays")


# --- what is no file of weights -------------------------------------------------------------------


def zipped(names: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return stream.getvalue()


OTHERS = {
    "page": (b"<!doctype html><title>Sign in</title>", "an HTML page ('Sign in')", "browser"),
    "error": (b"404: Not Found\n", "a text ('404: Not Found')", "browser"),
    "store": (b"<Error><Code>AccessDenied</Code></Error>", "AccessDenied", "browser"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer", "git lfs pull"),
    "gzip": (gzip.compress(b"weights"), "a gzip archive", "unpack it"),
    "zeros": (bytes(5000), "a file of zeros", "download it again"),
    "zip": (zipped({"a.pth": b"x"}), "a zip archive of 1 files ('a.pth')", "unpack it"),
    "empty zip": (zipped({}), "of another format", ""),
    "cut": (zipped({"a/data.pkl": b"x"})[:40], "cut off", "download it again"),
    "no pickle": (zipped({"a/data.pkl": b"x"}), "damaged, cut off or of another", ""),
    "noise": (bytes(range(128, 256)) * 9, "damaged, cut off or of another format", "download"),
}


@pytest.mark.parametrize(("content", "found", "advice"), OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("kind", [StateDict(kind="state-dict"), MxnetParams(kind="mxnet-params")])
def test_what_is_no_file_of_weights_is_named_in_our_words(
    tmp_path: Path, kind: StateDict | MxnetParams, content: bytes, found: str, advice: str
) -> None:
    file = tmp_path / "a.pth"
    file.write_bytes(content)
    with pytest.raises(ContractError) as raised:
        check(kind, file, Path)
    said = f"{raised.value} {raised.value.hint}"
    assert str(file) in said
    for word in ("weights_only", "pickle", "torch.load", "PyTorch"):
        assert word not in said
    if isinstance(kind, StateDict) or content[:2] not in {b"PK", b"\x80\x81"}:
        assert found in str(raised.value)
        assert advice in str(raised.value.hint)


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (argparse.Namespace(lr=1), "argparse.Namespace"),
        (Path("x"), "pathlib"),
        (np.float64(1.5), "scalar"),
        (Touch("x"), "mkdir"),
    ],
)
def test_a_checkpoint_with_other_objects_names_them(
    tmp_path: Path, thing: object, name: str, modern: bool
) -> None:
    file = save(tmp_path / "a.pth", state(x=thing), _use_new_zipfile_serialization=modern)
    with pytest.raises(ContractError) as raised:
        checked(file)
    assert "also holds objects of" in str(raised.value)
    assert name in str(raised.value)
    assert "weights_only" not in f"{raised.value} {raised.value.hint}"

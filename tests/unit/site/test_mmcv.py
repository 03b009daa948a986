"""The hook for mmcv: settings from outside, one process, names that are gone."""

import copy
import importlib
import json
import sys
import types
from typing import Any

import pytest
import torch

from harness.site.hooks import mmcv

CONFIG = {
    "data": {
        "samples_per_gpu": 2,
        "train": {"pipeline": [{"type": "Resize", "img_scale": (2048, 512)}, {"type": "Flip"}]},
    },
    "test_cfg": {"mode": "slide"},
}


def test_settings_reach_into_lists_and_keep_tuples() -> None:
    config = copy.deepcopy(CONFIG)
    settings = {"data.train.pipeline.Resize.img_scale": [256, 64], "test_cfg.path": "out"}
    mmcv.settle(config, settings)
    resize = config["data"]["train"]["pipeline"][0]  # type: ignore[index]
    assert resize == {"type": "Resize", "img_scale": (256, 64)}
    assert config["test_cfg"] == {"mode": "slide", "path": "out"}


@pytest.mark.parametrize("path", ["date.samples_per_gpu", "data.train.pipeline.Crop.size"])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(KeyError, match=path):
        mmcv.settle(copy.deepcopy(CONFIG), {path: 1})


def test_the_batch_is_split_equally_or_not_at_all() -> None:
    assert mmcv.share(16, 8) == 2
    with pytest.raises(ValueError, match="16 cannot be split over 3"):
        mmcv.share(16, 3)


def test_every_configuration_is_settled_as_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Config:
        @staticmethod
        def fromfile(_: str) -> Any:
            return types.SimpleNamespace(data=types.SimpleNamespace(samples_per_gpu=2))

    module = types.SimpleNamespace(Config=Config)
    monkeypatch.setenv("HARNESS_MMCV_BATCH", "16")
    monkeypatch.setenv("WORLD_SIZE", "4")
    mmcv.settle_configurations(module)
    assert module.Config.fromfile("x").data.samples_per_gpu == 4
    monkeypatch.setenv("HARNESS_MMCV_CONFIG", json.dumps({"nowhere.at": 1}))
    with pytest.raises((KeyError, TypeError)):
        module.Config.fromfile("x")


class Container:
    """As mmcv's: data of one device in a list."""

    def __init__(self, data: Any, *, cpu_only: bool) -> None:
        self.data, self.cpu_only = [data], cpu_only


class Wrapper(torch.nn.Module):
    """As mmcv's MMDataParallel."""

    def __init__(self, module: torch.nn.Module, device_ids: list[int]) -> None:
        super().__init__()
        self.module, self.device_ids = module, device_ids


class Model(torch.nn.Module):
    """Returns what it is given."""

    def forward(self, **given: Any) -> Any:
        return given

    def train_step(self, batch: Any, optimizer: Any) -> Any:
        return batch, optimizer


def test_one_process_unpacks_what_its_model_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(torch.Tensor, "cuda", lambda self, **_: self + 1)
    parallel = types.SimpleNamespace(DataContainer=Container, MMDataParallel=Wrapper)
    mmcv.replace_wrapper(parallel)
    wrapped = parallel.MMDistributedDataParallel(Model(), device_ids=[0], broadcast_buffers=False)
    image = Container(torch.zeros(1), cpu_only=False)
    names = Container([{"name": "a"}], cpu_only=True)
    batch, optimizer = wrapped.train_step({"img": image, "names": names}, "optimizer")
    assert (batch["img"].item(), batch["names"], optimizer) == (1, [{"name": "a"}], "optimizer")
    found = wrapped(return_loss=False, img=[torch.zeros(1)])
    assert (found["return_loss"], found["img"][0].item()) == (False, 1)


class Distributed(Wrapper):
    """As mmcv's MMDistributedDataParallel: scatters, steps, prepares the reduction."""

    def train_step(self, *inputs: Any, **kwargs: Any) -> Any:
        scattered, named = self.scatter(inputs, kwargs, self.device_ids)
        return "reduced", self.module.train_step(*scattered[0], **named[0])


@pytest.mark.parametrize("shim", [True, False])
def test_several_processes_reduce_as_mmcv_does(
    monkeypatch: pytest.MonkeyPatch, *, shim: bool
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(mmcv, "_SHIM", shim)
    monkeypatch.setattr(torch.Tensor, "cuda", lambda self, **_: self + 1)
    parallel = types.SimpleNamespace(DataContainer=Container, MMDistributedDataParallel=Distributed)
    mmcv.replace_wrapper(parallel)
    wrapped = parallel.MMDistributedDataParallel(Model(), device_ids=[0])
    assert wrapped.device_ids == (None if shim else [0])
    reduced, (batch, optimizer) = wrapped.train_step(
        {"img": Container(torch.zeros(1), cpu_only=False)}, "optimizer"
    )
    assert (reduced, batch["img"].item(), optimizer) == ("reduced", 1, "optimizer")
    assert wrapped(img=[torch.zeros(1)])["img"][0].item() == 1


def test_operations_are_there_by_name_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mmcv", types.ModuleType("mmcv"))
    monkeypatch.setitem(sys.modules, "mmcv.ops", None)
    mmcv.without_operations(None)
    operations = importlib.import_module("mmcv.ops")
    assert operations.point_sample is None
    assert operations.get_compiler_version() == "none"


@pytest.mark.parametrize("shim", [True, False])
def test_batch_norm_is_the_plain_one_on_the_cpu_only(
    monkeypatch: pytest.MonkeyPatch, *, shim: bool
) -> None:
    monkeypatch.setattr(mmcv, "_SHIM", shim)
    own = type("SyncBatchNorm", (torch.nn.BatchNorm2d,), {})
    parallel = type("DistributedDataParallel", (), {"_sync_buffers": lambda _: "synchronised"})
    nn = types.SimpleNamespace(
        SyncBatchNorm=own,
        BatchNorm2d=torch.nn.BatchNorm2d,
        parallel=types.SimpleNamespace(DistributedDataParallel=parallel),
    )
    fake = types.SimpleNamespace(nn=nn, cuda=types.SimpleNamespace())
    mmcv.restore_torch_names(fake)
    norm = nn.SyncBatchNorm(3, **({"process_group": None} if shim else {}))
    norm._specify_ddp_gpu_num(1)
    assert (nn.SyncBatchNorm is own) is not shim
    assert hasattr(fake.cuda, "set_device") is shim
    assert parallel()._sync_params() == "synchronised"  # type: ignore[attr-defined]


def test_float_is_where_mmseg_looks_for_it() -> None:
    module = types.ModuleType("numpy")
    mmcv.restore_numpy_names(module)
    assert module.float is float  # type: ignore[attr-defined]

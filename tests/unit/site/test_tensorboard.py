"""torch.utils.tensorboard without the tensorboard package."""

import importlib
import sys
import types

import pytest
import torch

from harness.site.hooks import tensorboard


def test_the_writer_is_tensorboardx_and_loaded_when_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = type("SummaryWriter", (), {})
    monkeypatch.setitem(sys.modules, tensorboard.NAME, None)
    monkeypatch.delitem(sys.modules, tensorboard.NAME)
    tensorboard.ACTIONS["torch"](torch)
    module = importlib.import_module(tensorboard.NAME)
    installed = types.ModuleType("tensorboardX")
    installed.SummaryWriter = writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX", installed)
    assert module.SummaryWriter is writer
    with pytest.raises(AttributeError):
        _ = module.__path__

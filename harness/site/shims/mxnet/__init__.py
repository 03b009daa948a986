"""A stub of MXNet: `mxnet.nd.load` reads NDArray-list files, the format of ResNet-38's weights."""

from . import nd

__all__ = ["nd"]

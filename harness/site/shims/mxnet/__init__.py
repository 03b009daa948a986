"""Stand-in for MXNet: `mxnet.nd.load` reads the NDArray-list files that ResNet-38 comes in."""

from . import nd

__all__ = ["nd"]

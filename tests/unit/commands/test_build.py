"""`harness build --push`: only images go to a registry."""

from typing import cast

import pytest

from harness.commands.build import BasePin, build_methods
from harness.commands.context import Context
from harness.errors import UsageError
from harness.manifest.model import RuntimeName


def test_a_virtual_environment_cannot_be_pushed() -> None:
    nothing = cast("Context", None)  # refused before anything is looked at
    with pytest.raises(UsageError, match="there is no image"):
        build_methods(nothing, ["seam"], None, RuntimeName.PROCESS, print, push="registry")


def test_a_base_has_moved_when_its_digests_differ() -> None:
    assert BasePin(name="debian", pinned="sha256:1", current="sha256:2").moved
    assert not BasePin(name="debian", pinned="sha256:1", current="sha256:1").moved

"""What the process that reads outputs imports before it is asked: no more than checks need."""

import pytest

from harness.contracts import imports_of
from harness.manifest.contract import Contract, Folder, JsonObject, Listing, NpyMaps, StateDict


@pytest.mark.parametrize(
    "kinds, modules",
    [
        ([Folder(kind="folder"), Listing(kind="list"), JsonObject(kind="json")], ()),
        ([Folder(kind="folder"), NpyMaps(kind="npy-maps", ids="i")], ("numpy", "PIL.Image")),
        ([StateDict(kind="state-dict")], ("numpy", "PIL.Image", "torch")),
    ],
)
def test_imports(kinds: list[Contract], modules: tuple[str, ...]) -> None:
    assert imports_of(kinds) == modules

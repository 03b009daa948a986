"""Which of a machine's GPUs may be used: `--gpus`, within an outer CUDA_VISIBLE_DEVICES."""

from collections.abc import Mapping, Sequence

from harness.errors import HarnessError, NotReadyError, UsageError
from harness.plan.compatibility import Gpu

_VARIABLE = "CUDA_VISIBLE_DEVICES"
_ORDER = "CUDA_DEVICE_ORDER"
_BY_BUS = "PCI_BUS_ID"
#: What CUDA reads as "no device".
_NONE = {"NoDevFiles", "none", "void"}


def visible(gpus: Sequence[Gpu], environ: Mapping[str, str]) -> tuple[Gpu, ...]:
    """The cards that an outer CUDA_VISIBLE_DEVICES leaves; all of them where it is not set.

    As CUDA reads it: indices, UUIDs or beginnings of them, instances (`MIG-...`); nothing counts
    behind a negative index; empty is none. Where CUDA would silently leave out what it does not
    find, NotReadyError is raised.
    """
    text = environ.get(_VARIABLE)
    if text is None or not gpus:
        return tuple(gpus)
    words = [word.strip() for word in text.split(",")]
    found: dict[str, Gpu] = {}
    for word in words:
        if not word or word in _NONE or word.startswith("-"):
            break
        if word.isdecimal():
            _refuse_other_order(gpus, environ, word)
        gpu = _find(gpus, word, NotReadyError, f"{_VARIABLE}={text}")
        found[gpu.uuid] = gpu
    return tuple(found.values())


def choose(gpus: Sequence[Gpu], asked: str | None) -> tuple[Gpu, ...]:
    """The cards that `--gpus` names, as nvidia-smi counts them or by UUID; all if left out.

    Raises UsageError for one that is not there, or that CUDA_VISIBLE_DEVICES hides.
    """
    if asked is None:
        return tuple(gpus)
    found = (_find(gpus, word.strip(), UsageError, f"--gpus {asked}") for word in asked.split(","))
    return tuple({gpu.uuid: gpu for gpu in found}.values())


def _find(gpus: Sequence[Gpu], word: str, error: type[HarnessError], where: str) -> Gpu:
    """The one card of that index, UUID or beginning of a UUID."""
    if word.isdecimal():
        fitting = [gpu for gpu in gpus if gpu.index == int(word)]
    else:
        fitting = [gpu for gpu in gpus if gpu.uuid == word] or [
            gpu for gpu in gpus if word.startswith(("GPU-", "MIG-")) and gpu.uuid.startswith(word)
        ]
    if len(fitting) == 1:
        return fitting[0]
    what = "fits several GPUs" if fitting else "is no GPU that can be used here"
    known = ", ".join(f"{gpu.index} = {gpu.uuid}" for gpu in gpus) or "none"
    raise error(f"{where}: {word!r} {what}", hint=f"there are: {known}")


def _refuse_other_order(gpus: Sequence[Gpu], environ: Mapping[str, str], word: str) -> None:
    """CUDA counts the fastest first unless set otherwise, the driver by place on the bus."""
    if len({gpu.name for gpu in gpus}) > 1 and environ.get(_ORDER) != _BY_BUS:
        raise NotReadyError(
            f"{_VARIABLE} names GPU {word} by its index, and CUDA's own order of these different "
            "cards is not known to the driver",
            hint=f"name UUIDs (nvidia-smi -L), or set {_ORDER}={_BY_BUS} as well",
        )

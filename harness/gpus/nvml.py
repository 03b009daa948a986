"""The door to the GPUs of this machine: NVML, the driver's own library, through nvidia-ml-py."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.errors import NotReadyError
from harness.plan.compatibility import Gpu

_GB = 2**30


class Nvml:
    """Reads what the driver shows. `library` is for tests: pynvml, or what takes its place."""

    def __init__(self, library: Any = None) -> None:
        self._given = library

    def gpus(self) -> tuple[Gpu, ...]:
        """Every card, in nvidia-smi's order; of a card in MIG mode its instances.

        Empty where there is no NVIDIA driver. Raises NotReadyError where there is one that does
        not work.
        """
        nvml = self._library()
        try:
            with _session(nvml) as there:
                if not there:
                    return ()
                driver = _text(nvml.nvmlSystemGetDriverVersion())
                cards = range(nvml.nvmlDeviceGetCount())
                return tuple(gpu for index in cards for gpu in _read(nvml, index, driver))
        except nvml.NVMLError as error:
            raise NotReadyError(
                f"the NVIDIA driver answers: {error}", hint=_hint(nvml, error)
            ) from (error)

    def used_gb(self, uuid: str) -> float:
        """Memory of a card that is in use now, by anybody. Raises NotReadyError."""
        nvml = self._library()
        try:
            with _session(nvml):
                handle = nvml.nvmlDeviceGetHandleByUUID(uuid)
                return float(nvml.nvmlDeviceGetMemoryInfo(handle).used / _GB)
        except nvml.NVMLError as error:
            raise NotReadyError(f"GPU {uuid}: {error}", hint=_hint(nvml, error)) from error

    def _library(self) -> Any:
        if self._given is not None:
            return self._given
        import pynvml

        return pynvml


@contextmanager
def _session(nvml: Any) -> Iterator[bool]:
    """NVML between its start and its end; False where no driver is installed or loaded."""
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        if error.value in {nvml.NVML_ERROR_LIBRARY_NOT_FOUND, nvml.NVML_ERROR_DRIVER_NOT_LOADED}:
            yield False
            return
        raise
    try:
        yield True
    finally:
        nvml.nvmlShutdown()


def _read(nvml: Any, index: int, driver: str) -> Iterator[Gpu]:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    for device in _instances(nvml, handle) if _in_mig_mode(nvml, handle) else (handle,):
        yield Gpu(
            uuid=_text(nvml.nvmlDeviceGetUUID(device)),
            index=index,
            name=_text(nvml.nvmlDeviceGetName(device)),
            memory_gb=nvml.nvmlDeviceGetMemoryInfo(device).total / _GB,
            capability=(major, minor),
            driver=driver,
        )


def _in_mig_mode(nvml: Any, handle: Any) -> bool:
    try:
        current, _ = nvml.nvmlDeviceGetMigMode(handle)
    except nvml.NVMLError as error:
        if error.value in {nvml.NVML_ERROR_NOT_SUPPORTED, nvml.NVML_ERROR_FUNCTION_NOT_FOUND}:
            return False  # cards, or drivers, that know no instances
        raise
    return bool(current == nvml.NVML_DEVICE_MIG_ENABLE)


def _instances(nvml: Any, handle: Any) -> Iterator[Any]:
    for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            yield nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
        except nvml.NVMLError as error:
            if error.value != nvml.NVML_ERROR_NOT_FOUND:  # places that hold no instance
                raise


def _hint(nvml: Any, error: Any) -> str:
    if error.value == nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
        return (
            "the driver was updated and its old kernel module is still loaded: restart the machine"
        )
    if error.value == nvml.NVML_ERROR_GPU_IS_LOST:
        return "a GPU fell off the bus: restart the machine, and see the kernel's log (dmesg, Xid)"
    return "see whether nvidia-smi works; in a container started anew, else after a restart"


def _text(value: str | bytes) -> str:
    """Older releases of the library return bytes."""
    return value.decode() if isinstance(value, bytes) else value

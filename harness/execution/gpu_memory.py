"""The most memory that was in use on the GPUs of a step while it ran, as the driver reports it."""

from collections.abc import Sequence
from threading import Event, Thread
from typing import Self

from harness.errors import NotReadyError

_PAUSE_SECONDS = 2.0


class GpuMemoryPeak:
    """Looks at GPUs in a thread until its block ends; `gb` is by UUID, what was seen.

    A step has its GPUs for itself among all harnesses of a cache; what others use on them counts.
    """

    def __init__(self, uuids: Sequence[str], pause: float = _PAUSE_SECONDS) -> None:
        self.gb: dict[str, float] = {}
        self._uuids, self._pause = uuids, pause
        self._over = Event()
        self._thread = Thread(target=self._follow, name="gpu-memory", daemon=True)

    def __enter__(self) -> Self:
        if self._uuids:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._uuids:
            self._thread.join()

    def _follow(self) -> None:
        from harness.gpus.nvml import Nvml

        driver = Nvml()
        while True:
            try:
                for uuid in self._uuids:
                    used = round(driver.used_gb(uuid), 3)
                    self.gb[uuid] = max(self.gb.get(uuid, 0.0), used)
            except NotReadyError:  # a driver that broke is the step's fault to meet, not ours
                return
            if self._over.wait(self._pause):
                return

"""The GPUs of a running step, and how much of their memory is in use."""

import time
from collections.abc import Callable, Mapping, Sequence

from harness.errors import NotReadyError
from harness.gpus.nvml import Nvml
from harness.plan.compatibility import Gpu

_PAUSE_SECONDS = 2.0


class CardView:
    """Asks the driver only where a step has GPUs, and not at every look."""

    def __init__(
        self,
        driver: Nvml | None = None,
        pause: float = _PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._driver, self._pause, self._clock = driver or Nvml(), pause, clock
        self._cards: Mapping[str, Gpu] | None = None
        self._used: dict[str, tuple[float, float | None]] = {}  # when it was read, GB

    def text(self, uuids: Sequence[str]) -> str:
        """`GPU 0 11.2/80 GB`; of several cards the sums; nothing for a step without."""
        cards = [card for uuid in uuids if (card := self._card(uuid)) is not None]
        if not cards:
            return ""
        name = "GPU " + ",".join(str(card.index) for card in cards)
        used = [self._used_gb(card.uuid) for card in cards]
        known = [one for one in used if one is not None]
        if len(known) < len(cards):
            return name
        return f"{name} {sum(known):.1f}/{sum(card.memory_gb for card in cards):.0f} GB"

    def _card(self, uuid: str) -> Gpu | None:
        if self._cards is None:
            try:
                self._cards = {card.uuid: card for card in self._driver.gpus()}
            except NotReadyError:  # a driver that broke is the step's to meet
                self._cards = {}
        return self._cards.get(uuid)

    def _used_gb(self, uuid: str) -> float | None:
        now = self._clock()
        read, used = self._used.get(uuid, (-self._pause, None))
        if now - read >= self._pause:
            try:
                used = self._driver.used_gb(uuid)
            except NotReadyError:
                used = None
            self._used[uuid] = (now, used)
        return used

"""NVML as a machine with GPUs would have it: what takes the place of pynvml at the adapter's edge."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pynvml

GB = 2**30


@dataclass
class Card:
    """A card, or an instance of one."""

    uuid: str
    name: str = "NVIDIA H100 80GB HBM3"
    total: int = 80 * GB
    used: int = 0
    capability: tuple[int, int] = (9, 0)
    instances: Sequence["Card | None"] | None = None  # in MIG mode; None where a place is empty
    fault: int | None = None  # the NVML error that any question about it gets


@dataclass
class FakeNvml:
    """The functions the adapter calls; constants and errors are pynvml's own."""

    cards: Sequence[Card] = ()
    driver: str = "580.82.07"
    fault: int | None = None  # the NVML error that the start gets
    knows_mig: bool = True
    sessions: int = 0  # started and not ended
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(pynvml, name)

    def nvmlInit(self) -> None:
        self._raise(self.fault)
        self.sessions += 1

    def nvmlShutdown(self) -> None:
        self.sessions -= 1

    def nvmlSystemGetDriverVersion(self) -> str:
        return self.driver

    def nvmlDeviceGetCount(self) -> int:
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Card:
        self._raise(self.cards[index].fault)
        return self.cards[index]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> Card:
        for card in self.cards:
            if card.uuid == uuid:
                self._raise(card.fault)
                return card
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)

    def nvmlDeviceGetUUID(self, card: Card) -> bytes | str:
        return card.uuid

    def nvmlDeviceGetName(self, card: Card) -> str:
        return card.name

    def nvmlDeviceGetMemoryInfo(self, card: Card) -> Any:
        return SimpleNamespace(total=card.total, used=card.used)

    def nvmlDeviceGetCudaComputeCapability(self, card: Card) -> tuple[int, int]:
        return card.capability

    def nvmlDeviceGetMigMode(self, card: Card) -> list[int]:
        if not self.knows_mig:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return [int(card.instances is not None)] * 2

    def nvmlDeviceGetMaxMigDeviceCount(self, card: Card) -> int:
        return len(card.instances or ())

    def nvmlDeviceGetMigDeviceHandleByIndex(self, card: Card, number: int) -> Card:
        found = (card.instances or ())[number]
        if found is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return found

    def _raise(self, fault: int | None) -> None:
        if fault is not None:
            raise pynvml.NVMLError(fault)

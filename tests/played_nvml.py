"""A played driver for the real command: a folder whose `pynvml` shadows the installed one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pynvml

from tests.fake_nvml import Card

_ROOT = Path(__file__).resolve().parents[1]
_MODULE = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("installed_pynvml", {installed!r})
installed = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = installed
spec.loader.exec_module(installed)
globals().update({{name: one for name, one in vars(installed).items() if name[:2] != "__"}})
from tests.fake_nvml import Card, FakeNvml
played = json.loads({played!r})
fake = FakeNvml([Card(**card) for card in played["cards"]], played["driver"], played["fault"])
globals().update({{name: getattr(fake, name) for name in dir(fake) if name.startswith("nvml")}})
"""


def play(
    folder: Path,
    cards: Sequence[Card],
    *,
    driver: str = "580.82.07",
    fault: int | None = None,
    environ: Mapping[str, str],
) -> dict[str, str]:
    """The environment of a command that finds these cards."""
    played = json.dumps(
        {"cards": [asdict(card) for card in cards], "driver": driver, "fault": fault}
    )
    folder.mkdir(exist_ok=True)
    text = _MODULE.format(installed=pynvml.__file__, played=played)
    (folder / "pynvml.py").write_text(text)
    outer = {name: text for name, text in environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    return {**outer, "PYTHONPATH": f"{folder}:{_ROOT}"}

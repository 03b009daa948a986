"""Measurements under `runs/measured/`, one file each, and in the file that is sent in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness import __version__
from harness.files import DamagedFile, read_sealed, write_sealed
from harness.layout import RunLayout
from harness.measured.measurement import Measurement
from harness.plan import keys

_ONE = TypeAdapter(Measurement)


@dataclass(frozen=True, slots=True)
class Kept:
    """Every measurement that can be read, and a line for each file that cannot."""

    measurements: tuple[Measurement, ...] = ()
    damage: tuple[str, ...] = ()


def keep(layout: RunLayout, measurement: Measurement) -> Path:
    """Write a measurement; one of the same step of the same rehearsal is replaced."""
    file = layout.measured(measurement.method, measurement.step, measurement.key)
    write_sealed(file, keys.plain(measurement))
    return file


def read_kept(layout: RunLayout) -> Kept:
    """Every measurement under a `runs/`. A damaged file is named and left out."""
    found: list[Measurement] = []
    damage: list[str] = []
    for file in sorted(layout.all_measured.glob("*.json")):
        try:
            found.append(_ONE.validate_json(keys.canonical_plain(read_sealed(file)), strict=True))
        except DamagedFile as error:
            damage.append(str(error))
        except ValidationError as error:
            damage.append(f"{file} is no measurement: {_first(error)}")
    return Kept(tuple(found), tuple(damage))


def share(file: Path, measurements: Iterable[Measurement]) -> None:
    """Write measurements into one file that can be sent in: no names of hosts, users or folders."""
    content: Mapping[str, Any] = {
        "harness": __version__,
        "measurements": [keys.plain(one) for one in measurements],
    }
    write_sealed(file, content)


def json_schema() -> Mapping[str, Any]:
    """The JSON Schema of a measurement."""
    return _ONE.json_schema()


def _first(error: ValidationError) -> str:
    detail = error.errors()[0]
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg'].lower()}"

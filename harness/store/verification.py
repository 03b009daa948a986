"""Verify stored outputs against their records before anybody reads them.

An output is hashed once; then it is trusted for as long as sizes, times and inodes of its files
stay as they were. The stamp beside the record carries that trust from one process to the next.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from harness.contracts import ContractError, content
from harness.contracts.confined import CONFINED
from harness.contracts.limits import seconds_for
from harness.files import DamagedFile, read_sealed, write_sealed
from harness.layout import StepFolder
from harness.manifest.fields import touch
from harness.plan import keys
from harness.store.store import Store


@dataclass(frozen=True, slots=True)
class Verifier:
    """Says which stored outputs are damaged. Threads may share one."""

    store: Store
    trust: bool = False  # the user accepts files of the right number and size unread
    anew: bool = False  # hash everything, whatever stamps say
    _seen: dict[Path, str] = field(default_factory=dict)  # output -> fingerprint when it was right

    def damage(self, key: str, path: str | None = None, stop: Event | None = None) -> str | None:
        """How outputs of a finished step differ from its record; None if they do not.

        Only of outputs that are there, and that `path` under /out touches if one is given.
        Raises Interrupted if `stop` is set meanwhile.
        """
        return self.damage_of(self.store.layout.entry(key), path, stop)

    def damage_of(
        self, entry: StepFolder, path: str | None = None, stop: Event | None = None
    ) -> str | None:
        """As `damage`, for any folder that has a record."""
        record = self.store.record_of(entry) or {}
        for name, place, recorded in _outputs(entry, record):
            if path is not None and not touch(place, path):
                continue
            damage = self._damage(entry, record, name, entry.out / place, recorded, stop)
            if damage is not None:
                return damage
        return None

    def _damage(
        self,
        entry: StepFolder,
        record: Mapping[str, Any],
        name: str,
        path: Path,
        recorded: Mapping[str, Any],
        stop: Event | None,
    ) -> str | None:
        try:
            state = content.fingerprint(path)
            known = self._seen.get(path), None if self.anew else stamped(entry, record).get(name)
            if state in known:
                self._seen[path] = state
                return None
            found: dict[str, Any] = dict(
                zip(("files", "bytes"), content.measure(path), strict=True)
            )
            if not self.trust and _sizes(found) == _sizes(recorded):
                seconds = seconds_for(found["bytes"])
                found = CONFINED.call(
                    content.describe, path, what=str(path), seconds=seconds, stop=stop
                )
        except (OSError, ContractError) as error:
            return f"{path}: {error}"
        if self.trust and _sizes(found) == _sizes(recorded):
            return None
        if not content.same(recorded, found):
            return f"{path}: recorded as {_shown(recorded)}, found {_shown(found)}"
        self._seen[path] = state
        with contextlib.suppress(OSError):  # a store that is only read: hashed again next time
            stamp(entry, record, {**stamped(entry, record), name: state})
        return None


def stamp(entry: StepFolder, record: Mapping[str, Any], fingerprints: Mapping[str, str]) -> None:
    """Note the states in which outputs were found as this record says."""
    states = {"record": keys.digest_plain(record), "outputs": dict(fingerprints)}
    write_sealed(entry.stamp, states, in_lines=False, flush=False)  # hashed again if it is lost


def stamped(entry: StepFolder, record: Mapping[str, Any]) -> dict[str, str]:
    """The states by output; none if the stamp is missing, damaged or of another record."""
    try:
        found = read_sealed(entry.stamp)
    except DamagedFile:
        return {}
    if found is None or found["record"] != keys.digest_plain(record):
        return {}
    outputs: dict[str, str] = found["outputs"]
    return outputs


def _outputs(
    entry: StepFolder, record: Mapping[str, Any]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Name, path under /out and record of every output that is there."""
    for name, recorded in record.get("outputs", {}).items():
        place = record["identity"]["key_inputs"]["outputs"][name]["path"]
        if os.path.lexists(entry.out / place):
            yield name, place, recorded


def _sizes(output: Mapping[str, Any]) -> tuple[int, int]:
    return output["files"], output["bytes"]


def _shown(output: Mapping[str, Any]) -> str:
    hash_ = f", sha256 {output['sha256'][:16]}…" if "sha256" in output else ""
    return f"{output['files']} files of {output['bytes']} bytes{hash_}"

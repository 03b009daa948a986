"""`runs/trust.json`: what assets were on first use, and where they were seen unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import NotReadyError
from harness.files import DamagedFile, locked, read_json, write_json

_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Trust:
    """The hashes of assets that are trusted; read anew each time, since others may write too."""

    path: Path

    def digest(self, name: str, origin: str | None) -> str | None:
        """The trusted hash of asset `name`; None before its first use, or if it is `outdated`."""
        return None if self.outdated(name, origin) else self._entry(name).get("digest")

    def outdated(self, name: str, origin: str | None) -> bool:
        """Whether asset `name` was trusted when the manifest declared another `origin`."""
        return bool(self._entry(name).get("origin", origin) != origin)

    def fingerprint(self, name: str, place: Path) -> str | None:
        """The fingerprint that `place` had when it was last hashed and found as trusted."""
        seen: Mapping[str, str] = self._entry(name).get("seen", {})
        return seen.get(str(place))

    def record(
        self, name: str, digest: str, place: Path, fingerprint: str, *, origin: str | None
    ) -> None:
        """Trust `digest` as what comes of `origin`, and `place` while it keeps `fingerprint`."""
        with locked(self.path.with_suffix(".lock")):
            assets = self._read()
            entry = assets.setdefault(name, {})
            seen = entry.get("seen", {}) if entry.get("digest") == digest else {}
            came = {} if origin is None else {"origin": origin}
            assets[name] = {**came, "digest": digest, "seen": {**seen, str(place): fingerprint}}
            self._write(assets)

    def _entry(self, name: str) -> Mapping[str, Any]:
        entry: Mapping[str, Any] = self._read().get(name, {})
        return entry

    def _read(self) -> dict[str, Any]:
        try:
            content = read_json(self.path)
        except DamagedFile as error:
            raise self._unreadable(str(error.__cause__)) from error
        if content is None:
            return {}
        if not isinstance(content, dict) or content.get("schema") != _SCHEMA:
            raise self._unreadable(f"expected an object with schema {_SCHEMA}")
        if not isinstance(assets := content.get("assets"), dict):
            raise self._unreadable("expected an object under assets")
        for name, entry in assets.items():
            if not isinstance(entry, dict) or not isinstance(entry.get("seen", {}), dict):
                raise self._unreadable(f"expected an object for {name}, and one under its seen")
        return assets

    def _unreadable(self, why: str) -> NotReadyError:
        return NotReadyError(
            f"{self.path} cannot be read: {why}",
            hint="restore it, or remove it to trust the assets as they are now",
        )

    def _write(self, assets: Mapping[str, Any]) -> None:
        write_json(self.path, {"schema": _SCHEMA, "assets": assets})

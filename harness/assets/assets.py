"""Data sets and weights: found with the user or in the cache, fetched, added, and always verified.

An asset is trusted by its published checksum, or else by the hash it had on first use. Once hashed,
a file or folder counts as unchanged as long as sizes, times and inodes stay the same.
Nothing is ever written into the user's own folders.
"""

import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.assets import declared, hashing
from harness.assets.archives import unpack
from harness.assets.declared import AssetState, AssetStatus
from harness.assets.download import Progress, download
from harness.assets.nearby import Nearby
from harness.assets.trust import Trust
from harness.contracts import ContractError, check
from harness.contracts.confined import CONFINED
from harness.errors import MismatchError, NotReadyError, UsageError
from harness.files import locked, remove_tree
from harness.layout import CacheLayout
from harness.manifest.catalogue import Asset
from harness.names import suggest

__all__ = ["AssetState", "AssetStatus", "Assets"]


class Assets:
    """The assets of a catalogue: in `data` (the user's folder), in the cache, or in a mirror.

    With a mirror nothing is downloaded; else servers are trusted by `ca_bundle`, if there is one.
    """

    def __init__(
        self,
        assets: Mapping[str, Asset],
        cache: CacheLayout,
        trust: Path,
        data: Path | None = None,
        mirror: Path | None = None,
        *,
        ca_bundle: Path | None = None,
    ) -> None:
        self._assets = assets
        self._ca_bundle = ca_bundle
        self._cache = cache
        self._trust = Trust(trust)
        self._data = data
        self._nearby = Nearby(data) if data is not None else None
        self._mirror = mirror

    def digest(self, name: str) -> str:
        """The published sha256, else that of the first use, else `unverified:<name>`."""
        return self._expected(name) or f"unverified:{name}"

    def locate(self, name: str, *, verify: bool = False) -> Path:
        """The file or folder, there and verified; with `verify` it is hashed again in any case.

        Raises:
            NotReadyError: it was not found; lists where it was looked for and how to get it.
            MismatchError: it differs from its checksum, first-use hash or contract.

        """
        place = self._find(name)
        if place is None:
            raise self._missing(name)
        return self._verified(name, place, anew=verify)

    def fetch(self, name: str, progress: Progress | None = None) -> Path:
        """As `locate`, after a download into the cache if it is nowhere and has an address.

        `progress` is called with the bytes that are there and those in all (None if unknown).
        What lies near the folder that `--data` names is not downloaded: NotReadyError names it.
        """
        asset = self._asset(name)
        if self._downloads(asset) and self._find(name) is None:
            if self._near(name):
                raise self._missing(name)
            with self._arriving(name) as arriving:
                if self._find(name) is None:  # nobody else has fetched it meanwhile
                    target = self._cache.arriving(name) / declared.file_name(asset.urls[0])
                    file = self._download(asset, target, progress)
                    try:
                        self._install(name, file, arriving, ours=True)
                    finally:
                        file.unlink(missing_ok=True)
        return self.locate(name)

    def _download(self, asset: Asset, target: Path, progress: Progress | None) -> Path:
        checksum = declared.checksum(asset)
        return download(asset.urls, target, checksum, progress, ca_bundle=self._ca_bundle)

    def add(self, name: str, file: Path) -> Path:
        """Take in a file that the user got by hand (copied), or a folder (linked, left alone).

        Raises:
            UsageError: there is no such file or asset, or it is of the wrong kind.
            MismatchError: the file is not the asset; the cache is as before.

        """
        declared.refuse_kind(name, self._asset(name), file)
        with self._arriving(name) as arriving:
            place = self._install(name, file.resolve(), arriving, ours=False)
        return self._verified(name, place)

    def kept_name(self, name: str) -> str:
        """Its own file or folder name."""
        return declared.kept_name(name, self._asset(name))

    def status(self) -> list[AssetStatus]:
        """What is there, without hashing anything."""
        return [self._status(name) for name in self._assets]

    # --- where --------------------------------------------------------------------------------

    def _asset(self, name: str) -> Asset:
        if name in self._assets:
            return self._assets[name]
        raise UsageError(f"there is no asset {name}", hint=suggest(name, self._assets, "known"))

    def _places(self, name: str) -> Iterator[Path]:
        """Where the asset may lie, the user's own folder first."""
        if self._data is not None:
            yield from (self._data / place for place in (name, *self._asset(name).places))
        yield self._kept(name)
        if self._mirror is not None:
            yield self._mirror / name / declared.kept_name(name, self._asset(name))

    def _kept(self, name: str) -> Path:
        """Its place in the cache."""
        return self._cache.asset(name) / declared.kept_name(name, self._asset(name))

    def _find(self, name: str) -> Path | None:
        wanted = Path.is_dir if declared.is_folder(self._asset(name)) else Path.is_file
        return next((place for place in self._places(name) if wanted(place)), None)

    def _missing(self, name: str) -> NotReadyError:
        looked = "\n".join(f"  {path}" for path in self._places(name))
        return NotReadyError(
            f"asset {name} ({self._asset(name).title}) is missing; looked for\n{looked}",
            hint=f"{self._how(name)}; --scale smoke does without it",
        )

    def _how(self, name: str) -> str:
        """How to get what was not found: where it lies if that is near, else from where."""
        near, how = self._near(name), declared.how_to_get(name, self._asset(name))
        return f"{near}; or, without --data, {how}" if near else how

    def _near(self, name: str) -> str:
        """What to say instead of this `--data`, if the asset lies near; else ""."""
        return self._nearby.hint(name, self._asset(name)) if self._nearby else ""

    def _status(self, name: str) -> AssetStatus:
        asset, state = self._assets[name], AssetState.MISSING
        if place := self._find(name):
            place = place.resolve()
            state = AssetState.UNHASHED
            if trusted := self._trust.fingerprint(name, place):
                same = trusted == hashing.fingerprint(asset.contract, place)
                state = AssetState.READY if same else AssetState.CHANGED
        near = "" if place else self._near(name)
        return AssetStatus(
            name=name,
            title=asset.title,
            state=state,
            path=place,
            digest=self.digest(name),
            size_gb=asset.size_gb,
            how=declared.how_to_get(name, asset) if place else self._how(name),
            downloads=self._downloads(asset) and place is None and not near,
            steps=(near,) if near else self._steps(asset),
            command="" if near else declared.adding(name),
            elsewhere=declared.elsewhere(name, asset),
        )

    def _downloads(self, asset: Asset) -> bool:
        """Whether it is downloaded where it is nowhere: with a mirror nothing is."""
        return bool(asset.urls) and self._mirror is None

    def _steps(self, asset: Asset) -> tuple[str, ...]:
        """How a person gets it: from its address, if it has one that a mirror keeps from use."""
        if asset.urls:
            return (f"download {asset.urls[0]} ({asset.size_gb:g} GB) where a network is",)
        return declared.steps_by_hand(asset)

    # --- whether it is what it should be --------------------------------------------------------

    def _expected(self, name: str) -> str | None:
        return declared.published(self._asset(name)) or self._trusted(name)

    def _trusted(self, name: str) -> str | None:
        return self._trust.digest(name, declared.origin(self._asset(name)))

    def _refuse_outdated(self, name: str, place: Path) -> None:
        """Refuse what was unpacked from an archive that the manifest no longer declares."""
        asset = self._asset(name)
        if asset.unpack is not None and self._trust.outdated(name, declared.origin(asset)):
            raise MismatchError(
                f"asset {name}: the manifest declares another archive than when {place} was "
                "first used; nothing was changed",
                hint=f"remove {place} and get the archive anew; or, if the content is meant, "
                f"remove {name} from {self._trust.path}",
            )

    def _verified(self, name: str, place: Path, *, anew: bool = False) -> Path:
        """`place` with links resolved, hashed and checked unless it is known and unchanged."""
        place, expected = place.resolve(), self._expected(name)
        self._refuse_outdated(name, place)
        contract = self._asset(name).contract
        try:
            known = expected is not None and self._trusted(name) == expected
            before = hashing.fingerprint(contract, place)
            if known and not anew and self._trust.fingerprint(name, place) == before:
                return place
            found = self._checked(name, place)
            if hashing.fingerprint(contract, place) != before:
                raise _changing(name, place)
        except OSError as error:
            raise NotReadyError(
                f"asset {name}: {place} cannot be read: {error}", hint="fix its permissions"
            ) from error
        self._trust.record(name, found, place, before, origin=declared.origin(self._asset(name)))
        return place

    def _checked(self, name: str, place: Path) -> str:
        """The hash of `place`, after it and the content were found as they should be."""
        asset, expected = self._asset(name), self._expected(name)
        if place.is_dir():  # what is missing says more than another hash
            self._check(name, place)
        found = hashing.digest(asset.contract, place)
        if expected is not None and found != expected:
            raise declared.mismatch(name, place, f"sha256 {expected}", found, self._advice(name))
        if asset.md5 is not None and asset.unpack is None:
            declared.compare(name, place, f"md5:{asset.md5}")
        if not place.is_dir():
            self._check(name, place)
        return found

    def _check(self, name: str, place: Path) -> None:
        asset = self._asset(name)
        try:
            CONFINED.call(check, asset.contract, place, Path, what=str(place))
        except ContractError as error:
            raise declared.broken(name, asset, error) from error

    def _advice(self, name: str) -> str:
        asset = self._asset(name)
        if declared.published(asset):
            return f"get the published file: {declared.how_to_get(name, asset)}"
        return (
            f"bring the old content back; if the new one is meant, remove {name} from "
            f"{self._trust.path}: every step that reads it then runs again"
        )

    # --- how it comes in --------------------------------------------------------------------------

    @contextmanager
    def _arriving(self, name: str) -> Iterator[Path]:
        """A folder of our own in the cache, gone afterwards; one arrival of an asset at a time."""
        root = self._cache.arriving(name)
        folder = root / uuid.uuid4().hex
        with locked(root / "lock"):
            try:
                folder.mkdir()
                yield folder
            finally:
                remove_tree(folder, quiet=True)

    def _install(self, name: str, file: Path, arriving: Path, *, ours: bool) -> Path:
        """Check `file` (or what is packed in it), then put it in its place at once."""
        asset, place = self._asset(name), self._kept(name)
        if asset.unpack is not None and file.is_file():
            if expected := declared.checksum(asset):
                declared.compare(name, file, expected)
            file, ours = unpack(file, asset.unpack, arriving / "unpacked"), True
        found = self._checked(name, file)
        if not place.exists():
            came = file if ours else _copied(name, file, found, arriving)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)  # a link to a folder that is gone
            came.rename(place)
        elif hashing.digest(asset.contract, place) != found:
            advice = f"remove {place} if it is no longer wanted"
            raise declared.mismatch(name, file, f"what lies in {place}", found, advice)
        seen = hashing.fingerprint(asset.contract, place)
        self._trust.record(name, found, place.resolve(), seen, origin=declared.origin(asset))
        return place


def _copied(name: str, file: Path, digest: str, folder: Path) -> Path:
    """A copy of the user's file in `folder`, or a link to the user's folder."""
    came = folder / file.name
    if file.is_dir():
        came.symlink_to(file)
        return came
    shutil.copy2(file, came)
    if hashing.file_digest(came) != digest:
        raise _changing(name, file)
    return came


def _changing(name: str, place: Path) -> MismatchError:
    return MismatchError(
        f"asset {name}: {place} was changed while it was read",
        hint="wait until nothing writes there any more, then try again",
    )

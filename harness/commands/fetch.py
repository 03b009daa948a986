"""The verb `fetch`: bring sources and assets here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.commands.context import Context, Notify
from harness.commands.plan import expand, read_unpatched, stand_ins
from harness.manifest.model import Method, Scale
from harness.manifest.references import used_assets
from harness.plan.make import scale_of
from harness.plan.plan import BoundStep
from harness.sources.sources import Checkout


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The sources and assets that steps read."""

    checkouts: Mapping[tuple[str, tuple[str, ...]], Checkout]  # by repository and patches
    assets: Mapping[str, Path]


def fetch(context: Context, steps: Sequence[BoundStep], notify: Notify) -> Fetched:
    """Check out every source and find or download every asset that the steps read."""
    checkouts: dict[tuple[str, tuple[str, ...]], Checkout] = {}
    assets: dict[str, Path] = {}
    for step in steps:
        for name, patches in step.sources:
            if (name, patches) not in checkouts:
                notify(f"fetch {name}" + (f" + {', '.join(patches)}" if patches else ""))
                checkouts[name, patches] = context.sources.checkout(
                    name, context.catalogue.repositories[name], patches, scale=step.scale
                )
        for name in step.assets:
            if name not in assets:
                notify(f"fetch {name}")
                assets[name] = context.assets.fetch(name)
    return Fetched(checkouts=checkouts, assets=assets)


def fetch_methods(
    context: Context, names: Sequence[str], asked: Scale | None, notify: Notify
) -> list[dict[str, str]]:
    """Check out the sources and fetch the assets of methods, whatever is done already."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for name in expand(context, names):
        method = context.method(name)
        scale = scale_of(method, asked)
        unpatched = dict.fromkeys(read_unpatched(context, method, scale), ())
        for repository, patches in {**method.repositories, **unpatched}.items():
            notify(f"fetch {repository}")
            pinned = context.catalogue.repositories[repository]
            found = context.sources.checkout(repository, pinned, patches, scale=scale)
            rows["repository", repository] = _row("repository", repository, found.path)
        for asset in sorted(needed_assets(context, method, scale)):
            notify(f"fetch {asset}")
            rows["asset", asset] = _row("asset", asset, context.assets.fetch(asset))
    return list(rows.values())


def needed_assets(context: Context, method: Method, scale: Scale) -> set[str]:
    """The assets that a method reads at a scale and that no step makes."""
    made = stand_ins(context, scale)
    used = made.behind(used_assets(method, by_default=True))
    return {name for name in used if made.maker(name) is None}


def can_download(context: Context, asset: str) -> bool:
    """Whether harness can download the asset by itself."""
    return bool(context.catalogue.assets[asset].urls)


def _row(kind: str, name: str, path: Path) -> dict[str, str]:
    return {"kind": kind, "name": name, "path": str(path)}

"""The verb `fetch`: bring sources and assets here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.commands.context import Context, Notify
from harness.commands.doctor import examined, refuse, repositories_of
from harness.commands.plan import expand, read_unpatched, stand_ins
from harness.doctor import Needs, data, disk, machine
from harness.manifest.model import Method, RuntimeName, Scale
from harness.manifest.references import used_assets
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
    context: Context, names: Sequence[str], scale: Scale, notify: Notify
) -> list[dict[str, str]]:
    """Check out the sources and fetch the assets of methods, whatever is done already.

    Raises Unready: at once if nothing can be fetched so, at the end for what only people can get.
    """
    methods = [context.method(name) for name in expand(context, names)]
    needs = _needs(context, methods, scale)
    refuse(examined(context, needs, (machine.git, data.mirror, disk.disk)).missing)
    by_hand = examined(context, needs, (data.data,)).missing
    absent = {finding.name for finding in by_hand}
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for method in methods:
        for repository, patches in _sources(context, method, scale).items():
            notify(f"fetch {repository}")
            pinned = context.catalogue.repositories[repository]
            found = context.sources.checkout(repository, pinned, patches, scale=scale)
            rows["repository", repository] = _row("repository", repository, found.path)
        for asset in sorted(needed_assets(context, method, scale) - absent):
            notify(f"fetch {asset}")
            rows["asset", asset] = _row("asset", asset, context.assets.fetch(asset))
    refuse(by_hand)
    return list(rows.values())


def _needs(context: Context, methods: Sequence[Method], scale: Scale) -> Needs:
    """What a fetch needs: no engine and no GPU."""
    sources = [name for method in methods for name in _sources(context, method, scale)]
    assets = {name for method in methods for name in needed_assets(context, method, scale)}
    return Needs(
        runtime=RuntimeName.PROCESS,
        scale=scale,
        methods=tuple(method.method for method in methods),
        assets=[one for one in context.assets.status() if one.name in assets],
        mirror=context.mirror,
        repositories=repositories_of(context, sources),
    )


def _sources(context: Context, method: Method, scale: Scale) -> dict[str, tuple[str, ...]]:
    """The repositories of a method with their patches; some are read without any."""
    unpatched = dict.fromkeys(sorted(read_unpatched(context, method, scale)), ())
    return {**method.repositories, **unpatched}


def needed_assets(context: Context, method: Method, scale: Scale) -> set[str]:
    """The assets that a method reads at a scale and that no step makes."""
    made = stand_ins(context, scale)
    used = made.behind(used_assets(method, by_default=True))
    return {name for name in used if made.maker(name) is None}


def _row(kind: str, name: str, path: Path) -> dict[str, str]:
    return {"kind": kind, "name": name, "path": str(path)}

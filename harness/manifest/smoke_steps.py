"""Steps that make smoke assets: what they are, and what they may read."""

import graphlib
from collections.abc import Iterable, Iterator, Mapping

from harness.manifest.catalogue import Asset, Repository, SmokeMaker
from harness.manifest.model import CountAt, Output, Resources, ResourcesAt, Step
from harness.manifest.placeholders import placeholders
from harness.manifest.references import parse_reference, texts
from harness.manifest.yaml_document import KeyPath
from harness.manifest.yaml_source import YamlSource

_PREFIX = "make-"
#: Many methods share an asset: nothing of a method or a run may stand in how it is made.
_FILLED = frozenset({"out", "work", "threads", "workers", "scale"})


def smoke_step(name: str, asset: Asset, made: SmokeMaker) -> Step:
    """The step that makes the smoke asset `name`."""
    return Step(
        name=_PREFIX + name,
        stage=1,
        about=f"make {asset.title} for smoke scale",
        argv=made.argv,
        inputs=made.inputs,
        outputs={"asset": Output(path=made.path, contract=made.contract)},
        packages=made.packages,
        threads=CountAt(paper=1, smoke=1),
        resources=ResourcesAt(paper=Resources()),
    )


def assets_behind(names: Iterable[str], assets: Mapping[str, Asset]) -> set[str]:
    """The assets `names`, and all that they are made of at smoke scale."""
    needed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        made = assets[name].smoke
        if name not in needed and made is not None:
            references = map(parse_reference, made.inputs.values())
            waiting += [one.name for one in references if one.kind == "assets"]
        needed.add(name)
    return needed


def check_assets(
    assets: Mapping[str, Asset], repositories: Mapping[str, Repository], source: YamlSource
) -> None:
    """Raise ManifestError at the first smoke asset that cannot be made; `source` holds all."""
    graph: dict[str, set[str]] = {}
    for name, asset in assets.items():
        if asset.smoke is not None:
            _check_templates(smoke_step(name, asset, asset.smoke), source, name)
            graph[name] = set(_inputs(asset.smoke, assets, repositories, source, name))
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        circle = error.args[1]
        raise source.error(
            ("assets", circle[0], "smoke", "inputs"),
            f"inputs run in a circle: {' -> '.join(circle)}",
            hint="cut the circle",
        ) from error


def _inputs(
    made: SmokeMaker,
    assets: Mapping[str, Asset],
    repositories: Mapping[str, Repository],
    source: YamlSource,
    name: str,
) -> Iterator[str]:
    """The assets that a smoke asset is made of."""
    for key, text in made.inputs.items():
        reference = parse_reference(text)
        known = {"assets": assets, "repos": repositories}.get(reference.kind, {})
        if reference.name not in known or placeholders(text):
            raise source.error(
                ("assets", name, "smoke", "inputs", key),
                f"{text!r} names no asset and no repository",
                hint="write assets.NAME[/path] or repos.NAME[/path]",
            )
        if reference.kind == "assets":
            yield reference.name


def _check_templates(step: Step, source: YamlSource, name: str) -> None:
    for place, text in texts(step):
        for placeholder in placeholders(text):
            kind, _, named = placeholder.partition(".")
            if placeholder not in _FILLED and (kind != "in" or named not in step.inputs):
                raise source.error(
                    ("assets", name, "smoke", *_place(place)),
                    f"unknown placeholder {{{placeholder}}} in {text!r}",
                    hint=f"placeholders: in.INPUT, {', '.join(sorted(_FILLED))}",
                )


def _place(place: KeyPath) -> KeyPath:
    """Where a text of the step is written in the asset's `smoke`."""
    return place[2:] if place[:2] == ("outputs", "asset") else place

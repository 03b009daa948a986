"""Steps that make stand-ins for assets: what they are, and what they may read."""

import graphlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.manifest.catalogue import Asset, Repository, SmokeMaker
from harness.manifest.model import CountAt, Output, Resources, ResourcesAt, Scale, Step
from harness.manifest.placeholders import placeholders
from harness.manifest.references import parse_reference, texts
from harness.manifest.yaml_document import KeyPath
from harness.manifest.yaml_source import YamlSource

_PREFIX = "make-"
#: Many methods share an asset: nothing of a method or a run may stand in how it is made.
_FILLED = frozenset({"out", "work", "threads", "workers", "scale"})
#: The makers that an asset may declare.
_FIELDS = ("smoke", "rehearsal")


def smoke_step(name: str, asset: Asset, made: SmokeMaker) -> Step:
    """The step that makes a stand-in for the asset `name`."""
    return Step(
        name=_PREFIX + name,
        stage=1,
        about=f"make a stand-in for {asset.title}",
        argv=made.argv,
        inputs=made.inputs,
        outputs={"asset": Output(path=made.path, contract=made.contract)},
        packages=made.packages,
        threads=CountAt(paper=1, smoke=1),
        resources=ResourcesAt(paper=Resources()),
    )


def made_asset(step: str) -> str | None:
    """The asset that a step of this name makes; None for any other step."""
    return step.removeprefix(_PREFIX) if step.startswith(_PREFIX) else None


@dataclass(frozen=True, slots=True)
class StandIns:
    """Which assets steps make at a scale, in the place of the assets themselves."""

    assets: Mapping[str, Asset]
    scale: Scale
    absent: frozenset[str] = frozenset()  # not on this machine: a rehearsal makes them

    def maker(self, name: str) -> SmokeMaker | None:
        """What makes a stand-in for an asset; None where the asset itself is read."""
        asset = self.assets[name]
        if self.scale is Scale.SMOKE:
            return asset.smoke
        return asset.rehearsed if self.scale.rehearsed and name in self.absent else None

    def behind(self, names: Iterable[str]) -> set[str]:
        """The assets `names`, and all that stand-ins for them are made of."""
        needed: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            made = self.maker(name)
            if name not in needed and made is not None:
                references = map(parse_reference, made.inputs.values())
                waiting += [one.name for one in references if one.kind == "assets"]
            needed.add(name)
        return needed


def check_assets(
    assets: Mapping[str, Asset], repositories: Mapping[str, Repository], source: YamlSource
) -> None:
    """Raise ManifestError at the first stand-in that cannot be made; `source` holds all."""
    for field in _FIELDS:
        graph: dict[str, set[str]] = {}
        for name, asset in assets.items():
            made: SmokeMaker | None = getattr(asset, field)
            if made is not None:
                where = ("assets", name, field)
                _check_templates(smoke_step(name, asset, made), source, where)
                graph[name] = set(_inputs(made, assets, repositories, source, where))
        _refuse_circle(graph, field, source)


def _refuse_circle(graph: Mapping[str, set[str]], field: str, source: YamlSource) -> None:
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        circle = error.args[1]
        raise source.error(
            ("assets", circle[0], field, "inputs"),
            f"inputs run in a circle: {' -> '.join(circle)}",
            hint="cut the circle",
        ) from error


def _inputs(
    made: SmokeMaker,
    assets: Mapping[str, Asset],
    repositories: Mapping[str, Repository],
    source: YamlSource,
    where: KeyPath,
) -> Iterator[str]:
    """The assets that a stand-in is made of."""
    for key, text in made.inputs.items():
        reference = parse_reference(text)
        known = {"assets": assets, "repos": repositories}.get(reference.kind, {})
        if reference.name not in known or placeholders(text):
            raise source.error(
                (*where, "inputs", key),
                f"{text!r} names no asset and no repository",
                hint="write assets.NAME[/path] or repos.NAME[/path]",
            )
        if reference.kind == "assets":
            yield reference.name


def _check_templates(step: Step, source: YamlSource, where: KeyPath) -> None:
    for place, text in texts(step):
        for placeholder in placeholders(text):
            kind, _, named = placeholder.partition(".")
            if placeholder == "images" and "rehearsal" in where:
                continue
            if placeholder not in _FILLED and (kind != "in" or named not in step.inputs):
                raise source.error(
                    (*where, *_place(place)),
                    f"unknown placeholder {{{placeholder}}} in {text!r}",
                    hint=f"placeholders: in.INPUT, {', '.join(sorted(_FILLED))}",
                )


def _place(place: KeyPath) -> KeyPath:
    """Where a text of the step is written in the asset's `smoke` or `rehearsal`."""
    return place[2:] if place[:2] == ("outputs", "asset") else place

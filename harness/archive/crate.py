"""The description of an archive: a Provenance Run Crate 0.5 on RO-Crate 1.1.

https://w3id.org/ro/wfrun/provenance/0.5
"""

import datetime as dt
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import __version__
from harness.archive.actions import Actions
from harness.archive.contents import HandOver
from harness.archive.jsonld import ENGINE, TERMS, Entity, entity, ref, refs
from harness.archive.readme import readme
from harness.archive.workflow import (
    language,
    sources,
    workflow_entities,
    workflow_properties,
)
from harness.contracts.content import file_hash
from harness.layout import ArchiveLayout, RunLayout

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

# Newer versions have no profile of workflow runs that validators know.
_VERSION = "1.1"
_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_PROFILES: Mapping[str, str] = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    _WORKFLOW_CRATE: "Workflow RO-Crate",
}
_FORMATS = {
    ".lock": "text/plain",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".patch": "text/x-diff",
    ".yaml": "application/yaml",
}


def write_crate(wanted: HandOver, folder: Path, licence: str) -> None:
    """Write the files and `ro-crate-metadata.json` into an empty folder.

    Equal runs give equal bytes: the crate is dated by the end of the last step.
    """
    (folder / ArchiveLayout.readme).write_text(readme(wanted), encoding="utf-8")
    describe(wanted, folder / ArchiveLayout.readme, licence).write(folder)


def describe(wanted: HandOver, about: Path, licence: str) -> "ROCrate":
    """The crate of what is handed over, with the page `about` it."""
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=_VERSION)
    crate.metadata.extra_terms.update(TERMS)
    crate.metadata["conformsTo"] = [ref(crate.metadata.profile), ref(_WORKFLOW_CRATE)]
    hashes = {place: file_hash(path) for place, path in wanted.files.items()}
    workflows = {
        name: wanted.project.method(name).relative_to(wanted.project.root).as_posix()
        for name in wanted.methods
    }
    actions = Actions(
        layout=RunLayout(wanted.evidence.root), runs=wanted.evidence.runs, workflows=workflows
    )
    special = _workflows(wanted, workflows)
    examples = actions.of_files()
    for place, path in wanted.files.items():
        properties = _file(place, path, hashes[place], examples.get(place, ()))
        crate.add_file(path, place, properties=properties | special.get(place, {}))
    page = {"about": ref("./"), "name": "what this archive holds"}
    crate.add_file(about, about.name, properties=_file(about.name, about, file_hash(about)) | page)
    described = {one["@id"]: one for one in _entities(wanted, actions, hashes)}
    for one in described.values():
        crate.add_jsonld(one)
    _describe_root(crate, wanted, actions, next(iter(workflows.values())), licence)
    return crate


def _describe_root(
    crate: "ROCrate", wanted: HandOver, actions: Actions, main: str, licence: str
) -> None:
    ended = max(
        step.record["time"]["end"]
        for run in wanted.evidence.runs
        for step in run.steps.values()
        if step.record is not None
    )
    root = crate.root_dataset
    root["name"] = f"{len(wanted.evidence.runs)} runs of {', '.join(wanted.methods)}"
    root["description"] = (
        "Records, scores, samples and logs of runs of harness, which reproduces High-fidelity "
        "Pseudo-labels for Boosting Weakly-Supervised Segmentation (WACV 2024), and the "
        "manifests, patches and locks that say what ran."
    )
    root["license"] = _licence(crate, licence)
    root["conformsTo"] = refs(_PROFILES)
    root["mainEntity"] = ref(main)
    root["mentions"] = refs(actions.ids())
    crate.datePublished = dt.datetime.fromisoformat(ended)


def _licence(crate: "ROCrate", licence: str) -> Any:
    """The text, or where it is the address of a licence, an entity of that."""
    if not licence.startswith("http"):
        return licence
    crate.add_jsonld(entity(licence, "CreativeWork", name=licence.rpartition("/")[2]))
    return ref(licence)


def _workflows(wanted: HandOver, workflows: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What the files of manifests are besides files."""
    recipes = [place for place in wanted.files if place.startswith("dockerfiles/")]
    return {
        workflows[name]: workflow_properties(
            name, method.title, wanted.runs_of(name), _recipes_of(name, recipes)
        )
        for name, method in wanted.methods.items()
    }


def _recipes_of(method: str, recipes: Sequence[str]) -> list[str]:
    own = f"dockerfiles/{method}/"
    return [place for place in recipes if place.startswith(own) or place.count("/") == 1]


def _entities(wanted: HandOver, actions: Actions, hashes: Mapping[str, str]) -> Iterator[Entity]:
    for identity, name in _PROFILES.items():
        version = identity.rpartition("/")[2]
        yield entity(identity, "CreativeWork", name=name, version=version)
    yield entity(
        ENGINE,
        "SoftwareApplication",
        name="harness",
        softwareVersion=__version__,
        description="runs the methods of the paper from pinned repositories to scores",
    )
    yield language()
    for name in wanted.methods:
        yield from workflow_entities(name, wanted.runs_of(name))
    yield from actions.entities()
    urls = {name: one.url for name, one in wanted.catalogue.repositories.items()}
    recorded = [
        step
        for run in wanted.evidence.runs
        for step in run.steps.values()
        if step.record is not None
    ]
    yield from sources(recorded, urls, hashes)


def _file(place: str, path: Path, sha256: str, examples: Sequence[str] = ()) -> dict[str, Any]:
    found = {
        "name": place,
        "contentSize": str(path.stat().st_size),
        "sha256": sha256,
        "encodingFormat": _FORMATS.get(path.suffix)
        or mimetypes.guess_type(path.name)[0]
        or "text/plain",
        "exampleOfWork": refs(examples),
    }
    return {name: one for name, one in found.items() if one}

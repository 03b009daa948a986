"""Which files are handed over: what ran, what came out as scores, and what was written down of it.

No data: of the outputs of a run only its score files and samples are taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.errors import NotReadyError
from harness.evidence.evidence import Evidence, RunEvidence, StepEvidence
from harness.layout import ArchiveLayout, ProjectLayout, RunLayout
from harness.manifest.catalogue import Catalogue
from harness.manifest.model import Method

#: Outputs of a scoring step that are handed over.
_SHOWN = ("scores", "samples")
Files = Iterator[tuple[str, Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """What goes into one archive."""

    project: ProjectLayout
    catalogue: Catalogue
    methods: Mapping[str, Method]
    evidence: Evidence
    files: Mapping[str, Path]  # place in the archive, with slashes -> file

    def runs_of(self, method: str) -> tuple[RunEvidence, ...]:
        """Its runs of one method."""
        return tuple(run for run in self.evidence.runs if run.method == method)


def hand_over(
    project: ProjectLayout,
    catalogue: Catalogue,
    methods: Sequence[Method],
    evidence: Evidence,
    report: Path | None = None,
) -> HandOver:
    """What an archive of these runs holds. Raises NotReadyError for a run without a record."""
    for run in evidence.runs:
        if not any(step.record for step in run.steps.values()):
            raise NotReadyError(
                f"{run.id} has no step whose record is there: nothing of it can be handed over",
                hint="run it again with `harness reproduce`, or leave it out",
            )
    files = dict(_manifests(project, methods))
    files |= dict(_sources(project, methods))
    files |= dict(_recipes(project, evidence.runs))
    files |= dict(_runs(RunLayout(evidence.root), evidence.runs))
    if report is not None:
        files[ArchiveLayout.report] = report
    return HandOver(
        project=project,
        catalogue=catalogue,
        methods={method.method: method for method in methods},
        evidence=evidence,
        files=dict(sorted(files.items())),
    )


def shown_outputs(step: StepEvidence) -> Iterator[tuple[str, Path]]:
    """Name and files of the outputs of a step that are handed over."""
    if step.record is None or step.out is None:
        return
    declared = step.record["identity"]["key_inputs"]["outputs"]
    for name in _SHOWN:
        if name in declared and name in step.record["outputs"]:
            for path in _regular(step.out / declared[name]["path"]):
                yield name, path


def place_in_runs(layout: RunLayout, path: Path) -> str:
    """Where a file under `runs/` lies in the archive."""
    inside = PurePosixPath(path.relative_to(layout.root).as_posix())
    return str(PurePosixPath(ArchiveLayout.runs) / inside)


def _manifests(project: ProjectLayout, methods: Sequence[Method]) -> Files:
    named = [project.repositories, project.embedded, project.assets, project.stacks, project.paper]
    named += sorted(project.shared_steps("any").parent.glob("*.yaml"))
    named += [project.method(method.method) for method in methods]
    yield from _of_project(project, [*named, project.lock])


def _sources(project: ProjectLayout, methods: Sequence[Method]) -> Files:
    for method in methods:
        for name, patches in method.repositories.items():
            files = [project.patch(name, patch) for patch in patches]
            yield from _of_project(project, [*files, project.patched_trees(name)])


def _recipes(project: ProjectLayout, runs: Sequence[RunEvidence]) -> Files:
    for method, stack in dict.fromkeys((run.method, run.stack) for run in runs):
        files = [
            project.common_dockerfile,
            project.dockerfile(method),
            project.requirements(method, stack),
            project.build_requirements(method, stack),
        ]
        yield from _of_project(project, files)


def _of_project(project: ProjectLayout, files: Sequence[Path]) -> Files:
    for path in files:
        if path.is_file():
            yield path.relative_to(project.root).as_posix(), path


def _runs(layout: RunLayout, runs: Sequence[RunEvidence]) -> Files:
    for run in runs:
        records = [layout.run(run.id), layout.submission(run.id)]
        for step in run.steps.values():
            records += _of_step(layout, step)
        for path in records:
            if path.is_file():
                yield place_in_runs(layout, path), path


def _of_step(layout: RunLayout, step: StepEvidence) -> Iterator[Path]:
    if step.record is None:
        return
    yield layout.entry(step.key).record
    if lock := step.record.get("environment", {}).get("lock"):  # records before schema 4 have none
        yield from _regular(layout.lock(lock, "any").parent)
    if step.log is not None and not step.log.is_symlink():
        yield step.log
    yield from (path for _, path in shown_outputs(step))


def _regular(path: Path) -> Iterator[Path]:
    """A file, or the files below a folder; links are left out."""
    if path.is_symlink():
        return
    if path.is_file():
        yield path
    elif path.is_dir():
        for inner in sorted(path.iterdir()):
            yield from _regular(inner)

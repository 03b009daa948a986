"""Golden plans: what a method's manifest comes to, as text that a reviewer can read in a diff.

After a meant change: `python -m tests.golden` writes them anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from harness.layout import CacheLayout, ProjectLayout, RunLayout
from harness.manifest.catalogue import Catalogue, Package
from harness.manifest.load import load_catalogue, load_method, method_names
from harness.manifest.model import Method, Scale
from harness.measured.choice import Shelf
from harness.measured.figures import figures_of
from harness.measured.kept import read_kept
from harness.measured.outlook import outlook_of
from harness.measured.summary import arms_of, jobs_of
from harness.measured.text import (
    ARM_COLUMNS,
    JOB_COLUMNS,
    arm_cells,
    basis_values,
    job_cells,
    outlook_values,
)
from harness.plan import keys
from harness.plan.bind import Digests
from harness.plan.make import Ask, make_plan
from harness.plan.plan import BoundStep, Plan
from harness.sources.git import GitCommands
from harness.sources.sources import Sources

#: Rehearsals follow from the paper's: tests/unit/plan/test_rehearsal.py.
SCALES = (Scale.PAPER, Scale.SMOKE)
FOLDER = Path(__file__).parent
PROJECT = ProjectLayout(FOLDER.parent.parent)


def methods() -> tuple[str, ...]:
    return method_names(PROJECT)


def chains() -> dict[str, tuple[str, str]]:
    """The name of every chain's golden plans -> its method and backbone."""
    catalogue = load_catalogue(PROJECT)
    found = {}
    for name in methods():
        backbones = load_method(PROJECT, name, catalogue).backbones
        for backbone in backbones:
            found[f"{name}-{backbone}" if len(backbones) > 1 else name] = (name, backbone)
    return found


def plan(names: Sequence[str], scale: Scale, backbone: str | None = None) -> Plan:
    """All losses, the manifest's seeds, one backbone or all; what is not the manifest's is words."""
    catalogue = load_catalogue(PROJECT)
    found = [load_method(PROJECT, name, catalogue) for name in names]
    ask = Ask(methods=tuple(names), backbone=backbone, scale=scale)
    return make_plan(found, catalogue, ask, lambda method: _digests(catalogue, method))


def _digests(catalogue: Catalogue, method: Method) -> Digests:
    sources = Sources(GitCommands(), CacheLayout(Path("/nowhere")), PROJECT, None)
    pinned = catalogue.repositories
    return Digests(
        environment="environment",
        assets={asset: f"digest of {asset}" for asset in catalogue.assets},
        sources={
            repository: keys.plain(sources.identify(repository, pinned[repository], patches))
            for repository, patches in method.repositories.items()
        },
        pristine={repository: pin.commit for repository, pin in pinned.items()},
        packages={package: package for package in ("site", *get_args(Package))},
    )


def everything() -> str:
    """What `plan all` comes to at paper scale: runs, what is shared, peak disk, options."""
    names = [name for name in methods() if name != "demo"]
    plans = {name: plan([name], Scale.PAPER) for name in names}
    whole = plan(names, Scale.PAPER)
    gpu_hours = sum(step.resources.gpus * step.resources.hours for step in whole.steps.values())
    lines = [
        f"{len(whole.runs)} runs, {len(whole.steps)} distinct steps",
        f"sharing saves {whole.shared} step executions",
        f"peak disk (estimate): {whole.peak_disk_gb():g} GB",
        f"GPU-hours (estimate): {gpu_hours:g}",
    ]
    for name, found in plans.items():
        size = f"{len(found.runs)} runs, {len(found.steps)} distinct steps, shared {found.shared}"
        lines += ["", f"{name}: {size}, peak disk {found.peak_disk_gb():g} GB"]
        lines += [f"  {key}={choice}" for key, choice in found.runs[0].run.options.items()]
        lines += [f"  {planned.run.id}: {len(planned.steps)} steps" for planned in found.runs]
    return "\n".join(lines) + "\n"


def forecast() -> str:
    """What `plan sipe --backbone res101 --seeds 5` says after the rehearsals in `rehearsed/`."""
    found = plan(["sipe"], Scale.PAPER, "res101")
    kept = read_kept(RunLayout(FOLDER / "rehearsed"))
    figures = figures_of(found, Shelf.of(kept.measurements))
    outlook = outlook_of(found, found.steps, figures, kept.damage)
    jobs = jobs_of(found, found.steps, figures)
    arms = [ARM_COLUMNS, *map(arm_cells, arms_of(found, found.steps, figures))]
    rows = [*arms, (), JOB_COLUMNS, *map(job_cells, jobs), ()]
    rows += [*outlook_values(outlook), *basis_values(outlook, jobs)]
    return "\n".join("  ".join(row) for row in rows) + "\n"


def text(found: Plan) -> str:
    """Runs with the keys of their steps, then every distinct step of the first seed in full."""
    lines = [f"{len(found.runs)} runs, {len(found.steps)} distinct steps", ""]
    first = found.runs[0].run.seed
    shown: dict[str, BoundStep] = {}
    for planned in found.runs:
        run = planned.run
        lines.append(f"{run.backbone} {run.losses} seed {run.seed}")
        lines += [f"  {key[:12]} {name}" for name, key in planned.steps.items()]
        if run.seed == first:
            shown |= {key: found.steps[key] for key in planned.steps.values()}
    for key, step in shown.items():
        lines += ["", f"{key[:12]} {step.name} (stage {step.stage}, {step.repo or 'harness'})"]
        lines += _details(step)
    return "\n".join(lines) + "\n"


def _details(step: BoundStep) -> Iterator[str]:
    yield f"  argv: {' '.join(step.argv)}"
    shown: Mapping[str, Any] = {
        "cwd": step.cwd,
        "env": dict(step.env),
        "links": dict(step.links),
        "inputs": {name: f"{i.kind} {i.ref[:12]} {i.path}" for name, i in step.inputs.items()},
        "outputs": {name: keys.plain(output) for name, output in step.outputs.items()},
        "packages": list(step.packages),
        "seed": step.seed,
        "threads": step.threads,
        "workers": step.workers,
        "resources": keys.plain(step.resources),
    }
    for name, value in shown.items():
        if value not in ({}, [], None, "."):
            yield f"  {name}: {keys.canonical(value)}"

"""How methods are shown."""

from collections.abc import Iterator
from typing import Any

from harness.commands.context import Context
from harness.commands.methods import About, ChainStep
from harness.manifest.load import method_names
from harness.manifest.model import Anchor, Option
from harness.measured.text import job_cells, source
from harness.plan import keys

CHAIN_COLUMNS = ("stage", "step", "repository", "backbone", "hours", "GPU", "what it does")
LINK_COLUMNS = ("repository", "commit", "licence", "URL")
_COMMIT_SHOWN = 12


def method_rows(context: Context) -> list[dict[str, Any]]:
    """`methods --json`."""
    rows = []
    for name in method_names(context.project):
        method = context.method(name)
        rows.append(
            {
                "name": name,
                "title": method.title,
                "backbones": list(method.backbones),
                "stacks": list(method.stacks),
                "seeds": list(method.seeds),
                "steps": len(method.steps),
                "options": [
                    {"name": key, "default": option.default, "choices": list(option.choices)}
                    for key, option in method.options.items()
                ],
            }
        )
    return rows


def method_document(found: About) -> dict[str, Any]:
    """`methods METHOD --json`."""
    method = found.method
    return {
        "method": method.method,
        "title": method.title,
        "backbones": list(method.backbones),
        "losses": list(found.losses),
        "stacks": list(method.stacks),
        "seeds": list(method.seeds),
        "gpu_hours": found.outlook.gpu_hours,
        "steps": [_chain_row(one) for one in found.chain],
        "options": [_option_row(name, option) for name, option in method.options.items()],
        "anchors": [
            {"name": name, **keys.plain(anchor)} for name, anchor in method.anchors.items()
        ],
        "repositories": [
            {"name": name, "url": one.url, "commit": one.commit, "licence": one.licence}
            for name, one in found.repositories.items()
        ],
        "paper": dict(found.paper),
    }


def method_values(found: About) -> list[tuple[str, str]]:
    """Backbones, losses, stacks, seeds and what all of them take."""
    method, outlook = found.method, found.outlook
    first, *others = method.stacks
    values = [
        ("backbones", ", ".join(method.backbones)),
        ("losses", ", ".join(found.losses)),
        ("stacks", ", ".join((f"{first} (default)", *others))),
        ("seeds", ", ".join(map(str, method.seeds))),
        ("runs", f"{sum(arm.runs for arm in found.arms)}, of {outlook.steps} distinct steps"),
    ]
    if outlook.gpu_hours:
        how = source(outlook.hours_measured, outlook.gpu_steps)
        values.append(("GPU-hours", f"{outlook.gpu_hours:.4g} for all runs ({how})"))
    return values


def chain_cells(found: About) -> Iterator[tuple[str, ...]]:
    """A row for each step of the chain, stage by stage."""
    for one in found.chain:
        _, stage, *_, hours, _, memory, _, _ = job_cells(one.job)
        backbones = ", ".join(one.step.backbones) or "all"
        name = (stage, one.step.name, one.step.repo or "harness", backbones)
        yield (*name, hours, memory, one.step.about)


def option_values(option: Option) -> list[tuple[str, str]]:
    """The choices of an option and what they mean, then what the sources say."""
    values = [
        (f"{name} (default)" if name == option.default else name, choice.about)
        for name, choice in option.choices.items()
    ]
    if option.uses_masks:
        values.append(("masks", "a choice uses more than image-level labels"))
    return [*values, ("published", option.published)] if option.published else values


def anchor_values(found: About) -> Iterator[tuple[str, str]]:
    """The authors' own files to start from, and the scores known of them."""
    for name, anchor in found.method.anchors.items():
        yield name, f"{anchor.about}; {_known(anchor)}"


def link_cells(found: About) -> Iterator[tuple[str, ...]]:
    """Where the code of the method and of the paper is."""
    for name, one in found.repositories.items():
        yield name, one.commit[:_COMMIT_SHOWN], one.licence or "none", one.url
    if found.paper:
        yield "(paper's code)", found.paper["code_commit"][:_COMMIT_SHOWN], "", found.paper["code"]


def paper_values(found: About) -> Iterator[tuple[str, str]]:
    """The paper that the method's runs are compared with."""
    if found.paper:
        yield "paper", f"{found.paper['title']}, https://arxiv.org/abs/{found.paper['arxiv']}"
        yield "choices", "docs/fidelity.md says why each default was chosen"
    yield "next", f"harness plan {found.method.method}"


def _known(anchor: Anchor) -> str:
    scores = (
        f"{one.score} {one.metric} {one.value:g} ± {one.tolerance:g}" for one in anchor.expect
    )
    return f"known: {', '.join(scores)}"


def _chain_row(one: ChainStep) -> dict[str, Any]:
    step, job = one.step, one.job
    return {
        "name": step.name,
        "stage": step.stage,
        "repository": step.repo,
        "about": step.about,
        "backbones": list(step.backbones),
        "injects_losses": step.injects_losses,
        "hours": job.figures.hours,
        "hours_from": job.figures.hours_from,
        "gpus": job.gpus,
        "gpu_memory_gb": job.figures.gpu_memory_gb,
    }


def _option_row(name: str, option: Option) -> dict[str, Any]:
    return {
        "name": name,
        "about": option.about,
        "published": option.published,
        "default": option.default,
        "uses_masks": option.uses_masks,
        "choices": [{"name": choice, "about": one.about} for choice, one in option.choices.items()],
    }

"""What an execution of steps starts from, and how each of them ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from harness.errors import Cancelled, HarnessError, Interrupted, LeftRunning
from harness.execution import packages
from harness.execution.shards import cut_inputs
from harness.execution.workspace import Workspace, inside
from harness.layout import RunLayout, StepFolder
from harness.manifest.catalogue import Repository
from harness.plan import keys
from harness.plan.plan import BoundStep
from harness.runtimes.runtime import Environment
from harness.sources.sources import Checkout


class Status(StrEnum):
    """How a step of a plan ended."""

    DONE = "done"
    CACHED = "cached"
    FAILED = "failed"
    BLOCKED = "blocked"  # a step it reads from did not finish
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One step's end, as a value; the exit code is made of all of them at the very end."""

    status: Status
    seconds: float = 0.0  # that it ran, in this call or the one that finished it; not of waiting
    error: str | None = None
    hint: str | None = None
    exit_code: int = 0
    remade: tuple[str, ...] = ()  # outputs that are not what they were before they were dropped
    left_running: bool = False  # interrupted, and its container goes on
    cancelled: bool = False  # interrupted alone, by `harness cancel`

    @classmethod
    def cached(cls, record: Mapping[str, Any] | None) -> Self:
        """The end of a step that was done already, with what its record tells."""
        return cls(status=Status.CACHED, seconds=(record or {}).get("time", {}).get("seconds", 0.0))

    @classmethod
    def interrupted(cls, error: Interrupted) -> Self:
        """The end of a step that was stopped."""
        return cls(
            status=Status.INTERRUPTED,
            error=str(error),
            exit_code=error.exit_code,
            left_running=isinstance(error, LeftRunning),
            cancelled=isinstance(error, Cancelled),
        )

    @classmethod
    def failed(cls, error: HarnessError, seconds: float = 0.0) -> Self:
        """The end of a step that met this error, after it had run for so long."""
        return cls(
            status=Status.FAILED,
            seconds=seconds,
            error=str(error),
            hint=error.hint,
            exit_code=error.exit_code,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """All that was fetched and built before the first step starts."""

    checkouts: Mapping[tuple[str, tuple[str, ...]], Checkout]  # (repository, patches)
    assets: Mapping[str, Path]
    environments: Mapping[tuple[str, str], Environment]  # (method, stack)
    repositories: Mapping[str, Repository] = field(default_factory=dict)  # as they are pinned
    code: Mapping[str, Any] = field(default_factory=dict)  # `commit` and `dirty` of harness

    def environment(self, step: BoundStep) -> Environment:
        """What the step runs in."""
        return self.environments[step.method, step.stack]

    def workspace(
        self, step: BoundStep, attempt: StepFolder, layout: RunLayout, labels: Mapping[str, str]
    ) -> Workspace:
        """The folders of an attempt and where its inputs lie. Raises StepError if one is gone."""
        inputs = self.inputs(step, layout)
        if step.shard is not None:
            inputs = cut_inputs(step, attempt, inputs)
        staged = packages.stage(layout, step.packages)
        return Workspace(step=step, attempt=attempt, inputs=inputs, packages=staged, labels=labels)

    def inputs(self, step: BoundStep, layout: RunLayout) -> dict[str, Path]:
        """Where the step's inputs lie. Raises StepError if one is gone."""
        inputs: dict[str, Path] = {}
        for name, one in step.inputs.items():
            match one.kind:
                case "step":
                    root = layout.entry(one.ref).out
                case "asset":
                    root = self.assets[one.ref]
                case _:
                    root = self.checkouts[one.ref, ()].path
            inputs[name] = inside(root, one)
        return inputs

    def copy_source(self, step: BoundStep, target: Path) -> None:
        """Make a fresh writable copy of the step's patched checkout, if it has one."""
        if step.repo is not None:
            self.checkouts[step.repo, step.patches].copy_to(target)

    def sources(self, step: BoundStep) -> dict[str, Any]:
        """The repositories the step works in or reads, for its record."""
        return {
            f"{name}+{'+'.join(patches)}" if patches else name: _source(
                self.checkouts[name, patches], self.repositories.get(name)
            )
            for name, patches in step.sources
        }


def _source(checkout: Checkout, pinned: Repository | None) -> dict[str, Any]:
    identity: dict[str, Any] = keys.plain(checkout.identity)
    return identity | {
        "tree": checkout.tree,
        "missing": list(checkout.missing),
        "touched": {name: list(files) for name, files in checkout.touched.items()},
        "url": pinned and pinned.url,
        "licence": pinned and pinned.licence,
    }

"""The verb `record rebuild`: make a recorded run again in fresh containers, and compare."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.commands.context import Context
from harness.commands.record import differing_plan, replan
from harness.environments.requirements import read_lock
from harness.errors import MismatchError, UsageError
from harness.evidence.evidence import RunEvidence, Scores
from harness.evidence.gather import gather, one_run
from harness.evidence.suspects import describe
from harness.manifest.model import RuntimeName
from harness.plan.plan import Plan

_MOST_NAMED = 5  # differences in an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A run and its rebuild, side by side."""

    recorded: RunEvidence
    again: RunEvidence

    @property
    def outputs(self) -> Mapping[str, bool]:
        """By step with a record on both sides: whether all its outputs have the recorded hashes."""
        found = {}
        for name, step in self.recorded.steps.items():
            other = self.again.steps.get(name)
            if step.record and other and other.record:
                found[name] = _hashes(step.record) == _hashes(other.record)
        return found

    @property
    def scores(self) -> Mapping[str, tuple[Scores, Scores | None]]:
        """By label: the scores recorded, and those of the rebuild."""
        return {name: (one, self.again.scores.get(name)) for name, one in
                self.recorded.scores.items()}  # fmt: skip

    @property
    def identical(self) -> bool:
        """Whether all scores, per class and per image too, are equal bit for bit."""
        return all(one == other for one, other in self.scores.values())


def runtime_of(run: RunEvidence, asked: RuntimeName | None) -> RuntimeName:
    """The container runtime of a rebuild: as asked, else the run's own, else Docker.

    Raises UsageError if no container is asked for.
    """
    own = RuntimeName(run.runtime)
    chosen = asked or (RuntimeName.DOCKER if own is RuntimeName.PROCESS else own)
    if chosen is RuntimeName.PROCESS:
        raise UsageError(
            "record rebuild works in fresh containers",
            hint="choose --runtime docker or podman; `harness reproduce` runs processes",
        )
    return chosen


def rebuild_plan(context: Context, run: RunEvidence, runtime: RuntimeName) -> Plan:
    """The plan of the rebuild, the same in all that a record holds but the machine.

    Raises MismatchError if this project gives something else than what was recorded, UsageError if
    the run has no scores, or if the new `runs/` holds something already.
    """
    if not run.scores:
        raise UsageError(f"{run.id} has no scores to compare", hint="rebuild a run that finished")
    if any(context.layout.store.glob("*/*")):
        raise UsageError(
            f"{context.layout.root} holds finished steps already",
            hint="name a new folder by --into: a rebuild takes over nothing",
        )
    planned = replan(context, run, runtime)
    environment = {"lock": read_lock(context.project, run.method, run.stack).sha256}
    if runtime.value == run.runtime:
        environments = context.environments(runtime, run.stack)
        environment["id"] = environments.identify(run.method, run.stack)
    differing = differing_plan(run, planned, {"environment": environment})
    if differing:
        lines = "\n".join(f"  {describe(one)}" for one in differing[:_MOST_NAMED])
        raise MismatchError(
            f"this project does not give {run.id} as it was recorded:\n{lines}",
            hint=f"use the project at {_commit(run)} (--project)",
        )
    return planned


def compare(context: Context, run: RunEvidence, planned: Plan) -> Rebuilt:
    """The run and what the rebuild left under the new `runs/`."""
    again = one_run(gather(context.layout), planned.runs[0].id)
    return Rebuilt(recorded=run, again=again)


def _commit(run: RunEvidence) -> str:
    commit = run.record.get("code", {}).get("commit")
    return f"harness commit {commit}" if commit else f"harness {run.record['harness']}"


def _hashes(record: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Mapping[str, str]:
    return {name: one["sha256"] for name, one in record["outputs"].items()}

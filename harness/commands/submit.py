"""The verb `submit`, and `reproduce --executor slurm`: a plan's steps become jobs of a cluster."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.commands.build import build
from harness.commands.context import Context, Notify
from harness.commands.doctor import examined, needs_of_plan, refuse
from harness.commands.fetch import fetch
from harness.commands.places import absolute
from harness.commands.plan import look
from harness.commands.reproduce import quarantine_damaged, settled
from harness.commands.where import Where
from harness.doctor.data import data, mirror
from harness.errors import UsageError
from harness.execution.keeper import Keeper
from harness.files import write_bytes
from harness.manifest.model import RuntimeName
from harness.plan.plan import BoundStep, Plan
from harness.slurm.client import slurm_here
from harness.slurm.profile import read_profile
from harness.slurm.script import Call, refuse_unspoken
from harness.slurm.submit import Cluster, Submission, submit
from harness.store.plans import read_saved
from harness.store.verification import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A plan with its final keys, the cluster that it went to, and what went."""

    plan: Plan
    cluster: Cluster
    submission: Submission


def hand_over(
    context: Context, where: Where, planned: Plan, profile: Path, notify: Notify, *, keep: bool
) -> Submitted:
    """Fetch and build here, where there is a network; submit what is to do."""
    cluster = _cluster(context, where, planned, profile)
    verifier = Verifier(context.store)
    quarantine_damaged(verifier, planned, notify)
    todo = look(context, planned)
    needs = needs_of_plan(context, planned, todo)
    refuse(examined(context, needs, (data, mirror)).missing)
    plan = settled(context, planned, todo, verifier, notify)
    keeper = Keeper(context.store, plan, keep=keep, notify=notify)
    with keeper.registered():
        steps = keeper.todo().steps(plan)
        fetched = fetch(context, steps, notify)
        build(context, plan.runtime, steps, fetched, notify)
        _hand_over_images(context, plan.runtime, steps, notify)
        _keep_profile(context, plan, profile)
        submission = submit(
            context.layout, plan, cluster, lambda: look(context, plan).open, again=True
        )
    return Submitted(plan=plan, cluster=cluster, submission=submission)


def submit_saved(
    context: Context, where: Where, plan_id: str, profile: Path | None, *, again: bool
) -> Submitted:
    """Submit what is left of a plan that was submitted before. Raises UsageError."""
    plan, _ = read_saved(context.layout, plan_id)
    kept = context.layout.slurm(plan.id).profile
    if profile is None and not kept.exists():
        raise UsageError(
            f"plan {plan.id} was never submitted", hint="name the cluster's profile by --profile"
        )
    cluster = _cluster(context, where, plan, profile or kept)
    if profile is not None:
        _keep_profile(context, plan, profile)
    submission = submit(
        context.layout, plan, cluster, lambda: look(context, plan).open, again=again
    )
    return Submitted(plan=plan, cluster=cluster, submission=submission)


def _cluster(context: Context, where: Where, plan: Plan, profile: Path) -> Cluster:
    _refuse_docker(plan)
    refuse_unspoken(context.layout.root)
    call = _call(context, where, plan)
    return Cluster(slurm=slurm_here(), profile=read_profile(profile), call=call)


def _refuse_docker(plan: Plan) -> None:
    """Raise UsageError for containers of a daemon: they escape a job's limits and outlive it."""
    if plan.runtime is RuntimeName.DOCKER:
        raise UsageError(
            "a plan for Docker cannot go to Slurm: a daemon's containers escape a job's limits",
            hint="plan it with --runtime podman, whose containers are the job's own children, or "
            "with --runtime process",
        )


def _call(context: Context, where: Where, plan: Plan) -> Call:
    """How a job calls this harness, on these folders: all of them shared by the hosts."""
    places = {
        "--project": context.project.root,
        "--runs": context.layout.root,
        "--mirror": context.mirror,
        "--data": context.data,
        "--ca-bundle": where.ca_bundle and absolute(where.ca_bundle, "--ca-bundle"),
        "--wheelhouse": where.wheelhouse and absolute(where.wheelhouse, "--wheelhouse"),
        "--base": _base(context, plan),
    }
    options = [word for name, place in places.items() if place for word in (name, str(place))]
    return Call(
        program=(sys.executable, "-m", "harness"),
        options=tuple(options),
        environ=(("HARNESS_CACHE", str(context.cache.root)),),
    )


def _base(context: Context, plan: Plan) -> str | None:
    """The base given for images, as a node knows it whose engine does not have it."""
    if plan.runtime is RuntimeName.PROCESS:
        return None
    stack = next(iter(plan.steps.values())).stack
    return context.images(plan.runtime).given_base(stack)


def _keep_profile(context: Context, plan: Plan, profile: Path) -> None:
    write_bytes(context.layout.slurm(plan.id).profile, profile.read_bytes())


def _hand_over_images(
    context: Context, runtime: RuntimeName, steps: Sequence[BoundStep], notify: Notify
) -> None:
    """Put images on the shared file system: nodes load what their engines do not have."""
    if runtime is RuntimeName.PROCESS:
        return
    for method, stack in dict.fromkeys((step.method, step.stack) for step in steps):
        notify(f"hand over the image of {method} on {stack}")
        context.images(runtime).hand_over(method, stack)

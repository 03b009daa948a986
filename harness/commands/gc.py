"""The verbs `gc` and `cancel`: remove garbage, stop what runs."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.commands.context import Context, Notify
from harness.commands.inspect import State, StepState, find_run, find_step
from harness.commands.jobs import cancel_jobs, hold_back, submitted_plans
from harness.environments.venv import HOST
from harness.errors import HarnessError, NotReadyError
from harness.files import locked, remove_tree
from harness.manifest.load import method_names
from harness.manifest.model import RuntimeName, Scale
from harness.runtimes.runtime import Runtime, Survivor
from harness.sources import worktree
from harness.store.garbage import Executions, Garbage, find_garbage, size_of
from harness.store.intent import read_intent
from harness.store.split_record import shard_keys

_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What `gc` removes besides containers, attempts and quarantine."""

    store: bool = False
    cache: bool = False
    images: bool = False


@dataclass(frozen=True, slots=True)
class Removed:
    """One thing that `gc` removed, or could not."""

    garbage: Garbage
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """One step that was to stop: `stopped`, `asked` (its holder has not answered), `idle`."""

    step: StepState
    state: str
    holder: str | None = None


def find(context: Context, kinds: Kinds, notify: Notify) -> list[Garbage]:
    """All that can go."""
    found = list(
        find_garbage(
            context.store,
            _executions(context, notify),
            with_store=kinds.store,
            submitted=submitted_plans(context),
        )
    )
    if kinds.cache:
        found += [*_checkouts(context), *_venvs(context)]
    if kinds.images:
        found += _images(context)
    return found


def sweep(found: list[Garbage]) -> Iterator[Removed]:
    """Remove it, one by one; what cannot be removed is reported and does not stop the rest."""
    for one in found:
        try:
            one.remove()
        except FileNotFoundError:  # somebody else removed it meanwhile
            yield Removed(one)
        except (HarnessError, OSError) as error:
            yield Removed(one, str(error))
        else:
            yield Removed(one)


def cancel(context: Context, name: str, patience: float) -> list[Cancelled]:
    """Stop the steps of RUN or RUN/STEP that are under way, whoever runs them. Raises UsageError.

    A holder is asked by a file and has `patience` seconds; what nobody holds is ended here.
    Steps that are done are left out.
    """
    run = None if "/" in name else find_run(context, name)
    named = run.steps if run else (find_step(context, name),)
    steps = [step for step in named if step.state is not State.DONE]
    keys = {step.key: (step.key, *shard_keys(context.layout, step.key)) for step in steps}
    leases, layout = context.store.leases, context.layout
    held = {key for all_keys in keys.values() for key in all_keys if leases.is_held(key)}
    holders = {key: str(leases.holder(key)) for key in held}
    for key in held:
        layout.cancelled(key).touch()
    cancelled = cancel_jobs(context, {step.key for step in steps})
    if run is not None:
        hold_back(context, run.plan, {step.key for step in steps})
    deadline = time.monotonic() + patience
    while any(leases.is_held(key) for key in held) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return [_end(context, step, keys[step.key], holders, cancelled) for step in steps]


def _end(
    context: Context,
    step: StepState,
    keys: tuple[str, ...],
    holders: dict[str, str],
    jobs: frozenset[str],
) -> Cancelled:
    waiting = [key for key in keys if key in holders and context.store.leases.is_held(key)]
    if waiting:
        return Cancelled(step, "asked", holders[waiting[0]])
    ended = [_discard_unfinished(context, key) for key in keys]
    return Cancelled(step, "stopped" if any(ended) or set(keys) & (set(holders) | jobs) else "idle")


def _discard_unfinished(context: Context, key: str) -> bool:
    """End what runs at a key that nobody follows, and drop its attempts."""
    found = False
    with context.store.leases.try_hold(key) as held:
        for attempt in context.store.attempts(key) if held else ():
            intent = None if attempt.record.exists() else read_intent(attempt)
            if intent is not None:
                runtime = context.runtime(RuntimeName(intent.runtime), Scale.SMOKE)
                runtime.discard(intent.name)
                context.store.drop(attempt)
                found = True
    return found


def _executions(context: Context, notify: Notify) -> Executions:
    runtimes: dict[RuntimeName, Runtime] = {}
    found: dict[str, tuple[Runtime, Survivor]] = {}
    for name in context.engines():
        runtime = context.runtime(name, Scale.SMOKE)
        try:
            survivors = runtime.survivors()
        except NotReadyError as error:
            notify(f"not asked: {error}")
            continue
        runtimes[name] = runtime
        for one in survivors:
            if one.labels.get("harness.runs") == str(context.layout.root):
                found.setdefault(one.name, (runtime, one))
    return Executions(runtimes, found)


def _checkouts(context: Context) -> Iterator[Garbage]:
    wanted, unknown = set(), set()
    patched: dict[str, set[tuple[str, ...]]] = {}
    for method in method_names(context.project):
        for name, patches in context.method(method).repositories.items():
            patched.setdefault(name, {()}).add(patches)
    for name, pinned in context.catalogue.repositories.items():
        for patches in patched.get(name, {()}):
            try:
                wanted.add(context.sources.place(name, pinned, patches))
            except HarnessError:  # its repository is not there: what is needed is unknown
                unknown.add(name)
    for path in context.cache.checkouts.glob("*-*"):
        if path not in wanted and path.name.rpartition("-")[0] not in unknown:
            why = "no manifest pins it so"
            yield Garbage("checkout", path.name, size_of(path), why, partial(worktree.remove, path))


def _venvs(context: Context) -> Iterator[Garbage]:
    try:
        wanted = {context.cache.venv(one) for one in _identities(context, RuntimeName.PROCESS)}
    except NotReadyError:  # a stack's Python is not there: what is needed is unknown
        return
    for path in context.cache.venvs.glob("*/pyvenv.cfg"):
        if path.parent not in wanted:
            folder = path.parent
            why = "no manifest and lock give it"
            yield Garbage("venv", folder.name, size_of(folder), why, partial(_remove_venv, folder))


def _images(context: Context) -> Iterator[Garbage]:
    for engine in context.engines():
        try:
            made = context.built_images(engine).list()
        except NotReadyError:
            continue
        wanted = set(_identities(context, engine))
        for image in made:
            if image.environment not in wanted or not image.checked:
                why = "no manifest and lock give it" if image.checked else "it passed no check"
                why = f"{why} ({engine})"
                yield Garbage("image", image.name, image.size, why, image.remove)


def _remove_venv(folder: Path) -> None:
    with locked(folder.with_suffix(".lock")):
        remove_tree(folder)


def _identities(context: Context, runtime: RuntimeName) -> Iterator[str]:
    """Environment ids of every method on every stack."""
    for name in method_names(context.project):
        for stack in context.method(name).stacks:
            contained = runtime is not RuntimeName.PROCESS
            if stack != HOST or contained:
                yield context.environments(runtime, stack).identify(name, stack)

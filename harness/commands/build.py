"""The verbs `build` and `lock`: environments, and the base images that images are built on."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.commands.context import Context, Notify
from harness.commands.doctor import examined, refuse
from harness.commands.fetch import Fetched
from harness.commands.plan import expand
from harness.doctor import Needs, engine
from harness.environments.base_images import base_digest, write_base
from harness.environments.requirements import read_lock
from harness.errors import MismatchError, NotReadyError, UsageError
from harness.execution.outcome import Ready
from harness.files import write_if_changed
from harness.manifest.model import RuntimeName
from harness.plan.make import Ask, stack_of
from harness.plan.plan import BoundStep
from harness.runtimes.runtime import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePin:
    """A base image: the digest in harness.lock, and the one in its registry."""

    name: str
    pinned: str
    current: str

    @property
    def moved(self) -> bool:
        """Whether the tag names another image by now."""
        return self.pinned != self.current


def build(
    context: Context,
    runtime: RuntimeName,
    steps: Sequence[BoundStep],
    fetched: Fetched,
    notify: Notify,
) -> Ready:
    """Build the environments of the steps."""
    wanted = dict.fromkeys((step.method, step.stack) for step in steps)
    environments = {one: environment(context, runtime, *one, notify) for one in wanted}
    return Ready(
        checkouts=fetched.checkouts,
        assets=fetched.assets,
        environments=environments,
        repositories=context.catalogue.repositories,
        code=context.code,
    )


def environment(
    context: Context, runtime: RuntimeName, method: str, stack: str, notify: Notify
) -> Environment:
    """One environment, built unless it is there."""
    notify(f"build {runtime} environment of {method} on {stack}")
    log = context.layout.build_log(f"{method}-{stack}-{runtime}")
    log.parent.mkdir(parents=True, exist_ok=True)
    keep_locks(context, method, stack)
    return context.environments(runtime, stack).ensure(method, stack, log)


def keep_locks(context: Context, method: str, stack: str) -> None:
    """Keep the locks beside the records that name them by hash: these outlive the project."""
    lock = read_lock(context.project, method, stack)
    for one in (lock.run, lock.build):
        if one is not None:
            text = one.path.read_text(encoding="utf-8")
            write_if_changed(context.layout.lock(lock.sha256, one.path.name), text)


def build_methods(
    context: Context,
    names: Sequence[str],
    stack: str | None,
    runtime: RuntimeName,
    notify: Notify,
    push: str | None = None,
) -> list[dict[str, str]]:
    """Build the environments of methods, and push images to the registry `push`."""
    if push is not None and runtime is RuntimeName.PROCESS:
        raise UsageError(
            "--push with --runtime process: there is no image", hint="choose docker or podman"
        )
    methods = expand(context, names)
    needs = Needs(runtime=runtime, methods=methods)
    refuse(examined(context, needs, (engine.engine, engine.users)).missing)
    rows = []
    for name in methods:
        chosen = stack_of(context.method(name), Ask(stack=stack, usual_stack=context.usual_stack))
        built = environment(context, runtime, name, chosen, notify)
        row = {"name": f"{name}/{chosen}", "method": name, "stack": chosen}
        row |= {"id": built.id, "handle": built.handle}
        if push is not None:
            tag = context.images(runtime).image(name, chosen).tag
            notify(f"push {push}/{tag}")
            row["pushed"] = context.carrier(runtime).push(built.handle, f"{push.rstrip('/')}/{tag}")
        rows.append(row)
    return rows


def lock_bases(context: Context, runtime: RuntimeName, *, check: bool) -> list[BasePin]:
    """Pin what the registries have now; with `check` only compare.

    Raises MismatchError if a tag has moved and `check` is set.
    """
    carrier = context.carrier(runtime)
    pins = []
    for base in sorted({stack.base for stack in context.catalogue.stacks.values()}):
        pinned, current = base_digest(context.project, base), carrier.current(base)
        if current is None:
            raise NotReadyError(
                f"the registry has no image {base}", hint="see its name in stacks.yaml"
            )
        pins.append(BasePin(name=base, pinned=pinned, current=current))
    moved = [pin for pin in pins if pin.moved]
    if moved and check:
        raise MismatchError(
            "\n".join(
                f"{pin.name} has moved: harness.lock pins {pin.pinned}, the registry has "
                f"{pin.current}"
                for pin in moved
            ),
            hint="`harness lock` pins the new one (every environment id changes)",
        )
    for pin in moved:
        write_base(context.project, pin.name, pin.current)
    return pins

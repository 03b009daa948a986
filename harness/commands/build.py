"""`harness build` and `harness lock`: environments, where they go, and what they stand on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.commands.context import Context
from harness.commands.reproduce import environment, expand
from harness.environments.base_images import base_digest, write_base
from harness.errors import MismatchError, NotReadyError, UsageError
from harness.manifest.model import RuntimeName


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePin:
    """A base image: what harness.lock pins, and what its registry has."""

    name: str
    pinned: str
    current: str

    @property
    def moved(self) -> bool:
        """Whether the tag is another image by now."""
        return self.pinned != self.current


def build_methods(
    context: Context,
    names: Sequence[str],
    stack: str | None,
    runtime: RuntimeName,
    say: Callable[[str], None],
    push: str | None = None,
) -> list[dict[str, str]]:
    """Build the environments of methods, and push images to the registry `push`."""
    if push is not None and runtime is RuntimeName.PROCESS:
        raise UsageError(
            "--push with --runtime process: there is no image", hint="choose docker or podman"
        )
    rows = []
    for name in expand(context, names):
        chosen = stack or context.method(name).stacks[0]
        made = environment(context, runtime, name, chosen, say)
        row = {"method": name, "stack": chosen, "id": made.id, "handle": made.handle}
        if push is not None:
            tag = context.images(runtime).image(name, chosen).tag
            say(f"push {push}/{tag}")
            row["pushed"] = context.carrier(runtime).push(made.handle, f"{push.rstrip('/')}/{tag}")
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

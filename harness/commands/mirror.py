"""The verb `mirror create`: gather all that a plan needs, so that it runs without any network."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.commands.build import environment
from harness.commands.context import Context, Notify
from harness.commands.fetch import needed_assets
from harness.commands.plan import expand, read_unpatched
from harness.environments.mirror import MirroredBase, MirrorList
from harness.environments.mirror_folder import MirrorFolder
from harness.environments.requirements import read_lock
from harness.environments.venv import HOST, pip_options
from harness.errors import NotReadyError
from harness.manifest.model import Method, RuntimeName, Scale
from harness.plan.make import Ask, scale_of, stack_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorItem:
    """What the mirror is to hold for one method."""

    method: Method
    stack: str
    scale: Scale
    runtime: RuntimeName


@dataclass(slots=True, kw_only=True)
class Gathered:
    """What a mirror got."""

    repositories: set[str] = field(default_factory=set)
    images: dict[str, str] = field(default_factory=dict)  # tag -> id
    bases: dict[str, MirroredBase] = field(default_factory=dict)
    assets: set[str] = field(default_factory=set)
    missing: dict[str, str] = field(default_factory=dict)  # asset -> why


def create(
    context: Context,
    root: Path,
    names: Sequence[str],
    choice: tuple[str | None, Scale | None, RuntimeName],
    notify: Notify,
) -> dict[str, Any]:
    """Fill the mirror at `root`; go on where an earlier call was stopped.

    `choice` is stack (None: each method's first), scale (None: each method's full one) and runtime.
    What is in place is left alone. Assets that cannot be downloaded are returned, not raised:
    people add them by hand. Raises EngineGone before anything is downloaded.
    """
    stack, scale, runtime = choice
    context.refuse_without_engine(runtime)
    methods = [context.method(name) for name in expand(context, names)]
    gathered = Gathered()
    with MirrorFolder(root.resolve()).filling() as mirror:
        for method in methods:
            wanted = MirrorItem(
                method=method,
                stack=stack_of(method, Ask(stack=stack, usual_stack=context.usual_stack)),
                scale=scale_of(method, scale),
                runtime=runtime,
            )
            _repositories(context, mirror, wanted, gathered, notify)
            _packages(context, mirror, wanted, notify)
            _images(context, mirror, wanted, gathered, notify)
            _assets(context, mirror, wanted, gathered, notify)
        notify("hash what is there")
        listed = mirror.finish([method.method for method in methods], gathered.bases)
    return _document(root, listed, gathered)


def _repositories(
    context: Context,
    mirror: MirrorFolder,
    wanted: MirrorItem,
    gathered: Gathered,
    notify: Notify,
) -> None:
    pristine = dict.fromkeys(read_unpatched(context, wanted.method, wanted.scale), ())
    for name, patches in {**pristine, **wanted.method.repositories}.items():
        repository = context.catalogue.repositories[name]
        if name in gathered.repositories or repository.embedded is not None:
            continue
        notify(f"mirror repository {name}")
        context.sources.checkout(name, repository, patches, scale=wanted.scale)
        context.repositories.export(name, repository, mirror.layout)
        gathered.repositories.add(name)


def _packages(context: Context, mirror: MirrorFolder, wanted: MirrorItem, notify: Notify) -> None:
    if wanted.runtime is RuntimeName.PROCESS and wanted.stack == HOST:
        return  # harness's own interpreter
    method, stack = wanted.method.method, context.catalogue.stacks[wanted.stack]
    lock = read_lock(context.project, method, wanted.stack)
    missing = mirror.missing(lock)
    if not missing:
        return
    notify(f"mirror {len(missing)} packages of {method} on {wanted.stack}")
    builder = context.venvs()
    log = context.layout.build_log(f"{method}-{wanted.stack}-mirror")
    with mirror.arriving() as folder:
        builder.download(
            builder.interpreter(stack.python),
            lock.packages(),
            folder,
            pip_options(context.build, stack),
            log,
        )
        mirror.take_packages(folder, lock)


def _images(
    context: Context,
    mirror: MirrorFolder,
    wanted: MirrorItem,
    gathered: Gathered,
    notify: Notify,
) -> None:
    if wanted.runtime is RuntimeName.PROCESS:
        return
    method, stack = wanted.method.method, wanted.stack
    images, carrier = context.images(wanted.runtime), context.carrier(wanted.runtime)
    made = environment(context, wanted.runtime, method, stack, notify)
    image = images.image(method, stack)
    log = context.layout.build_log(f"{method}-{stack}-mirror")
    kept = {**images.stages(method, stack, log), image.tag: made.handle}
    for tag, identity in kept.items():
        if mirror.images.images().get(tag) != identity:
            notify(f"mirror image {tag}")
            mirror.images.add(tag, carrier.export(identity))
    gathered.images |= kept
    gathered.bases[context.catalogue.stacks[stack].base] = MirroredBase(
        content=image.base_image.content, replaced=image.base_image.replaced
    )


def _assets(
    context: Context,
    mirror: MirrorFolder,
    wanted: MirrorItem,
    gathered: Gathered,
    notify: Notify,
) -> None:
    for name in sorted(needed_assets(context, wanted.method, wanted.scale)):
        if name in gathered.assets or name in gathered.missing:
            continue
        notify(f"mirror asset {name}")
        try:
            place = context.assets.fetch(name)
        except NotReadyError as error:
            gathered.missing[name] = error.hint
            continue
        mirror.take_asset(name, place, context.assets.kept_name(name))
        gathered.assets.add(name)


def _document(root: Path, listed: MirrorList, gathered: Gathered) -> dict[str, Any]:
    return {
        "mirror": str(root),
        "methods": list(listed.methods),
        "repositories": sorted(gathered.repositories),
        "images": gathered.images,
        "assets": sorted(gathered.assets),
        "missing": gathered.missing,
        "files": len(listed.files),
        "bytes": sum(file.size for file in listed.files.values()),
    }

"""Environments of the container runtimes: one image per method and stack, named by its content."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from harness.environments.audit import check_image, forbidden
from harness.environments.base_images import base_digest
from harness.environments.builder import (
    BuildOptions,
    ImageBuilder,
    ImageCarrier,
    ImageRecipe,
    unchecked,
)
from harness.environments.image_folder import ImageFolder
from harness.environments.mirror import Mirror, MirroredBase
from harness.environments.probe import PROBE, is_current, keep_probe, read_probe
from harness.environments.recipe import STAGES, BaseImage, ImageOf, stage_recipes
from harness.environments.requirements import other_packages
from harness.environments.venv import refuse_other_packages, with_lock
from harness.errors import MismatchError, NotReadyError
from harness.files import locked
from harness.layout import CacheLayout, ProjectLayout
from harness.manifest.catalogue import Stack
from harness.runtimes.runtime import Environment

#: The interpreter inside every image.
PYTHON = "/opt/venv/bin/python"
_IMAGE_ID = re.compile("sha256:[0-9a-f]{64}")


class ImageEnvironments:
    """Builds each image once per engine, probes it once, then finds it by its tag.

    With a mirror the engine gets the image from there, or builds it from there without network.
    """

    def __init__(
        self,
        project: ProjectLayout,
        cache: CacheLayout,
        stacks: Mapping[str, Stack],
        engine: tuple[ImageBuilder, ImageCarrier],
        options: BuildOptions | None = None,
    ) -> None:
        self._project, self._cache, self._stacks = project, cache, stacks
        self._builder, self._carrier = engine
        self._options = options or BuildOptions()

    def identify(self, method: str, stack: str) -> str:
        """Base digest (or id of the base given), Dockerfile and locks; the same on every engine."""
        return self.image(method, stack).identity

    def ensure(self, method: str, stack: str, log: Path, /) -> Environment:
        """The image, built unless the engine has it. Raises BuildError or NotReadyError."""
        wanted = self.image(method, stack)
        identity = wanted.identity
        with locked(self._cache.probe(identity).with_suffix(".lock")):
            image = self._found(wanted) or self._build(wanted, log)
            probe = self._probed(image, wanted.base_image)
        others = other_packages(wanted.lock().run, probe.get("pip_freeze", ()))
        refuse_other_packages(f"image {wanted.tag}", others, hint="see `harness build --no-cache`")
        return Environment(
            id=identity, handle=image, python=PYTHON, probe=with_lock(probe, wanted.lock())
        )

    def image(self, method: str, stack: str) -> ImageOf:
        """What the image will be. Raises ManifestError, NotReadyError, MismatchError."""
        return ImageOf(
            project=self._project,
            method=method,
            stack_name=stack,
            stack=self._stacks[stack],
            base_image=self._base_image(self._stacks[stack].base),
        )

    def stages(self, method: str, stack: str, log: Path) -> dict[str, str]:
        """Have what a mirror keeps so that the image can be built there: tag -> image id."""
        wanted = self.image(method, stack)
        if self._mirror is not None:
            return {tag: str(self._loaded(tag)) for tag in self._built_on(wanted).values()}
        recipes = stage_recipes(wanted, self._obtained(wanted.base_image), self._options)
        return {
            recipe.tag: self._builder.image_id(recipe.tag) or self._built(recipe, log)
            for recipe in recipes.values()
        }

    def given_base(self, stack: str) -> str | None:
        """The user's base, if any, as other hosts know it that do not have it: digest or id."""
        if self._options.base is None:
            return None
        base_image = self._base_image(self._stacks[stack].base)
        return self._options.base if base_image.asked else base_image.content

    @property
    def _mirror(self) -> Mirror | None:
        """The mirror that images are built from; none if the user gives a base."""
        return None if self._options.base is not None else self._options.mirror

    # --- base -----------------------------------------------------------------------------------

    def _base_image(self, base: str) -> BaseImage:
        if self._options.base is not None:
            return self._given(base, self._options.base)
        mirrored = self._options.mirror.bases.get(base) if self._options.mirror else None
        if mirrored is not None and mirrored.replaced:
            return BaseImage(name=base, content=mirrored.content, replaced=True)
        pinned = base_digest(self._project, base)
        if mirrored is not None and mirrored.content != pinned:
            raise _other_base(base, pinned, mirrored)
        return BaseImage(name=base, content=pinned)

    def _given(self, base: str, given: str) -> BaseImage:
        """The user's base counts by its id, unless it is the pinned one by its digest.

        Given by its id it need not be in the engine: what was built on it may come from elsewhere.
        """
        name, _, digest = given.rpartition("@")
        if name == base and digest == base_digest(self._project, base):
            return BaseImage(name=base, content=digest, asked=True)
        image = given if _IMAGE_ID.fullmatch(given) else self._there(given)
        return BaseImage(name=given, content=image, replaced=True)

    def _there(self, given: str) -> str:
        """The id of the user's base. Raises NotReadyError."""
        image = self._builder.image_id(given)
        if image is None:
            raise NotReadyError(
                f"the engine has no image {given}, which is to be the base",
                hint=f"pull or import it first: docker pull {given}",
            )
        return image

    def _obtained(self, base_image: BaseImage) -> str:
        if base_image.replaced:
            self._there(base_image.name)
            return base_image.name
        return self._builder.obtain(base_image.name, base_image.content, asked=base_image.asked)

    # --- image ----------------------------------------------------------------------------------

    def _found(self, wanted: ImageOf) -> str | None:
        """The image in the engine, or from the mirror."""
        if self._options.fresh:
            return None
        return self._builder.image_id(wanted.tag) or self._loaded(wanted.tag)

    def _loaded(self, tag: str) -> str | None:
        """The id of an image that lies as an archive here, now in the engine, too."""
        for folder in self._archives():
            expected = folder.images().get(tag)
            if expected is None:
                continue
            if self._builder.image_id(tag) != expected:
                self._carrier.load(folder.archive(tag))
            found = self._builder.image_id(tag)
            if found != expected:
                raise MismatchError(
                    f"image {tag} of {folder.root}: expected {expected}, the engine has {found}",
                    hint="run `harness mirror verify` to check a mirror; remove another folder",
                )
            return found
        return None

    def _archives(self) -> list[ImageFolder]:
        """Where images lie as archives: the mirror, and what other hosts were handed."""
        mirror = self._options.mirror
        folders = [mirror.layout.images] if mirror is not None else []
        return [ImageFolder(folder) for folder in (*folders, self._cache.images)]

    def hand_over(self, method: str, stack: str) -> None:
        """Put the image into the cache as an archive, for hosts that share the cache."""
        tag = self.image(method, stack).tag
        image = self._builder.image_id(tag)
        if image is None:
            raise NotReadyError(f"the engine has no image {tag}", hint="run `harness build` first")
        with locked(self._cache.lock("images")):
            if all(folder.images().get(tag) != image for folder in self._archives()):
                ImageFolder(self._cache.images).add(tag, self._carrier.export(tag))

    def _build(self, wanted: ImageOf, log: Path) -> str:
        images = self._built_on(wanted)
        recipe = wanted.recipe(images, self._options)
        return self._built(recipe, log, partial(self._check, images["BASE_IMAGE"]))

    def _built(
        self, recipe: ImageRecipe, log: Path, check: Callable[[str, str], None] | None = None
    ) -> str:
        """Build under a name of this build's own, check, then name.

        Another harness may build the same on this engine. The first to be ready names it: a name
        does not move from one image to another while something uses it.
        """
        own = replace(recipe, tag=f"{unchecked(recipe.tag)}-{uuid.uuid4().hex[:8]}")
        image = self._builder.build(own, log)
        if check is not None:
            check(own.tag, image)
        return self._builder.name(image, recipe.tag, drop=own.tag, move=self._options.fresh)

    def _check(self, base: str, tag: str, image: str) -> None:
        """Nothing of the project's own went into the image."""
        check_image(
            tag,
            self._builder.files(base),
            self._builder.files(image),
            forbidden(self._project, self._options.ca_bundle),
        )

    def _built_on(self, wanted: ImageOf) -> dict[str, str]:
        """The build arguments that name images."""
        mirror = self._mirror
        if mirror is None:
            return dict.fromkeys(STAGES.values(), self._obtained(wanted.base_image))
        found = {}
        for stage, recipe in stage_recipes(wanted, "", self._options).items():
            if self._loaded(recipe.tag) is None:
                raise NotReadyError(
                    f"{mirror.layout.images} has no image {recipe.tag}, on which "
                    f"{wanted.method} is built",
                    hint=f"`harness mirror create DIR {wanted.method}` where there is a network",
                )
            found[STAGES[stage]] = recipe.tag
        return found

    def _probed(self, image: str, base_image: BaseImage) -> dict[str, Any]:
        name = image.removeprefix("sha256:")
        known = read_probe(self._cache, name)
        if known is not None and is_current(known):
            return known
        probed = self._builder.probe(image, PYTHON, PROBE)
        about = {"image": image, "base": base_image.reference, "base_digest": base_image.content}
        return keep_probe(self._cache, name, {**probed, **about})


def _other_base(base: str, pinned: str, mirrored: MirroredBase) -> MismatchError:
    return MismatchError(
        f"{base}: harness.lock pins {pinned}, the mirror was made with {mirrored.content}",
        hint="use the project that the mirror was made with, or make the mirror again",
    )

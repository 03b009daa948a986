"""Image environments: what counts in their ids, what a build is given, that it happens once."""

import hashlib
from pathlib import Path

import pytest

from harness import __version__
from harness.environments.builder import BuildOptions, ImageFile, ImageRecipe
from harness.environments.image import ImageEnvironments
from harness.environments.image_folder import ImageFolder
from harness.environments.mirror import Mirror, MirroredBase, MirrorLayout
from harness.errors import BuildError, ManifestError, MismatchError, NotReadyError
from tests.unit.environments.environments import LOCK, STACKS, FakeImageBuilder, make_project
from tests.unit.environments.test_image_folder import archive, layer


@pytest.fixture
def builder() -> FakeImageBuilder:
    return FakeImageBuilder()


def environments(
    tmp_path: Path, builder: FakeImageBuilder, options: BuildOptions | None = None
) -> ImageEnvironments:
    if not (tmp_path / "project").exists():
        make_project(tmp_path)
    from harness.layout import CacheLayout, ProjectLayout

    layouts = ProjectLayout(tmp_path / "project"), CacheLayout(tmp_path / "cache")
    return ImageEnvironments(*layouts, STACKS, (builder, builder), options)


def test_the_id_holds_base_dockerfile_and_locks(tmp_path: Path, builder: FakeImageBuilder) -> None:
    made = environments(tmp_path, builder)
    project = tmp_path / "project"
    first = made.identify("tool", "cu117")
    changes = {
        project / "dockerfiles" / "tool" / "Dockerfile": "FROM other\n",
        project / "dockerfiles" / "tool" / "cu117.lock": LOCK.replace("2.0.1", "2.0.2"),
        project / "harness.lock": f"bases: {{'debian:bookworm-slim': 'sha256:{'1' * 64}'}}\n",
    }
    for path, text in changes.items():
        before = path.read_text()
        path.write_text(text)
        assert made.identify("tool", "cu117") != first, path
        path.write_text(before)
    assert made.identify("tool", "cu117") == first


def test_where_wheels_come_from_does_not_count(tmp_path: Path, builder: FakeImageBuilder) -> None:
    options = BuildOptions(ca_bundle=tmp_path / "ca.pem", wheelhouse=tmp_path)
    plain = environments(tmp_path, builder).identify("tool", "cu117")
    assert environments(tmp_path, builder, options).identify("tool", "cu117") == plain


def test_a_base_of_ones_own_counts_by_its_image_id(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    made = environments(tmp_path, builder, BuildOptions(base="mine:latest"))
    with pytest.raises(NotReadyError, match="mine:latest"):
        made.identify("tool", "cu117")
    builder.images["mine:latest"] = "sha256:" + "1" * 64
    first = made.identify("tool", "cu117")
    builder.images["mine:latest"] = "sha256:" + "2" * 64
    assert made.identify("tool", "cu117") != first
    made.ensure("tool", "cu117", tmp_path / "log")
    assert builder.recipes[0].arguments["BASE_IMAGE"] == "mine:latest"


def test_other_hosts_know_a_base_of_ones_own_by_its_id(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    builder.images["mine:latest"] = "sha256:" + "1" * 64
    here = environments(tmp_path, builder, BuildOptions(base="mine:latest"))
    given = here.given_base("cu117")
    assert given == "sha256:" + "1" * 64
    built = here.ensure("tool", "cu117", tmp_path / "log")
    del builder.images["mine:latest"]  # a host that has the image, but not its base
    there = environments(tmp_path, builder, BuildOptions(base=given))
    assert there.ensure("tool", "cu117", tmp_path / "log") == built
    builder.images.clear()  # nor the image
    with pytest.raises(NotReadyError, match=f"no image {given}, which is to be the base"):
        there.ensure("tool", "cu117", tmp_path / "log")


def test_other_hosts_know_the_pinned_base_by_its_digest_and_no_base_without_one(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    pinned = f"debian:bookworm-slim@sha256:{'e' * 64}"
    assert environments(tmp_path, builder, BuildOptions(base=pinned)).given_base("cu117") == pinned
    assert environments(tmp_path, builder).given_base("cu117") is None


def test_an_image_is_built_once_and_probed_once(tmp_path: Path, builder: FakeImageBuilder) -> None:
    made = environments(tmp_path, builder)
    first = made.ensure("tool", "cu117", tmp_path / "log")
    assert made.ensure("tool", "cu117", tmp_path / "log") == first
    assert len(builder.recipes) == builder.probes == 1
    assert first.handle == builder.images[f"harness/tool:cu117-{first.id[:16]}"]
    assert first.probe["image"] == first.handle
    assert first.probe["base_digest"] == "sha256:" + "e" * 64
    builder.images.clear()  # pruned
    made.ensure("tool", "cu117", tmp_path / "log")
    assert len(builder.recipes) == 2


@pytest.mark.parametrize("fresh", [False, True])
def test_two_builds_of_one_image_at_once_name_one_image(
    tmp_path: Path, builder: FakeImageBuilder, fresh: bool
) -> None:
    made = environments(tmp_path, builder, BuildOptions(fresh=fresh))
    tag = f"harness/tool:cu117-{made.identify('tool', 'cu117')[:16]}"
    build = builder.build

    def slower(recipe: ImageRecipe, log: Path) -> str:
        image = build(recipe, log)
        builder.images[tag] = "sha256:" + "f" * 64  # another harness names its own meanwhile
        return image

    builder.build = slower  # type: ignore[method-assign]
    own = f"sha256:{1:064x}"
    expected = own if fresh else "sha256:" + "f" * 64
    assert made.ensure("tool", "cu117", tmp_path / "log").handle == expected
    assert builder.images == {tag: expected}, "names of builds are left"


def test_a_build_gets_locks_in_parts_and_the_pinned_base(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    environments(tmp_path, builder).ensure("tool", "cu117", tmp_path / "log")
    recipe = builder.recipes[0]
    assert recipe.arguments == {
        "BASE_IMAGE": f"debian:bookworm-slim@sha256:{'e' * 64}",
        "TOOLS_IMAGE": f"debian:bookworm-slim@sha256:{'e' * 64}",
        "PIP_OPTIONS": "",
    }
    assert builder.obtained == [("debian:bookworm-slim", f"sha256:{'e' * 64}", False)]
    assert sorted(recipe.files) == [
        "Dockerfile",
        "options/README",
        "requirements.build.txt",
        "requirements.torch.txt",
        "requirements.txt",
        "wheels/README",
    ]
    assert recipe.network
    assert recipe.cache


def test_an_image_says_what_it_is(tmp_path: Path, builder: FakeImageBuilder) -> None:
    made = environments(tmp_path, builder)
    made.ensure("tool", "cu117", tmp_path / "log")
    lock = tmp_path / "project" / "dockerfiles" / "tool" / "cu117.lock"
    labels = builder.recipes[0].labels
    assert {name: text for name, text in labels.items() if name.startswith("harness.")} == {
        "harness.version": __version__,
        "harness.method": "tool",
        "harness.stack": "cu117",
        "harness.lock": hashlib.sha256(lock.read_bytes()).hexdigest(),
        "harness.environment": made.identify("tool", "cu117"),
    }
    standard = {
        name.removeprefix("org.opencontainers.image."): text for name, text in labels.items()
    }
    assert standard["title"] == "harness tool on cu117"
    assert standard["version"] == __version__
    assert standard["base.name"] == f"debian:bookworm-slim@sha256:{'e' * 64}"
    assert standard["base.digest"] == f"sha256:{'e' * 64}"


def test_a_fresh_build_uses_neither_image_nor_layers(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    environments(tmp_path, builder).ensure("tool", "cu117", tmp_path / "log")
    fresh = environments(tmp_path, builder, BuildOptions(fresh=True))
    fresh.ensure("tool", "cu117", tmp_path / "log")
    assert [recipe.cache for recipe in builder.recipes] == [True, False]
    assert len({recipe.tag for recipe in builder.recipes}) == 2  # side by side none is in the way


def test_the_pinned_base_by_its_digest_counts_as_pinned(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    pinned = f"debian:bookworm-slim@sha256:{'e' * 64}"
    made = environments(tmp_path, builder, BuildOptions(base=pinned))
    assert made.identify("tool", "cu117") == environments(tmp_path, builder).identify(
        "tool", "cu117"
    )
    made.ensure("tool", "cu117", tmp_path / "log")
    assert builder.obtained == [("debian:bookworm-slim", f"sha256:{'e' * 64}", True)]


def test_an_image_that_holds_what_it_must_not_is_not_taken(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    bad = ImageFile(path="work/run.py", size=1, state=(0o644, 1, 1), read=lambda: b"x")
    builder.contents[f"sha256:{1:064x}"] = [bad]
    made = environments(tmp_path, builder)
    with pytest.raises(BuildError, match=r"/work/run\.py: a place that no image needs"):
        made.ensure("tool", "cu117", tmp_path / "log")
    tag = f"harness/tool:cu117-{made.identify('tool', 'cu117')[:16]}"
    assert tag not in builder.images
    (kept,) = builder.images
    assert kept.startswith(tag.replace("/tool", "/unchecked-tool"))


def test_only_wheels_of_the_lock_enter_a_build(tmp_path: Path, builder: FakeImageBuilder) -> None:
    make_project(tmp_path)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "jinja2-3.1.6-py3-none-any.whl").write_bytes(b"right")
    (wheels / "Jinja2-3.1.5-py3-none-any.whl").write_bytes(b"another version")
    (wheels / "torch-2.0.1-cp311-none-any.whl").write_bytes(b"right")
    (wheels / "numpy-1.23.5-cp311-none-any.whl").write_bytes(b"right")
    (wheels / "notes.txt").write_bytes(b"right")
    right = hashlib.sha256(b"right").hexdigest()
    lock = tmp_path / "project" / "dockerfiles" / "tool" / "cu117.lock"
    lock.write_text(LOCK.replace("a" * 64, right))
    ca_bundle = tmp_path / "ca.pem"
    ca_bundle.write_bytes(b"certificates")
    options = BuildOptions(ca_bundle=ca_bundle, wheelhouse=wheels)

    environments(tmp_path, builder, options).ensure("tool", "cu117", tmp_path / "log")

    recipe = builder.recipes[0]
    assert {name for name in recipe.files if name.startswith("options/")} == {
        "options/README",
        "options/ca.pem",
        "options/wheels/torch-2.0.1-cp311-none-any.whl",
    }
    assert {name for name in recipe.files if name.startswith("wheels/")} == {
        "wheels/README",
        "wheels/jinja2-3.1.6-py3-none-any.whl",
    }
    expected = "--cert /options/ca.pem --find-links /options/wheels"
    assert recipe.arguments["PIP_OPTIONS"] == expected


def test_a_method_without_dockerfile_is_named(tmp_path: Path, builder: FakeImageBuilder) -> None:
    made = environments(tmp_path, builder)
    with pytest.raises(ManifestError, match="other has no image"):
        made.identify("other", "cu117")


def test_dockerfiles_use_no_syntax_of_one_builder_alone() -> None:
    for path in Path(__file__).parents[3].glob("dockerfiles/**/Dockerfile"):
        text = path.read_text()
        assert "# syntax" not in text, path
        assert "--mount" not in text, path
        assert "<<" not in text, path
        assert "--require-hashes" in text, path


# --- from a mirror ------------------------------------------------------------------------------


def mirrored(root: Path, base: MirroredBase) -> Mirror:
    layout = MirrorLayout(root / "mirror")
    layout.packages.mkdir(parents=True, exist_ok=True)
    return Mirror(layout=layout, bases={"debian:bookworm-slim": base})


PINNED = MirroredBase(content=f"sha256:{'e' * 64}", replaced=False)


def put(builder: FakeImageBuilder, mirror: Mirror, tag: str, name: str) -> str:
    """Put an image of one layer into the mirror, so that the engine can load it."""
    folder = ImageFolder(mirror.layout.images)
    image = folder.add(tag, archive(layer(name)))
    builder.archives[b"".join(folder.archive(tag))] = (tag, image)
    return image


def test_a_mirrors_image_is_loaded_and_not_built(tmp_path: Path, builder: FakeImageBuilder) -> None:
    mirror = mirrored(tmp_path, PINNED)
    made = environments(tmp_path, builder, BuildOptions(mirror=mirror))
    tag = f"harness/tool:cu117-{made.identify('tool', 'cu117')[:16]}"
    image = put(builder, mirror, tag, "tool")
    assert made.ensure("tool", "cu117", tmp_path / "log").handle == image
    assert not builder.recipes
    assert not builder.obtained


def test_an_image_is_built_from_a_mirror_without_network(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    mirror = mirrored(tmp_path, PINNED)
    options = BuildOptions(mirror=mirror, wheelhouse=mirror.layout.packages)
    made = environments(tmp_path, builder, options)
    with pytest.raises(NotReadyError, match=r"no image harness/system:"):
        made.ensure("tool", "cu117", tmp_path / "log")
    plain = environments(tmp_path, FakeImageBuilder())
    stages = list(plain.stages("tool", "cu117", tmp_path / "log"))
    for tag in stages:
        put(builder, mirror, tag, tag)
    assert list(made.stages("tool", "cu117", tmp_path / "log")) == stages, (
        "for a mirror of a mirror"
    )
    built = made.ensure("tool", "cu117", tmp_path / "log")
    assert built.id == plain.identify("tool", "cu117")
    (recipe,) = builder.recipes
    assert recipe.arguments == {
        "BASE_IMAGE": stages[0],
        "TOOLS_IMAGE": stages[1],
        "PIP_OPTIONS": "--find-links /options/wheels --no-index",
    }
    assert not recipe.network
    assert not builder.obtained


def test_a_base_that_was_replaced_when_the_mirror_was_made_counts_the_same(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    builder.images["mine:latest"] = "sha256:" + "1" * 64
    there = environments(tmp_path, builder, BuildOptions(base="mine:latest"))
    base = MirroredBase(content="sha256:" + "1" * 64, replaced=True)
    here = environments(tmp_path, builder, BuildOptions(mirror=mirrored(tmp_path, base)))
    assert here.identify("tool", "cu117") == there.identify("tool", "cu117")
    assert here.identify("tool", "cu117") != environments(tmp_path, builder).identify(
        "tool", "cu117"
    )


def test_a_mirror_on_another_pin_is_an_error_that_shows_both(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    base = MirroredBase(content="sha256:" + "1" * 64, replaced=False)
    made = environments(tmp_path, builder, BuildOptions(mirror=mirrored(tmp_path, base)))
    with pytest.raises(MismatchError) as error:
        made.identify("tool", "cu117")
    assert "e" * 64 in str(error.value)
    assert "1" * 64 in str(error.value)


def test_a_mirror_comes_before_what_the_environment_says(tmp_path: Path) -> None:
    mirror = mirrored(tmp_path, PINNED)
    environ = {"HARNESS_WHEELHOUSE": str(tmp_path), "HARNESS_BASE": "mine"}
    options = BuildOptions.from_environment(environ, mirror=mirror)
    assert options.wheelhouse == mirror.layout.packages
    assert options.base is None
    given = BuildOptions.from_environment({}, mirror=mirror, wheelhouse=tmp_path, base="mine")
    assert given.wheelhouse == tmp_path
    assert given.base == "mine"


def test_an_image_that_is_not_its_lock_is_refused(
    tmp_path: Path, builder: FakeImageBuilder
) -> None:
    builder.found = {"pip_freeze": ["jinja2==3.1.6", "torch==2.0.1", "six==1.0"]}
    made = ImageEnvironments(*make_project(tmp_path), STACKS, (builder, builder))
    with pytest.raises(
        BuildError, match=r"nvidia-cublas-cu11.* is missing\n.*six==1.0 is not lock"
    ):
        made.ensure("tool", "cu117", tmp_path / "log")

"""No wrong cache: what design puts into a key changes it, and what it leaves out does not.

The table below is the rule, field by field, written apart from the code that makes keys. A new
field of a manifest fails the first test until somebody says here which of the two it is.
"""

import dataclasses
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.manifest import catalogue, contract, model
from harness.manifest.model import Scale
from tests.fuzz import rounds
from tests.keyed_project import (
    DOCUMENT,
    NAMES,
    Change,
    Edit,
    downstream,
    edited,
    keys_in,
)

#: Keys of rehearsals: test_rehearsal_keys.py.
BOTH = (Scale.PAPER, Scale.SMOKE)
_DATA, _TRAIN, _MAPS, _REFINE = (f"method/steps/{number}" for number in range(4))
_SCORE = "shared/steps/0"
_PHOTOS = "assets/photos"
_CONTRACT = f"{_MAPS}/outputs/maps/contract"
_UNPACKED: tuple[Change, ...] = (
    ("assets/weights/unpack", {"format": "zip", "member": "x"}),
    ("trust", {"weights": {"digest": "e" * 64, "origin": f"sha256:{'b' * 64}#x"}}),
)
_BY_MD5: tuple[Change, ...] = (
    ("assets/weights/sha256", None),
    ("assets/weights/md5", "a" * 32),
    ("trust", {"weights": {"digest": "e" * 64, "origin": f"md5:{'a' * 32}"}}),
)
_ANCHORED: Change = ("ask/anchor", "start")


def out(*changes: Change, under: tuple[Change, ...] = (), **renamed: str) -> Edit:
    """What no key holds."""
    return Edit(changes=changes, under=under, renamed=renamed)


def into(steps: str, *changes: Change, under: tuple[Change, ...] = ()) -> Edit:
    """What the keys of steps hold, at both scales."""
    reached = frozenset(steps.split())
    return Edit(changes=changes, paper=reached & set(NAMES), smoke=reached, under=under)


def at_paper(steps: str, *changes: Change) -> Edit:
    return Edit(changes=changes, paper=frozenset(steps.split()))


def at_smoke(steps: str, *changes: Change) -> Edit:
    return Edit(changes=changes, smoke=frozenset(steps.split()))


def step(of: str, /, **fields: Any) -> dict[str, Any]:
    return {**next(one for one in DOCUMENT["method"]["steps"] if one["name"] == of), **fields}


_ARGV: list[Any] = DOCUMENT["method"]["steps"][1]["argv"]
_ISL = len(_ARGV) - 1
_WHEN = f"{_TRAIN}/argv/{_ISL}/when"

#: `Class.field` -> edits of it.
TABLE: Mapping[str, tuple[Edit, ...]] = {
    # conditions count by what they decide
    "When.losses": (into("train", (f"{_WHEN}/losses", "fsl")), out((f"{_WHEN}/losses", "any"))),
    "When.scale": (at_smoke("train", (f"{_WHEN}/scale", "paper")),),
    "When.backbone": (
        into("train", (f"{_WHEN}/backbone", "large")), out((f"{_WHEN}/backbone", "tiny"))),
    "When.options": (
        into("train", (f"{_WHEN}/options", {"mode": "slow"})),
        out((f"{_WHEN}/options", {"mode": "fast"}))),
    "Arguments.when": (into("train", (_WHEN, {"losses": "none"})),),
    "Arguments.args": (into("train", (f"{_TRAIN}/argv/{_ISL}/args", ["--isl", "0.3"])),),
    # of resources only the number of GPUs counts
    "Resources.gpus": (
        at_paper("maps", (f"{_MAPS}/resources/paper/gpus", 1)),
        at_smoke("maps", (f"{_MAPS}/resources/smoke/gpus", 1)),
        out((f"{_TRAIN}/resources/paper/gpus", 3))),  # train's template decides
    "Resources.gpu_memory_gb": (out((f"{_MAPS}/resources/paper/gpu_memory_gb", 11)),),
    "Resources.gpu_memory_measured": (out((f"{_MAPS}/resources/paper/gpu_memory_measured", "x")),),
    "Resources.cpus": (out((f"{_MAPS}/resources/paper/cpus", 9)),),
    "Resources.memory_gb": (out((f"{_MAPS}/resources/paper/memory_gb", 9)),),
    "Resources.shm_gb": (out((f"{_MAPS}/resources/paper/shm_gb", 9)),),
    "Resources.hours": (out((f"{_MAPS}/resources/paper/hours", 9)),),
    "Resources.disk_gb": (out((f"{_MAPS}/resources/paper/disk_gb", 9)),),
    "Resources.time_limit_hours": (out((f"{_MAPS}/resources/paper/time_limit_hours", 9)),),
    "ResourcesAt.paper": (at_paper("maps", (f"{_MAPS}/resources/paper", {"gpus": 2})),),
    "ResourcesAt.rehearsal": (out((f"{_MAPS}/resources/rehearsal", {"gpus": 2})),),
    "ResourcesAt.rehearsal_cpu": (out((f"{_MAPS}/resources/rehearsal-cpu", {"gpus": 2})),),
    "ResourcesAt.smoke": (at_smoke("maps", (f"{_MAPS}/resources/smoke", {"gpus": 2})),),
    "CountAt.paper": (
        at_paper("maps", (f"{_MAPS}/threads/paper", 3)),
        at_paper("train", (f"{_TRAIN}/workers/paper", 3))),
    "CountAt.rehearsal": (out((f"{_MAPS}/threads/rehearsal", 3)),),
    "CountAt.rehearsal_cpu": (out((f"{_MAPS}/threads/rehearsal-cpu", 3)),),
    "CountAt.smoke": (
        at_smoke("maps", (f"{_MAPS}/threads/smoke", 3)),
        at_smoke("train", (f"{_TRAIN}/workers/smoke", 3))),
    "Output.path": (
        into("maps", (f"{_MAPS}/outputs/maps/path", "other")),
        into("data", (f"{_DATA}/outputs/data/path", "other"))),
    "Output.contract": (into("maps", (_CONTRACT, {"kind": "file"}), (f"{_MAPS}/shards", None)),),
    "Output.retain": (out((f"{_MAPS}/outputs/maps/retain", "always")),),
    "Output.disk_gb": (out((f"{_MAPS}/outputs/maps/disk_gb", 9)),),
    "Shards.by": (out((f"{_MAPS}/shards/by", "{in.lists}/other.txt")),),
    "Shards.max": (out((f"{_MAPS}/shards/max", 9)),),
    "Training.list": (out((f"{_TRAIN}/trains", {"list": "{in.data}/a", "batch": "2"})),),
    "Training.batch": (out((f"{_TRAIN}/trains", {"list": "{in.data}/b", "batch": "5"})),),
    "Step.trains": (out((f"{_TRAIN}/trains", {"list": "{in.data}/c", "batch": "3"})),),
    "Step.name": (out((f"{_SCORE}/name", "marks"), score="marks"),),
    "Step.stage": (out((f"{_MAPS}/stage", 6)),),
    "Step.about": (out((f"{_MAPS}/about", "other")),),
    "Step.repo": (into("maps", (f"{_MAPS}/repo", "other")), into("maps", (f"{_MAPS}/repo", None))),
    "Step.cwd": (into("train", (f"{_TRAIN}/cwd", "lib")),),
    "Step.argv": (
        into("train", (f"{_TRAIN}/argv/3", "--rate")),
        into("maps", (f"{_MAPS}/argv", ["python", "maps.py", ""])),
        into("maps", (f"{_MAPS}/argv", ["python maps.py"])),
        into("maps", (f"{_MAPS}/argv", ["maps.py", "python"]))),
    "Step.env": (
        into("train", (f"{_TRAIN}/env/TAG", "z")),
        into("maps", (f"{_MAPS}/env", {"NEW": "1"}))),
    "Step.losses_env": (
        into("train", (f"{_TRAIN}/losses_env/LOSSY", "2")),
        out((f"{_TRAIN}/losses_env/LOSSY", "2"), under=(("ask/losses", "none"),))),
    "Step.links": (
        into("train", (f"{_TRAIN}/links/here", "{out}")),
        into("train", (f"{_TRAIN}/links", {"there": "{in.data}"}))),
    "Step.folders": (into("train", (f"{_TRAIN}/folders", ["tmp", "more"])),),
    "Step.out_folders": (into("train", (f"{_TRAIN}/out_folders", ["other"])),),
    "Step.inputs": (
        into("train", (f"{_TRAIN}/inputs/start", "assets.anchor")),
        into("train", (f"{_TRAIN}/inputs/start", "assets.weights/inner")),
        into("maps", (f"{_MAPS}/inputs/lists", "steps.data.data/other")),
        into("maps", (f"{_MAPS}/inputs/lists", "repos.other/lists")),
        into("maps", (f"{_MAPS}/inputs/more", "assets.weights")),
        into("data", (f"{_DATA}/inputs/lists", "repos.other"))),
    "Step.inputs_when": (
        into("train", (f"{_TRAIN}/inputs_when/start", {"mode": "slow"})),
        out((f"{_TRAIN}/inputs_when", None))),
    "Step.outputs": (
        into("maps", (f"{_MAPS}/outputs/more", {"path": "more", "contract": {"kind": "file"}}),
             (f"{_MAPS}/shards", None)),),
    "Step.packages": (
        into("train", (f"{_TRAIN}/packages", ["losses", "mxnet"])),
        into("data", (f"{_DATA}/packages", []))),
    "Step.injects_losses": (
        out((f"{_MAPS}/injects_losses", True)),
        out((f"{_REFINE}/packages", ["losses"]), (f"{_REFINE}/injects_losses", True))),
    "Step.stochastic": (
        into("maps", (f"{_MAPS}/stochastic", True), (f"{_MAPS}/shards", None)),
        into("refine", (f"{_REFINE}/stochastic", False))),
    "Step.threads": (into("maps", (f"{_MAPS}/threads", {"paper": 4, "smoke": 4})),),
    "Step.workers": (into("maps", (f"{_MAPS}/workers", {"paper": 4, "smoke": 4})),),
    "Step.resources": (into("maps", (f"{_MAPS}/resources", {"paper": {"gpus": 1}, "smoke": {"gpus": 1}})),),
    "Step.gpus": (at_paper("train", (f"{_TRAIN}/gpus", "3")), out((f"{_TRAIN}/gpus", "1"))),
    "Step.backbones": (out((f"{_MAPS}/backbones", ["tiny"])),),
    "Step.scales": (out((f"{_MAPS}/scales", ["smoke", "paper"])),),
    "Step.progress": (out((f"{_TRAIN}/progress", "(?P<at>y)")),),
    "Step.score": (out((f"{_SCORE}/score", "other"),
                       ("method/anchors/start/expect/0/score", "other")),),
    "Step.test": (out((f"{_SCORE}/test", True)),),
    "Step.shards": (out((f"{_MAPS}/shards", None)),),
    "Step.work": (out((f"{_TRAIN}/work", {"iterations": 7})),),
    "Work.iterations": (out((f"{_TRAIN}/work", {"iterations": "2 * (7 // {workers})"})),),
    "Work.evaluations": (out((f"{_TRAIN}/work", {"evaluations": 7})),),
    "Work.evaluated": (out((f"{_TRAIN}/work", {"evaluated": 7})),),
    "Work.pictures": (out((f"{_MAPS}/work", {"pictures": 7})),),
    "Work.side_by_side": (out((f"{_MAPS}/work", {"side_by_side": True})),),
    "Step.note": (out((f"{_MAPS}/note", "other")),),
    "Choice.about": (out(("method/options/mode/choices/fast/about", "other")),),
    "Choice.fields": (
        into("train", ("method/options/mode/choices/fast/fields/flag", "-g")),
        at_paper("train", ("method/options/mode/choices/fast/fields/gpus", "4")),
        out(("method/options/mode/choices/slow/fields/flag", "-g")),
        out(("method/options/mode/choices/fast/fields/unused", "x"))),
    "Choice.cam_background": (out(("method/options/mode/choices/fast/cam_background", 0.39)),),
    "Option.about": (out(("method/options/mode/about", "other")),),
    "Option.default": (
        into("train", ("method/options/mode/default", "slow")),
        into("score", ("shared/options/metric/default", "F")),
        out(("method/options/mode/default", "slow"), under=(("ask/options", {"mode": "fast"}),))),
    "Option.choices": (out(("shared/options/metric/choices/JF", {"about": "new"})),),
    "Option.published": (out(("method/options/mode/published", "other")),),
    "Option.uses_masks": (out(("method/options/mode/uses_masks", True)),),
    "Parameter.paper": (
        at_paper("train", ("method/parameters/lr/paper", 0.2)),
        at_paper("train", ("method/parameters/tag/paper", "c")),
        at_paper("score", ("shared/parameters/border/paper", 5))),
    "Parameter.rehearsal": (out(("method/parameters/tag/rehearsal", "other")),),
    "Parameter.rehearsal_cpu": (out(("method/parameters/tag/rehearsal-cpu", "other")),),
    "Parameter.smoke": (
        at_smoke("train", ("method/parameters/lr/smoke", 3)),
        at_smoke("score", ("shared/parameters/border/smoke", 5))),
    "Parameter.source": (out(("method/parameters/lr/source", "other")),),
    "SharedSteps.shared_steps": (
        out(("shared/shared_steps", "other"), ("method/uses/0/shared_steps", "other")),),
    "SharedSteps.about": (out(("shared/about", "other")),),
    "SharedSteps.given": (out(("shared/given/maps", "other")),),
    "SharedSteps.repositories": (
        into("score", ("shared/repositories/other", ["first"]),
             ("method/repositories/other", ["first"]), (f"{_SCORE}/repo", "other")),
        out(("shared/repositories", None))),
    "SharedSteps.options": (out(("shared/options/new", DOCUMENT["shared"]["options"]["metric"])),),
    "SharedSteps.parameters": (
        out(("shared/parameters/new", DOCUMENT["shared"]["parameters"]["border"])),),
    "SharedSteps.steps": (into("score", (f"{_SCORE}/argv/0", "python3")),),
    "KnownScore.score": (out(("method/anchors/start/expect/0/score", "last"),
                             (f"{_SCORE}/score", "last")),),
    "KnownScore.metric": (out(("method/anchors/start/expect/0/metric", "F"), under=(_ANCHORED,)),),
    "KnownScore.value": (out(("method/anchors/start/expect/0/value", 9), under=(_ANCHORED,)),),
    "KnownScore.tolerance": (
        out(("method/anchors/start/expect/0/tolerance", 9), under=(_ANCHORED,)),),
    "KnownScore.source": (out(("method/anchors/start/expect/0/source", "y"), under=(_ANCHORED,)),),
    "Anchor.about": (out(("method/anchors/start/about", "y"), under=(_ANCHORED,)),),
    "Anchor.asset": (
        into("maps", ("method/anchors/start/asset", "weights"), under=(_ANCHORED,)),
        out(("method/anchors/start/asset", "weights"))),
    "Anchor.replaces": (
        into("maps refine", ("method/anchors/start/replaces", "maps.maps"), under=(_ANCHORED,)),
        out(("method/anchors/start/replaces", "maps.maps"))),
    "Anchor.backbone": (out(("method/anchors/start/backbone", "large")),),
    "Anchor.options": (out(("method/anchors/start/options", {"mode": "slow"})),),
    "Anchor.expect": (
        out(("method/anchors/start/expect", DOCUMENT["method"]["anchors"]["start"]["expect"] * 2)),),
    "Use.shared_steps": (
        out(("shared/shared_steps", "other"), ("method/uses/0/shared_steps", "other")),),
    "Use.backbones": (out(("method/uses/0/backbones", ["tiny"])),),
    "Use.given": (into("score", ("method/uses/0/given/maps", "steps.refine.refined/inner")),),
    "Method.method": (out(("method/method", "other")),),
    "Method.title": (out(("method/title", "other")),),
    "Method.backbones": (out(("method/backbones", ["large", "tiny", "other"])),),
    "Method.stacks": (
        out(("method/stacks", ["s2", "s1"])),  # asked for
        into("make-photos data train maps refine score", ("method/stacks", ["s2", "s1"]),
             under=(("ask/stack", None),))),
    "Method.seeds": (out(("method/seeds", [5, 6, 1])),),
    "Method.full_scale": (out(("method/full_scale", "paper")),),
    "Method.fixed_seed": (into("refine", ("method/fixed_seed", 8)),),
    "Method.repositories": (
        into("train maps", ("method/repositories/up", ["second", "first"])),
        into("train maps", ("method/repositories/up", ["first"])),
        into("train maps", ("method/repositories/up", ["first", "second", "third"])),
        out(("method/repositories/other", ["first"]), ("shared/repositories", None))),  # its files are read as they are upstream
    "Method.seed_option": (into("refine", ("method/seed_option", None)),),
    "Method.losses_option": (
        out(("method/losses_option", None)),
        out(("method/losses_option", None), under=(("ask/losses", "none"),))),
    "Method.options": (out(("method/options/new", DOCUMENT["method"]["options"]["mode"])),),
    "Method.parameters": (out(("method/parameters/new", DOCUMENT["method"]["parameters"]["lr"])),),
    "Method.steps": (out(("method/steps/4", step("refine", name="aside"))),),
    "Method.uses": (out(("method/uses/0", {**DOCUMENT["method"]["uses"][0], "backbones": []})),),
    "Method.anchors": (out(("method/anchors", None)),),
    "Repository.url": (out(("repositories/up/url", "https://example.org/z")),),
    "Repository.commit": (
        into("train maps", ("repositories/up/commit", "d" * 40)),
        into("make-photos data", ("repositories/other/commit", "d" * 40))),
    "Repository.tree": (out(("repositories/up/tree", "d" * 40)),),  # follows from the commit
    "Repository.date": (out(("repositories/up/date", "2021-01-01")),),
    "Repository.licence": (out(("repositories/up/licence", None), ("repositories/up/licence", "x")),),
    "Repository.sparse": (
        into("train maps", ("repositories/up/sparse", ["/src", "/lib"])),
        into("make-photos data", ("repositories/other/sparse", ["/*"]))),
    "Repository.paper_only": (out(("repositories/up/paper_only", [])),),
    "Repository.contracts": (out(("repositories/up/contracts", {"src/x": {"kind": "file"}})),),
    "Repository.stages": (out(("repositories/up/stages", {"toy": "2"})),),
    "Repository.embedded": (out(("repositories/up/embedded", "up")),),  # the same commit
    "SmokeMaker.argv": (at_smoke("make-photos", (f"{_PHOTOS}/smoke/argv/2", "paint")),),
    "SmokeMaker.inputs": (
        at_smoke("make-photos", (f"{_PHOTOS}/smoke/inputs/lists", "repos.other/more")),
        at_smoke("make-photos", (f"{_PHOTOS}/smoke/inputs/more", "assets.anchor"))),
    "SmokeMaker.packages": (at_smoke("make-photos", (f"{_PHOTOS}/smoke/packages", [])),),
    "SmokeMaker.path": (at_smoke("make-photos", (f"{_PHOTOS}/smoke/path", "other")),),
    "SmokeMaker.contract": (
        at_smoke("make-photos", (f"{_PHOTOS}/smoke/contract", {"kind": "folder"})),),
    "Unpack.format": (
        out((f"{_PHOTOS}/unpack", {"format": "tar", "member": "x"}),
            under=((f"{_PHOTOS}/unpack", {"format": "zip", "member": "x"}),)),),  # content counts
    "Unpack.member": (
        out((f"{_PHOTOS}/unpack/member", "y"),
            under=((f"{_PHOTOS}/unpack", {"format": "zip", "member": "x"}),)),),
    "Asset.title": (out((f"{_PHOTOS}/title", "other")),),
    "Asset.urls": (out((f"{_PHOTOS}/urls", ["https://example.org/other.bin"])),),
    "Asset.sha256": (
        at_paper("data", (f"{_PHOTOS}/sha256", "d" * 64)),
        into("train", ("assets/weights/sha256", "d" * 64)),
        into("train", ("assets/weights/sha256", None))),
    "Asset.md5": (out((f"{_PHOTOS}/md5", "d" * 32)),),
    "Asset.by_hand": (out((f"{_PHOTOS}/by_hand", "ask")),),
    "Asset.places": (out((f"{_PHOTOS}/places", ["there"])),),
    "Asset.unpack": (
        at_paper("data", (f"{_PHOTOS}/unpack", {"format": "tar", "member": "x"})),),
    "Asset.licence": (out((f"{_PHOTOS}/licence", "MIT")),),
    "Asset.size_gb": (out((f"{_PHOTOS}/size_gb", 9)),),
    "Asset.contract": (out((f"{_PHOTOS}/contract", {"kind": "folder"})),),  # its content counts
    "Asset.rehearsal": (
        out((f"{_PHOTOS}/rehearsal", DOCUMENT["assets"]["photos"]["smoke"])),),
    "Asset.smoke": (at_smoke("make-photos", (f"{_PHOTOS}/smoke", None)),),
    "Driver.minimum": (out(("stacks/s1/driver/minimum", "500")),),
    "Driver.source": (out(("stacks/s1/driver/source", "y")),),
    "Stack.title": (out(("stacks/s1/title", "other")),),
    "Stack.python": (out(("stacks/s1/python", "3.13")),),  # of an image: in base and lock
    "Stack.torch": (out(("stacks/s1/torch", "9")),),
    "Stack.cuda": (out(("stacks/s1/cuda", "13.0")),),
    "Stack.archs": (out(("stacks/s1/archs", ["sm_80"])),),
    "Stack.ptx": (out(("stacks/s1/ptx", "compute_80")),),
    "Stack.driver": (out(("stacks/s1/driver", None)),),
    "Stack.base": (into("make-photos data train maps refine score",
                        ("stacks/s1/base", "debian:2")),),
    "Stack.index": (out(("stacks/s1/index", "https://example.org/wheels")),),
}  # fmt: skip

_ALL = "make-photos data train maps refine score"
#: What is no field of a manifest: comments, files beside the manifests, what a command asks for.
OTHERS: Mapping[str, tuple[Edit, ...]] = {
    "comments": (out(("comment", "# said\n\n")),),
    "patches": (
        into("train maps", ("patches/first", "One")),
        into("train maps", ("patches/second", "two\n")),
        out(("patches/third", "other"))),
    "recipe": (into(_ALL, ("dockerfile", "FROM x\n#\n")),),
    "locks": (
        into(_ALL, ("locks/s1", DOCUMENT["locks"]["s2"])),
        into(_ALL, ("build_lock", DOCUMENT["locks"]["s2"])),
        out(("locks/s2", DOCUMENT["locks"]["s1"]))),
    "base images": (
        into(_ALL, ("bases/debian:1", "sha256:" + "d" * 64)),
        out(("bases/debian:2", "sha256:" + "d" * 64))),
    "first use": (
        into("train", ("trust", {"weights": {"digest": "d" * 64}}), under=(("assets/weights/sha256", None),)),
        out(("trust", {"weights": {"digest": "d" * 64}})),  # the published checksum counts
        # what was unpacked counts as long as the manifest declares the same archive
        into("train", ("assets/weights/sha256", "d" * 64), under=_UNPACKED),
        into("train", ("assets/weights/unpack/member", "y"), under=_UNPACKED),
        out(("assets/weights/unpack/format", "tar"), under=_UNPACKED),
        into("train", ("assets/weights/md5", "d" * 32), under=_BY_MD5)),
    "packages": (
        into(_ALL, ("packages/site", "other")),
        into("train", ("packages/losses", "other")),
        out(("packages/losses", "other"), under=(("ask/losses", "none"),)),
        into("make-photos data", ("packages/glue", "other")),
        into("score", ("packages/metrics", "other")),
        out(("packages/mxnet", "other"))),
    "seed": (
        into("train", ("ask/seed", [2])),
        into("train refine", ("ask/seed", [2]), under=(("ask/options", {"reach": "both"}),)),
        into("refine", ("ask/seed", [2]), under=(("ask/options", {"reach": "none"}),))),
    "losses": (
        into("train", ("ask/losses", "none")),
        into("train", ("ask/losses", "fsl")),
        out(("ask/losses", "isl+fsl")),  # the step does nothing for fsl
        out(("ask/losses", "none"), under=(("ask/options", {"lossy": "refine"}),))),
    "options": (
        into("train", ("ask/options", {"mode": "slow"})),
        into("train", ("ask/options", {"lossy": "refine"})),
        into("score", ("ask/options", {"metric": "F"})),
        into("train", ("ask/options", {"reach": "none"}), under=(("ask/seed", [2]),)),
        out(("ask/options", {"mode": "fast", "metric": "J"}))),
    "stack": (into(_ALL, ("ask/stack", "s2")),),
    "anchor": (into("maps", ("ask/anchor", "start")),),
    "engine": (out(("ask/runtime", "podman")),),
    "backbone": (out(("ask/backbone", "large")),),  # no step of this method names it
}  # fmt: skip
EDITS = [
    pytest.param(edit, id=f"{name}-{number}")
    for name, edits in (TABLE | OTHERS).items()
    for number, edit in enumerate(edits)
]


def fields_of(module: ModuleType) -> Iterator[str]:
    for kind in vars(module).values():
        if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__:
            yield from (f"{kind.__name__}.{field.name}" for field in dataclasses.fields(kind))


def test_the_table_has_every_field() -> None:
    read = {*fields_of(model), *fields_of(catalogue)}
    tables = {f"Catalogue.{name}" for name in ("repositories", "assets", "stacks")}
    assert read - tables == TABLE.keys()
    assert all(TABLE.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keyed")


@pytest.fixture(scope="module")
def unedited(folder: Path) -> Callable[[tuple[Change, ...], Scale], Mapping[str, str]]:
    """The keys before an edit, made once."""
    known: dict[str, Mapping[str, str]] = {}

    def keys(under: tuple[Change, ...], scale: Scale) -> Mapping[str, str]:
        name = repr((under, scale))
        if name not in known:
            known[name] = keys_in(folder, edited(*under), scale)
        return known[name]

    return keys


Unedited = Callable[[tuple[Change, ...], Scale], Mapping[str, str]]


@pytest.mark.parametrize("scale", BOTH)
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_reaches_the_keys_that_it_must(
    edit: Edit, scale: Scale, folder: Path, unedited: Unedited
) -> None:
    before = unedited(edit.under, scale)
    after = keys_in(folder, edited(*edit.under, *edit.changes), scale)
    changed = {name for name in before if after.get(edit.renamed.get(name, name)) != before[name]}
    assert changed == edit.reaches(scale) & before.keys()


def test_a_full_scale_of_another_name_has_the_same_keys(folder: Path, unedited: Unedited) -> None:
    named = edited(("method/full_scale", "demo"))
    assert keys_in(folder, named, Scale.DEMO) == unedited((), Scale.PAPER)


# Edits whose reach depends on others: what runs, and what decides which steps get the losses.
_ALONE = (
    "ask/",
    "method/losses_option",
    "method/anchors",
    "method/steps/4",
    f"{_PHOTOS}/smoke",
    f"{_PHOTOS}/unpack",
)


def mixable() -> list[Edit]:
    """Edits that do the same whatever else is edited."""
    edits = [edit for edits in (TABLE | OTHERS).values() for edit in edits]
    return [
        edit
        for edit in edits
        if not edit.under
        and not edit.renamed
        and not any(place.startswith(_ALONE) for place, _ in edit.changes)
    ]


def apart(left: Edit, right: Edit) -> bool:
    """Whether no place of one is a place of the other, or lies in it."""
    return not any(
        f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
        for one, _ in left.changes
        for other, _ in right.changes
    )


def test_random_edits_never_hit_what_they_made_stale(folder: Path, unedited: Unedited) -> None:
    """Up to four edits at a time; keys that the same edits reach are the same."""
    chance = random.Random(8)
    pool = mixable()
    known: dict[tuple[Scale, str, frozenset[int]], str] = {}
    for _ in range(rounds(80)):
        scale = chance.choice(BOTH)
        chosen: list[int] = []
        for number in chance.sample(range(len(pool)), chance.randint(1, 4)):
            if all(apart(pool[number], pool[other]) for other in chosen):
                chosen.append(number)
        edits = [pool[number] for number in chosen]
        before = unedited((), scale)
        after = keys_in(folder, edited(*(c for edit in edits for c in edit.changes)), scale)
        stale = frozenset().union(*(edit.reaches(scale) for edit in edits))
        assert {name for name in before if after[name] != before[name]} == stale & before.keys()
        for name, key in after.items():
            reached = frozenset(n for n in chosen if name in pool[n].reaches(scale))
            assert known.setdefault((scale, name, reached), key) == key


_TEXTS_IN = {
    f"{_MAPS}/argv/1": "maps",
    f"{_TRAIN}/env/TAG": "train",
    f"{_TRAIN}/links/here": "train",
    f"{_TRAIN}/losses_env/LOSSY": "train",
    "method/options/mode/choices/fast/fields/flag": "train",
    "method/parameters/tag/paper": "train",
    "patches/first": "train maps",
    "dockerfile": "data train maps refine score",
    "packages/metrics": "score",
}
_TEXTS_OUT = (
    f"{_MAPS}/about", f"{_MAPS}/note", "method/title", "method/parameters/lr/source",
    "repositories/up/url", "assets/photos/title", "assets/photos/by_hand", "stacks/s1/title",
    "shared/about", "method/options/mode/choices/fast/about", "patches/third", "packages/mxnet",
)  # fmt: skip
_texts = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xD7FF, exclude_characters="{}\ufeff",
                  exclude_categories=("Cc", "Cs")), max_size=12,
)  # fmt: skip
_quick = settings(
    max_examples=rounds(25),
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@_quick
@given(st.sampled_from(sorted(_TEXTS_IN)), _texts, _texts)
def test_different_texts_different_keys(folder: Path, place: str, one: str, other: str) -> None:
    before, after = (keys_in(folder, edited((place, text)), Scale.PAPER) for text in (one, other))
    reached = downstream(_TEXTS_IN[place].split()) if one != other else frozenset()
    assert {name for name in before if before[name] != after[name]} == reached


@_quick
@given(st.sampled_from(_TEXTS_OUT), _texts)
def test_descriptions_are_in_no_key(
    folder: Path, unedited: Unedited, place: str, text: str
) -> None:
    assert keys_in(folder, edited((place, text)), Scale.PAPER) == unedited((), Scale.PAPER)


@_quick
@given(
    st.sampled_from(["threads", "workers"]),
    st.integers(1, 4096),
    st.integers(1, 4096),
    st.floats(0, 1e6, allow_subnormal=False),
)
def test_counts_are_in_keys_and_estimates_are_not(
    folder: Path, field: str, one: int, other: int, estimate: float
) -> None:
    counts = ((f"{_MAPS}/{field}", {"paper": count, "smoke": 1}) for count in (one, other))
    first, second = counts
    before = keys_in(folder, edited(first), Scale.PAPER)
    hours = (f"{_MAPS}/resources/paper/hours", estimate)
    after = keys_in(folder, edited(second, hours), Scale.PAPER)
    reached = downstream({"maps"}) if one != other else frozenset()
    assert {name for name in before if before[name] != after[name]} == reached


#: A value of each field of contracts that is not its default.
_CONTRACT_VALUES: Mapping[str, Any] = {
    "ids": "{in.lists}/other", "max_label": 7, "void": True, "modes": ["L", "P"],
    "size_of": "{in.lists}", "dtype": "float64", "first_key": 1, "background": True,
    "max_key": 7, "labels": "{in.lists}/labels.npy", "low": 0.5, "high": 0.7,
    "strides": {"cam": 8}, "channels": 7, "stride": 7, "classes": 7, "at": ["model"],
    "entries": 7, "values": 7, "shapes": {"weight": [7]}, "keys": ["other"], "min_count": 7,
    "globs": ["*.x"], "counts": {"*.x": 7}, "min_bytes": 7, "contains": ["x"],
    "lists": ["other"], "masks": True, "others": True,
}  # fmt: skip
_CONTRACT_MINIMUM: Mapping[str, Any] = {
    "ids": "{in.lists}/ids", "strides": {"cam": 4}, "channels": 3, "lists": ["train"],
}  # fmt: skip


def contract_fields() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(kind, field, the smallest contract of that kind)."""
    for kind in get_args(get_args(contract.Contract)[0]):
        fields = {field.name: field for field in dataclasses.fields(kind)}
        name = get_args(get_type_hints(kind)["kind"])[0]
        needed = {key: value for key, value in _CONTRACT_MINIMUM.items() if key in fields}
        for field in fields.keys() - {"kind"}:
            yield name, field, {"kind": name, **needed}


@pytest.mark.parametrize(("kind", "field", "smallest"), sorted(contract_fields(), key=repr))
def test_every_field_of_a_contract_is_in_the_key(
    kind: str, field: str, smallest: Mapping[str, Any], folder: Path, unedited: Unedited
) -> None:
    plain: tuple[Change, ...] = ((f"{_MAPS}/shards", None), (_CONTRACT, smallest))
    before = unedited(plain, Scale.PAPER)
    changed = (f"{_CONTRACT}/{field}", _CONTRACT_VALUES[field])
    after = keys_in(folder, edited(*plain, changed), Scale.PAPER)
    assert {name for name in before if before[name] != after[name]} == downstream({"maps"})
    assert kind == smallest["kind"]

"""`record diff` ranks causes as Sec. S.3 lists them; the true one comes first."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.differences import Comparison, Kind, compare_runs, compare_steps, kind_of
from harness.evidence.evidence import RunEvidence, Scores, StepEvidence
from harness.evidence.suspects import explanation, suspect
from harness.manifest.model import Losses, Scale

CARD = {
    "uuid": "GPU-1",
    "name": "NVIDIA A100",
    "memory_gb": 40.0,
    "capability": "8.0",
    "driver": "535.1",
}
OLD_WHEEL = "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64"
NEW_WHEEL = "cp311-cp311-manylinux_2_28_x86_64"
#: As a step on one GPU in a container is recorded.
RECORD: dict[str, Any] = {
    "schema": 4,
    "harness": "0.1.0",
    "code": {"commit": "c" * 40, "dirty": False},
    "identity": {
        "step": "train-cam",
        "stage": 2,
        "method": "seam",
        "stack": "cu117",
        "scale": "paper",
        "key": "0" * 64,
        "key_inputs": {
            "argv": ["python", "train.py", "--lr", "-0.1", "--seed", "1", "--amp"],
            "env": {"HARNESS_SEED": "1"},
            "packages": {"site": "5" * 64},
            "inputs": {
                "voc": {"asset": "d" * 64, "path": ".", "target": "/data/voc"},
                "cam": {"step": "e" * 64, "path": "cam", "target": "/in/cam"},
            },
            "gpus": 1,
            "cpu_shim": False,
            "source": {"commit": "a" * 40, "patches": [["losses", "b" * 64]]},
        },
        "parents": ["e" * 64],
    },
    "sources": {
        "seam+losses": {
            "commit": "a" * 40,
            "tree": "1" * 40,
            "missing": [],
            "patches": [["losses", "b" * 64]],
        }
    },
    "command": {"threads": 8, "workers": 4},
    "seed": 1,
    "determinism": {"cudnn_deterministic": True, "matmul_tf32": False, "cublas_workspace": ":4096:8"},
    "environment": {
        "id": "env1",
        "python": "3.11.4",
        "os": "Debian GNU/Linux 12 (bookworm)",
        "libc": "glibc 2.36",
        "pip_freeze": ["numpy==1.23.5", "pillow==9.5.0", "torch==2.0.1+cu117"],
        "installers": {"pip": ["numpy", "pillow", "torch"]},
        "wheels": {OLD_WHEEL: ["numpy", "pillow"], "cp311-cp311-linux_x86_64": ["torch"]},
        "torch": "2.0.1+cu117",
        "cuda": "11.7",
        "cudnn": 8500,
        "archs": ["sm_70", "sm_80"],
        "libraries": {"jpeg": "6.2"},
        "image": "sha256:1",
        "base_digest": "sha256:2",
        "lock": "3" * 64,
    },
    "runtime": {"runtime": "docker", "isolated": True, "by": "docker 24", "network": "none"},
    "container": {"gpus": ["GPU-1"]},
    "gpus": [CARD],
    "host": {
        "name": "node1",
        "os": "Ubuntu 22.04",
        "libc": "glibc 2.35",
        "kernel": "5.15",
        "cpu": "AMD EPYC 7742",
        "cpu_flags": ["avx2"],
        "machine": "x86_64",
        "memory_gb": 512.0,
    },
    "outputs": {"weights": {"sha256": "7" * 64}},
}  # fmt: skip

Edit = Callable[[dict[str, Any]], object]


def put(*path: Any) -> Edit:
    """Set the place at all words of `path` but the last to the last."""
    *places, last, value = path

    def edit(record: dict[str, Any]) -> None:
        inner: Any = record
        for place in places:
            inner = inner[place]
        inner[last] = copy.deepcopy(value)  # other edits may change it

    return edit


def together(*edits: Edit) -> Edit:
    return lambda record: [edit(record) for edit in edits]


def to_cu130(record: dict[str, Any]) -> None:
    record["identity"]["stack"] = "cu130"
    record["environment"] |= {
        "id": "env2",
        "torch": "2.14.1+cu130",
        "cuda": "13.0",
        "cudnn": 91000,
        "archs": ["sm_80", "sm_120"],
        "pip_freeze": ["numpy==2.2.0", "pillow==12.0.0", "torch==2.14.1+cu130"],
        "image": "sha256:9",
        "lock": "4" * 64,
    }


def to_conda(record: dict[str, Any]) -> None:
    record["environment"] |= {
        "id": "env2",
        "installers": {"conda": ["numpy", "torch"], "pip": ["pillow"]},
    }


def to_wheels(tags: str) -> Edit:
    """Pillow of another wheel, or of none."""
    wheels = {OLD_WHEEL: ["numpy"], tags: ["pillow"], "cp311-cp311-linux_x86_64": ["torch"]}
    return put("environment", "wheels", wheels)


def to_process(record: dict[str, Any]) -> None:
    record["runtime"] = {
        "runtime": "process",
        "isolated": True,
        "by": "bubblewrap",
        "network": "none",
    }
    record["environment"] |= {"id": "env2", "os": "Ubuntu 22.04", "libc": "glibc 2.35"}
    del record["environment"]["image"], record["environment"]["base_digest"]


TWO = put("gpus", [CARD, {**CARD, "uuid": "GPU-2"}])
H100 = {**CARD, "name": "NVIDIA H100", "capability": "9.0", "memory_gb": 80.0, "uuid": "GPU-9"}

#: One change each -> what must come first, and its kind.
CHANGES: dict[str, tuple[Edit, str, Kind]] = {
    "patch": (
        put("sources", "seam+losses", "patches", 0, 1, "f" * 64),
        "source.seam.patch.losses",
        Kind.SOURCE,
    ),
    "commit": (
        together(
            put("sources", "seam+losses", "commit", "f" * 40),
            put("sources", "seam+losses", "tree", "f" * 40),
        ),
        "source.seam.commit",
        Kind.SOURCE,
    ),
    "code of ours": (
        put("identity", "key_inputs", "packages", "site", "6" * 64),
        "code.site",
        Kind.SOURCE,
    ),
    "parameter": (
        put("identity", "key_inputs", "argv", 3, "-0.2"),
        "argument.--lr",
        Kind.PARAMETER,
    ),
    "data": (
        put("identity", "key_inputs", "inputs", "voc", "asset", "f" * 64),
        "data.voc",
        Kind.DATA,
    ),
    "stack": (to_cu130, "torch.torch", Kind.TORCH),
    "cuDNN": (put("environment", "cudnn", 8700), "torch.cudnn", Kind.TORCH),
    "number of GPUs": (
        together(
            TWO,
            put("container", "gpus", ["GPU-1", "GPU-2"]),
            put("identity", "key_inputs", "gpus", 2),
        ),
        "gpu.count",
        Kind.GPU_COUNT,
    ),
    "GPU": (
        together(put("gpus", [H100]), put("container", "gpus", ["GPU-9"])),
        "gpu.name",
        Kind.GPU,
    ),
    "threads": (put("command", "threads", 1), "threads", Kind.DETERMINISM),
    "TF32": (
        together(
            put("determinism", "matmul_tf32", True),
            put("identity", "key_inputs", "env", "HARNESS_TF32", "1"),
        ),
        "determinism.matmul_tf32",
        Kind.DETERMINISM,
    ),
    "cuDNN flag": (
        put("determinism", "cudnn_deterministic", False),
        "determinism.cudnn_deterministic",
        Kind.DETERMINISM,
    ),
    "package": (
        put("environment", "pip_freeze", 1, "pillow==10.0.0"),
        "package.pillow",
        Kind.PACKAGES,
    ),
    "JPEG decoder": (
        put("environment", "libraries", "jpeg", "8.0"),
        "library.jpeg",
        Kind.PACKAGES,
    ),
    "one package less": (
        put("environment", "pip_freeze", ["numpy==1.23.5", "torch==2.0.1+cu117"]),
        "packages",
        Kind.PACKAGES,
    ),
    "wheel": (to_wheels(NEW_WHEEL), "wheel.pillow", Kind.PACKAGES),
    "package without a wheel": (to_wheels("unknown"), "wheel.pillow", Kind.PACKAGES),
    "package manager": (to_conda, "installer", Kind.INSTALLER),
    "operating system": (
        put("environment", "os", "Debian GNU/Linux 13 (trixie)"),
        "os",
        Kind.CONTAINER,
    ),
    "container or not": (to_process, "container.runtime", Kind.CONTAINER),
    "CPU": (put("host", "cpu", "Intel Xeon"), "cpu.model", Kind.CPU),
    "driver": (put("gpus", 0, {**CARD, "driver": "580.2"}), "gpu.driver", Kind.DRIVER),
    "kernel": (put("host", "kernel", "6.1"), "host.kernel", Kind.REST),
}
EDITS = st.lists(st.sampled_from(sorted(CHANGES)), unique=True, max_size=4)


def step(record: dict[str, Any] | None, name: str = "train-cam") -> StepEvidence:
    return StepEvidence(
        name=name, key="0" * 64, status="done", error=None, record=record, log=None, out=None
    )


def edited(*edits: Edit, outputs: str = "8") -> dict[str, Any]:
    record = copy.deepcopy(RECORD)
    for edit in edits:
        edit(record)
    record["outputs"]["weights"]["sha256"] = outputs * 64
    return record


def later(record: dict[str, Any]) -> dict[str, Any]:
    """The same as a step of stage 9."""
    changed = copy.deepcopy(record)
    changed["identity"] |= {"step": "score-final", "stage": 9}
    return changed


def run(first: dict[str, Any], last: dict[str, Any] | None = None, J: float = 60.0) -> RunEvidence:
    asked = {
        "method": "seam",
        "backbone": "res38",
        "losses": "none",
        "seed": 1,
        "scale": "paper",
        "stack": "cu117",
        "runtime": "docker",
        "options": {"tf32": "off"},
    }
    score = Scores(
        step="score-final", J=J, F=40.0, JF=(J + 40) / 2, per_class={}, images=1, extra={}
    )
    return RunEvidence(
        id="seam-res38",
        method="seam",
        backbone="res38",
        losses=Losses.NONE,
        seed=1,
        scale=Scale.PAPER,
        stack="cu117",
        runtime="docker",
        options={"tf32": "off"},
        status="done",
        steps={"train-cam": step(first), "score-final": step(last or later(first), "score-final")},
        scores={"final": score},
        record={"run": asked},
    )


def with_asked(one: RunEvidence, **asked: Any) -> RunEvidence:
    return replace(one, record={"run": {**one.record["run"], **asked}})


def first_of(comparison: Comparison) -> tuple[str, Kind]:
    found = suspect(comparison)
    assert found is not None
    return found.fact, found.kind


@pytest.mark.parametrize("name", CHANGES)
def test_the_one_change_comes_first(name: str) -> None:
    edit, fact, kind = CHANGES[name]
    runs = compare_runs(run(edited(outputs="7")), run(edited(edit), J=61.0))
    assert (runs.differences[0].fact, runs.differences[0].kind) == (fact, kind)
    assert first_of(runs) == (fact, kind)
    assert f"Most likely: {fact} " in explanation(runs)
    assert kind.title in explanation(runs)
    steps = compare_steps(step(edited(outputs="7")), step(edited(edit)))
    assert first_of(steps) == (fact, kind)


@pytest.mark.parametrize(
    ("asked", "fact", "kind"),
    [
        ({"seed": 2}, "run.seed", Kind.PARAMETER),
        ({"options": {"tf32": "on"}}, "option.tf32", Kind.PARAMETER),
        ({"stack": "cu130"}, "run.stack", Kind.TORCH),
        ({"runtime": "process"}, "run.runtime", Kind.CONTAINER),
    ],
)
def test_what_was_asked_for_comes_before_what_follows_from_it(
    asked: dict[str, Any], fact: str, kind: Kind
) -> None:
    edits: dict[str, Edit] = {
        "run.seed": put("identity", "key_inputs", "argv", 5, "2"),
        "option.tf32": CHANGES["TF32"][0],
        "run.stack": to_cu130,
        "run.runtime": to_process,
    }
    other = with_asked(run(edited(edits[fact]), J=61.0), **asked)
    assert first_of(compare_runs(run(edited(outputs="7")), other)) == (fact, kind)


def test_what_differs_only_behind_the_first_other_outputs_is_not_suspected() -> None:
    """A parameter of the last step cannot have changed the weights of the first."""
    left, right = edited(outputs="7"), edited(CHANGES["driver"][0])
    last = edited(CHANGES["driver"][0], CHANGES["parameter"][0])
    found = compare_runs(run(left), run(right, later(last), J=61.0))
    assert found.diverging == "train-cam"
    assert found.differences[0].fact == "argument.--lr"
    assert first_of(found) == ("gpu.driver", Kind.DRIVER)
    assert "The outputs of train-cam are the first to differ." in explanation(found)


def test_a_difference_in_several_steps_comes_once() -> None:
    found = compare_runs(run(edited(outputs="7")), run(edited(CHANGES["driver"][0])))
    assert [one.steps for one in found.differences] == [("train-cam", "score-final")]


def test_equal_results_need_no_explanation() -> None:
    same = compare_runs(run(RECORD), run(RECORD))
    assert same.differences == ()
    assert explanation(same) == "Nothing that was recorded differs, and the outputs are equal."
    other = compare_runs(run(RECORD), run(edited(CHANGES["kernel"][0], outputs="7")))
    assert explanation(other).startswith("The scores and outputs are equal")
    assert "the one difference" in explanation(other)
    weights = compare_runs(run(RECORD), run(edited(CHANGES["kernel"][0])))
    assert explanation(weights).startswith("The scores are equal, though the outputs of train-cam")


def test_other_outputs_without_a_difference_are_said_to_be_unexplained() -> None:
    found = compare_runs(run(RECORD), run(edited(), J=61.0))
    assert found.differences == ()
    assert "not deterministic" in explanation(found)


def test_what_an_older_record_does_not_say_is_no_difference() -> None:
    old = copy.deepcopy(RECORD)
    for field in ("code", "determinism", "gpus"):
        del old[field]
    for field in ("os", "installers", "libraries", "lock", "wheels"):
        del old["environment"][field]
    old["environment"]["os"] = RECORD["environment"]["os"]
    assert compare_runs(run(old), run(RECORD)).differences == ()


@pytest.mark.parametrize(
    "cause",
    [
        put("environment", "pip_freeze", 1, "pillow==10.0.0"),
        put("environment", "python", "3.9.2"),
        put("host", "machine", "aarch64"),
    ],
)
def test_a_wheel_that_cannot_be_the_same_is_no_difference(cause: Edit) -> None:
    other = edited(cause, to_wheels(NEW_WHEEL))
    found = compare_steps(step(RECORD), step(other)).differences
    assert [one.fact for one in found if one.fact.startswith("wheel.")] == []
    assert len(found) == 1


def test_only_packages_of_other_wheels_are_listed() -> None:
    other = edited(to_wheels(NEW_WHEEL), put("environment", "python", "3.11.9"))
    found = compare_steps(step(RECORD), step(other)).differences
    assert {one.fact: (one.left, one.right) for one in found} == {
        "python": ("3.11.4", "3.11.9"),
        "wheel.pillow": (OLD_WHEEL, NEW_WHEEL),
    }


def test_a_run_with_other_steps_or_without_a_record_says_so() -> None:
    left, right = run(RECORD), run(RECORD)
    fewer = replace(right, steps={"train-cam": step(None)})
    found = compare_runs(left, fewer)
    assert [(one.fact, one.left, one.right) for one in found.differences] == [
        ("steps.score-final", "there", None)
    ]
    assert found.unrecorded == ("train-cam",)


def test_a_step_that_draws_data_differs_in_data() -> None:
    drawn = put("identity", "stage", 1), put("identity", "key_inputs", "source", None)
    left, right = edited(*drawn, outputs="7"), edited(*drawn, CHANGES["parameter"][0])
    assert first_of(compare_steps(step(left), step(right))) == ("argument.--lr", Kind.DATA)


@given(EDITS)
def test_the_gravest_of_several_changes_comes_first(names: list[str]) -> None:
    names = sorted(names, key=list(CHANGES).index)  # of two that set one field the graver stays
    edits = [CHANGES[name][0] for name in reversed(names)]
    found = compare_runs(run(edited(outputs="7")), run(edited(*edits), J=61.0))
    ranks = [one.kind.rank for one in found.differences]
    assert ranks == sorted(ranks)
    if names:
        assert ranks[0] == CHANGES[names[0]][2].rank


@given(EDITS, EDITS)
def test_sides_can_be_exchanged(one: list[str], other: list[str]) -> None:
    sides = [edited(*(CHANGES[name][0] for name in sorted(names))) for names in (one, other)]
    there = compare_steps(step(sides[0]), step(sides[1])).differences
    back = compare_steps(step(sides[1]), step(sides[0])).differences
    assert {(d.fact, d.kind, repr(d.left), repr(d.right)) for d in there} == {
        (d.fact, d.kind, repr(d.right), repr(d.left)) for d in back
    }


@given(st.text())
def test_every_fact_has_a_kind(fact: str) -> None:
    assert kind_of(fact) in Kind


def test_paths_are_no_facts(tmp_path: Path) -> None:
    moved = put("command", "argv", [str(tmp_path / "python"), "train.py"])
    named = put("container", "name", "harness-1")
    assert compare_steps(step(RECORD), step(edited(moved, named, outputs="7"))).differences == ()

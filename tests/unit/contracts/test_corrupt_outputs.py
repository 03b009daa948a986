"""A single bad file that crosses a step boundary stops the chain there, for every kind of contract.

Each case is a chain of three steps on a fake runtime: one lays out lists and pictures, one writes
the output under test, one would read it. The error must name the file and the contract.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image

from harness.execution.runner import Outcome, Ready, Status, StepRunner
from harness.execution.schedule import Progress, Tokens, run_plan
from harness.glue.mxnet_params import write_params
from harness.gpus.leases import GpuLeases
from harness.layout import CacheLayout, RunLayout
from harness.manifest import contract as contracts
from harness.manifest.model import Losses
from harness.store.store import Store
from tests import toy
from tests.fakes import ENVIRONMENT, FakeRuntime

IDS = ("2007_000032", "2007_000033")
HEIGHT, WIDTH = 12, 16
PRESENT = {IDS[0]: (0, 4), IDS[1]: (7,)}
Writer = Callable[[Path], Any]


def lay_out(out: Path) -> None:
    """A list of two ids, their pictures and their image-level labels."""
    (out / "data" / "pictures").mkdir(parents=True)
    (out / "data" / "list.txt").write_text("".join(f"{name}\n" for name in IDS))
    vectors = {}
    for name in IDS:
        Image.new("RGB", (WIDTH, HEIGHT)).save(out / "data" / "pictures" / f"{name}.jpg")
        vectors[name] = np.isin(np.arange(20), PRESENT[name]).astype(np.float32)
    save_dict(out / "data" / "labels.npy", vectors)


def save_dict(file: Path, content: Mapping[Any, Any]) -> None:
    np.save(file, np.array(dict(content), dtype=object), allow_pickle=True)


def load_dict(file: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = np.load(file, allow_pickle=True).item()
    return loaded


def maps(name: str, dtype: Any = np.float32) -> dict[int, Any]:
    return {key: np.full((HEIGHT, WIDTH), 0.5, dtype) for key in PRESENT[name]}


# --- good outputs ---------------------------------------------------------------------------------


def per_id(suffix: str, write: Callable[[Path, str], Any]) -> Writer:
    def act(out: Path) -> None:
        (out / "x").mkdir()
        for name in IDS:
            write(out / "x" / f"{name}{suffix}", name)

    return act


def label_png(file: Path, _: str) -> None:
    Image.fromarray(np.full((HEIGHT, WIDTH), 3, np.uint8)).save(file)


def stack(file: Path, name: str) -> None:
    keys = np.array(PRESENT[name])
    low = np.full((len(keys), HEIGHT // 4, WIDTH // 4), 0.5, np.float32)
    high = np.full((len(keys), HEIGHT, WIDTH), 0.5, np.float32)
    save_dict(file, {"keys": keys, "cam": low, "high_res": high})


def ratios(out: Path) -> None:
    shares = {name: [0.25 * (c in PRESENT[name]) for c in range(20)] for name in IDS}
    save_dict(out / "x", {k: np.float64(v).tolist() for k, v in shares.items()})
    (out / "x.npy").rename(out / "x")


def arrays(file: Path, _: str) -> None:
    np.save(file, np.zeros((21, HEIGHT, WIDTH), np.float32))


SHAPES = {"arg:a_weight": (2, 3)}


def params(out: Path) -> None:
    write_params(out / "x", SHAPES, [np.ones((2, 3), np.float32)])


def checkpoint(out: Path) -> None:
    torch.save({"a.weight": torch.ones(2, 3)}, out / "x")


def folder(out: Path) -> None:
    (out / "x").mkdir()
    (out / "x" / "one.txt").write_text("1")


def voc(out: Path) -> None:
    for folder_name, suffix in (("JPEGImages", ".jpg"), ("SegmentationClass", ".png")):
        (out / "x" / folder_name).mkdir(parents=True)
        for name in IDS:
            (out / "x" / folder_name / f"{name}{suffix}").write_text("x")
    (out / "x" / "ImageSets" / "Segmentation").mkdir(parents=True)
    (out / "x" / "ImageSets" / "Segmentation" / "val.txt").write_text("\n".join(IDS))


# --- corruptions ----------------------------------------------------------------------------------


def first(suffix: str) -> str:
    return f"x/{IDS[0]}{suffix}"


def cut(file: str) -> Writer:
    """Truncate a file to half."""
    return lambda out: (out / file).write_bytes((out / file).read_bytes()[:-20])


def drop(file: str) -> Writer:
    return lambda out: (out / file).unlink()


def text(file: str, content: str) -> Writer:
    return lambda out: (out / file).write_text(content)


def png(value: int = 3, size: tuple[int, int] = (HEIGHT, WIDTH), mode: str = "L") -> Writer:
    def act(out: Path) -> None:
        Image.fromarray(np.full(size, value, np.uint8)).convert(mode).save(out / first(".png"))

    return act


def changed(change: Callable[[dict[Any, Any]], Any], file: str = first(".npy")) -> Writer:
    """Change the dict in a file; what the change returns, if anything, takes its place."""

    def act(out: Path) -> None:
        content = load_dict(out / file)
        content = change(content) or content
        target = out / file
        target.unlink()
        save_dict(target.with_suffix(".npy"), content)
        target.with_suffix(".npy").rename(target)

    return act


def empty(content: dict[Any, Any]) -> None:
    content.clear()


def each(change: Callable[[Any], Any]) -> Callable[[dict[Any, Any]], dict[Any, Any]]:
    return lambda content: {key: change(value) for key, value in content.items()}


@dataclass(frozen=True)
class Case:
    """A contract, a good output for it, and what to do to it."""

    contract: Mapping[str, Any]
    good: Writer
    bad: Mapping[str, Writer]


IDS_OF = {"ids": "{in.data}/list.txt", "size_of": "{in.data}/pictures"}
LABELS = {"labels": "{in.data}/labels.npy"}
CASES = {
    "png-labels": Case(
        IDS_OF,
        per_id(".png", label_png),
        {
            "truncated": cut(first(".png")),
            "missing id": drop(first(".png")),
            "value 137": png(137),
            "wrong size": png(size=(HEIGHT, WIDTH + 1)),
            "colour": png(mode="RGB"),
            "empty file": text(first(".png"), ""),
        },
    ),
    "npy-maps": Case(
        IDS_OF | LABELS | {"low": 0.0, "high": 1.0},
        per_id(".npy", lambda file, name: save_dict(file, maps(name))),
        {
            "truncated": cut(first(".npy")),
            "missing id": drop(first(".npy")),
            "empty dict": changed(empty),
            "wrong dtype": changed(each(lambda m: m.astype(np.float64))),
            "wrong size": changed(each(lambda m: m[:-1])),
            "a class too few": changed(lambda content: {0: content[0]}),
            "value 137": changed(each(lambda m: m * 0 + 137)),
            "NaN": changed(each(lambda m: m * np.nan)),
        },
    ),
    "npy-stacks": Case(
        IDS_OF | LABELS | {"strides": {"cam": 4, "high_res": 1}},
        per_id(".npy", stack),
        {
            "truncated": cut(first(".npy")),
            "missing id": drop(first(".npy")),
            "empty dict": changed(empty),
            "wrong dtype": changed(lambda c: c | {"cam": c["cam"].astype(np.float64)}),
            "wrong size": changed(lambda c: c | {"high_res": c["high_res"][:, :-1]}),
            "a class of another image": changed(lambda c: c | {"keys": np.array([0, 5])}),
        },
    ),
    "npy-arrays": Case(
        IDS_OF | {"channels": 21},
        per_id(".npy", arrays),
        {
            "truncated": cut(first(".npy")),
            "missing id": drop(first(".npy")),
            "wrong dtype": lambda out: np.save(
                out / first(".npy"), np.zeros((21, HEIGHT, WIDTH), np.float64)
            ),
            "wrong size": lambda out: np.save(
                out / first(".npy"), np.zeros((21, HEIGHT, WIDTH - 3), np.float32)
            ),
            "NaN": lambda out: np.save(
                out / first(".npy"), np.full((21, HEIGHT, WIDTH), np.nan, np.float32)
            ),
        },
    ),
    "npy-ratios": Case(
        {"ids": "{in.data}/list.txt"} | LABELS,
        ratios,
        {
            "truncated": cut("x"),
            "missing id": changed(lambda c: {IDS[1]: c[IDS[1]]}, "x"),
            "empty dict": changed(empty, "x"),
            "value 137": changed(lambda c: c | {IDS[0]: [137.0] * 20}, "x"),
        },
    ),
    "state-dict": Case(
        {"entries": 1, "values": 6, "shapes": {"a.weight": [2, 3]}},
        checkpoint,
        {
            "truncated": cut("x"),
            "NaN": lambda out: torch.save({"a.weight": torch.full((2, 3), torch.nan)}, out / "x"),
            "wrong shape": lambda out: torch.save({"a.weight": torch.ones(3, 2)}, out / "x"),
            "empty dict": lambda out: torch.save({}, out / "x"),
        },
    ),
    "mxnet-params": Case(
        {"entries": 1, "values": 6},
        params,
        {
            "truncated": cut("x"),
            "NaN": lambda out: write_params(
                out / "x", SHAPES, [np.full((2, 3), np.nan, np.float32)]
            ),
            "empty file": text("x", ""),
        },
    ),
    "json": Case(
        {"keys": ["scores"]},
        lambda out: (out / "x").write_text('{"scores": 1}'),
        {
            "truncated": text("x", '{"scores"'),
            "empty dict": text("x", "{}"),
            "NaN": text("x", '{"scores": NaN}'),
        },
    ),
    "list": Case(
        {"min_count": 2},
        lambda out: (out / "x").write_text("a\nb\n"),
        {
            "missing id": text("x", "a\n"),
            "an id twice": text("x", "a\na\n"),
            "empty": text("x", ""),
        },
    ),
    "folder": Case(
        {"globs": ["*.txt"]},
        folder,
        {"missing": drop("x/one.txt"), "empty file": text("x/one.txt", "")},
    ),
    "voc": Case(
        {"lists": ["val"], "masks": True},
        voc,
        {
            "missing id": drop(f"x/JPEGImages/{IDS[0]}.jpg"),
            "missing mask": drop(f"x/SegmentationClass/{IDS[1]}.png"),
            "missing list": drop("x/ImageSets/Segmentation/val.txt"),
            "empty file": text(f"x/JPEGImages/{IDS[0]}.jpg", ""),
        },
    ),
    "file": Case(
        {"min_bytes": 2, "contains": ["^done"]},
        lambda out: (out / "x").write_text("done\n"),
        {"truncated": text("x", "d"), "other text": text("x", "failed\n"), "missing": drop("x")},
    ),
}


def test_every_kind_of_contract_is_here() -> None:
    union = get_args(get_args(contracts.Contract)[0])
    kinds = {get_args(kind.__annotations__["kind"])[0] for kind in union}
    assert set(CASES) == kinds


def run(root: Path, kind: str, bad: Writer | None) -> dict[str, Outcome]:
    """Run the chain; outcomes by step."""
    case = CASES[kind]

    def write(out: Path, _: Event) -> None:
        case.good(out)
        if bad is not None:
            bad(out)

    common = {"threads": {"paper": 1, "smoke": 1}, "resources": {"paper": {}}, "stage": 1}
    read = {"path": "read", "contract": {"kind": "file"}}
    steps = [
        {"name": "data", "outputs": {"data": {"path": "data", "contract": {"kind": "folder"}}}},
        {
            "name": "make",
            "inputs": {"data": "steps.data.data"},
            "outputs": {"x": {"path": "x", "contract": {"kind": kind, **case.contract}}},
        },
        {"name": "read", "inputs": {"x": "steps.make.x"}, "outputs": {"read": read}},
    ]
    method = toy.method(steps=[common | {"about": "", "argv": ["python"]} | s for s in steps])
    plan = toy.plan(method, losses=(Losses.NONE,))
    acts: dict[str, Callable[[Path, Event], None]] = {
        "data": lambda out, _: lay_out(out),
        "make": write,
        "read": lambda out, _: (out / "read").write_text("read") and None,
    }
    ready = Ready(checkouts={}, assets={}, environments={("toy", "host"): ENVIRONMENT})
    store = Store(RunLayout(root / "runs"))
    runner = StepRunner(store, FakeRuntime(acts), ready)
    tokens = Tokens(cpus=2, memory_gb=16, gpus=GpuLeases(CacheLayout(root / "cache")))
    outcomes = run_plan(plan, runner.execute, tokens, 1, Event(), Progress())
    return {plan.steps[key].name: outcome for key, outcome in outcomes.items()}


@pytest.mark.parametrize("kind", sorted(CASES))
def test_a_good_output_passes(tmp_path: Path, kind: str) -> None:
    outcomes = run(tmp_path, kind, None)
    assert {name: o.status for name, o in outcomes.items()} == dict.fromkeys(
        ("data", "make", "read"), Status.DONE
    ), outcomes["make"].error


@pytest.mark.parametrize(
    ("kind", "what"), [(kind, what) for kind in sorted(CASES) for what in CASES[kind].bad]
)
def test_one_bad_file_stops_the_chain_at_its_writer(tmp_path: Path, kind: str, what: str) -> None:
    outcomes = run(tmp_path, kind, CASES[kind].bad[what])
    assert outcomes["data"].status is Status.DONE
    assert outcomes["make"].status is Status.FAILED
    assert outcomes["read"].status is Status.BLOCKED
    error = outcomes["make"].error or ""
    assert f"breaks its contract {kind}: expected" in error
    place = (
        "/out/x" if kind not in {"png-labels", "npy-maps", "npy-stacks", "npy-arrays"} else IDS[0]
    )
    assert place in error

"""A runtime whose steps draw their outputs, and all that executing the paper's steps needs."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from typing import Any

from harness.execution.outcome import Ready
from harness.execution.packages import package_hashes
from harness.layout import ProjectLayout
from harness.manifest.load import load_catalogue, load_method
from harness.manifest.model import Losses, RuntimeName
from harness.plan.bind import Digests
from harness.plan.make import Ask, make_plan
from harness.plan.plan import BoundStep, Plan
from harness.runtimes.runtime import Cause, Command, Environment, Exit, Interactive, Mount, Survivor
from harness.sources.checkouts import Identity
from harness.sources.sources import Checkout

from .drawn_outputs import Output, draw, draw_labels, draw_voc

PROJECT = ProjectLayout(Path(__file__).parent.parent)
TRAINAUG, TRAIN, VAL, PICTURES = 10_582, 1_464, 1_449, 17_125  # of VOC 2012
_VOC = "voc2012"
_LABELS = ("voc12/cls_labels.npy", "data/cls_labels_voc.npy", "datasets/cls_labels.npy")
_OTHER_FILES = ("structures/scalenet101.json", "datasets/voc12_init.npy")

Ids = Mapping[str, tuple[str, ...]]  # by list


def drawing_process() -> ProcessPoolExecutor:
    """A process that draws, so that this one's memory is harness's own."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def draw_ids(images: int) -> dict[str, tuple[str, ...]]:
    """The lists of VOC, trainaug of `images` ids and the others in proportion."""
    trainaug = tuple(f"2007_{number:06d}" for number in range(images))
    val = tuple(f"2008_{number:06d}" for number in range(images * VAL // TRAINAUG))
    return {"trainaug": trainaug, "train": trainaug[: images * TRAIN // TRAINAUG], "val": val}


def draw_data(base: Path, ids: Ids) -> None:
    """A data set, weights, and in one checkout what steps read of repositories."""
    others = len(ids["trainaug"]) * PICTURES // TRAINAUG - len(ids["trainaug"]) - len(ids["val"])
    draw_voc(base / "voc", ids, others)
    draw_labels(base / "labels.npy", [*ids["trainaug"], *ids["val"]])
    for path in (*_LABELS, *_OTHER_FILES):
        (base / "checkout" / path).parent.mkdir(parents=True, exist_ok=True)
        (base / "checkout" / path).hardlink_to(base / "labels.npy")
    (base / "weights").write_text("weights")


def paper_plan(method: str) -> Plan:
    """A method's steps at paper scale with losses isl+fsl and one seed, asking for no GPU."""
    catalogue = load_catalogue(PROJECT)
    found = load_method(PROJECT, method, catalogue)
    digests = Digests(
        environment="drawn",
        assets=dict.fromkeys(catalogue.assets, "drawn"),
        sources=dict.fromkeys(found.repositories, "drawn"),
        pristine=dict.fromkeys(catalogue.repositories, "drawn"),
        packages=package_hashes(),
    )
    ask = Ask(methods=(method,), losses=(Losses.BOTH,), seeds=1, runtime=RuntimeName.PROCESS)
    plan = make_plan([found], catalogue, ask, lambda _: digests)
    return dataclasses.replace(plan, steps={key: _no_gpu(one) for key, one in plan.steps.items()})


def _no_gpu(step: BoundStep) -> BoundStep:
    return dataclasses.replace(step, resources=dataclasses.replace(step.resources, gpus=0))


def ready(base: Path, plan: Plan) -> Ready:
    """What executing the plan starts from, drawn by `draw_data`."""
    steps = plan.steps.values()
    checkouts = {source: _checkout(base, *source) for step in steps for source in step.sources}
    assets = {name: base / "weights" for step in steps for name in step.assets}
    environment = Environment(id="drawn", handle="python", python="python", probe={})
    return Ready(
        checkouts=checkouts,
        assets=assets | {_VOC: base / "voc"},
        environments={(step.method, step.stack): environment for step in steps},
    )


def _checkout(base: Path, name: str, patches: tuple[str, ...]) -> Checkout:
    drawn = tuple((patch, "drawn") for patch in patches)
    identity = Identity(commit="0" * 40, sparse=(), patches=drawn)
    place = base / "checkout"
    return Checkout(name=name, path=place, identity=identity, tree="0" * 40, missing=())


@dataclass(slots=True)
class Drawing:
    """A runtime whose steps draw their outputs in another process; `seconds` is its own time."""

    pool: ProcessPoolExecutor
    prototypes: Path
    ids: Ids
    step: BoundStep | None = None  # the one that is executed
    seconds: float = 0.0
    name: RuntimeName = RuntimeName.PROCESS
    detaches: bool = False

    def sees(self, mount: Mount) -> str:
        return str(mount.source)

    def isolation(self) -> Mapping[str, object]:
        return {"engine": "none: outputs are drawn"}

    def run(self, command: Command, log: Path, stop: Event) -> Exit:
        del stop
        start = time.perf_counter()
        log.write_text("drawn\n")
        out = next(mount.source for mount in command.mounts if str(mount.target) == "/out")
        self.pool.submit(_draw_step, self.step, out, self.ids, self.prototypes).result()
        self.seconds += time.perf_counter() - start
        return Exit(cause=Cause.DONE, code=0)

    def attach(self, command: Command, log: Path, stop: Event) -> Exit | None:
        del command, log, stop
        return None

    def interactive(self, command: Command, *, terminal: bool) -> Interactive:
        del terminal
        return Interactive(argv=command.argv)

    def discard(self, name: str) -> None:
        """Nothing is left of an execution."""

    def survivors(self) -> Sequence[Survivor]:
        return ()


def _draw_step(step: BoundStep, out: Path, ids: Ids, prototypes: Path) -> None:
    if step.name == "lists":
        _draw_lists(out, ids)
        return
    for name, output in step.outputs.items():
        listed = _listed(step, output.contract, ids)
        draw(Output(out / output.path, output.contract, listed, step.disk_gb[name]), prototypes)


def _draw_lists(out: Path, ids: Ids) -> None:
    for folder, line in (("ids", "{0}\n"), ("lines", "/JPEGImages/{0}.jpg /labels/{0}.png\n")):
        (out / folder).mkdir(exist_ok=True)
        for name, listed in ids.items():
            (out / folder / f"{name}.txt").write_text("".join(map(line.format, listed)))


def _listed(step: BoundStep, contract: Any, ids: Ids) -> tuple[str, ...]:
    """The ids of the list that a contract names, or of the shard."""
    template: str = getattr(contract, "ids", "")
    if not template or step.shard is not None:
        return step.shard.ids if step.shard else ()
    return ids["val" if template == "{in.list}" else Path(template).stem]

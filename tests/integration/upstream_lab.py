"""Real upstream trainings on drawn pictures and random weights, on the CPU, recorded bit for bit.

Needs a folder of bare upstream repositories (HARNESS_MIRROR) and the method's environment of stack
cu117. A test module states its trainings as `Variant`s, makes a `Lab` once, and compares `Trace`s.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.commands.context import Context
from harness.commands.places import find_cache, find_project
from harness.execution import packages
from harness.layout import RunLayout
from harness.manifest.model import RuntimeName, Scale

STACK = "cu117"
MARKS = [
    pytest.mark.upstream,
    pytest.mark.skipif(
        "HARNESS_MIRROR" not in os.environ,
        reason="HARNESS_MIRROR names no folder of bare upstream repositories",
    ),
]
_TRACE = Path(__file__).with_name("upstream_trace.py")
_PLAIN = {
    "HARNESS_THREADS": "1",
    "HARNESS_CPU_SHIM": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True)
class Variant:
    """One training. `{lab}` in arguments, variables and links stands for the lab's folder."""

    tree: str  # a folder of the lab; the training gets a copy of it
    argv: tuple[str, ...]  # script and arguments
    checkpoint: str  # the torch file it writes, seen from the working directory
    seed: int = 1
    cwd: str = "."  # in the tree
    env: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)  # place in the tree -> target


@dataclass(frozen=True)
class Trace:
    """What one training computed."""

    losses: tuple[float, ...]  # of every backward pass
    tensors: Mapping[str, str]  # of the checkpoint, as hashes
    ours: tuple[str, ...]  # modules of harness that it imported


@dataclass(frozen=True)
class Lab:
    """A method's interpreter and a folder for trees, drawn data and random weights."""

    root: Path
    context: Context
    python: str
    packages: tuple[str, ...]  # container-side, `glue` among them

    def checkout(self, tree: str, repository: str, patches: Sequence[str] = ()) -> Path:
        """Check a repository out, as pinned or patched."""
        pin = self.context.catalogue.repositories[repository]
        source = self.context.sources.checkout(repository, pin, tuple(patches), scale=Scale.SMOKE)
        source.copy_to(self.root / tree)
        return self.root / tree

    def pristine_and_patched(self, repository: str, method: str) -> None:
        """Check a repository out twice: tree `pristine`, and `patched` as the method has it."""
        self.checkout("pristine", repository)
        self.checkout("patched", repository, self.context.method(method).repositories[repository])

    def draw(self, lists: Path, *, train: int, val: int, size: tuple[int, int]) -> None:
        """Draw `VOC2012` (width x height) for the first ids of SEAM's lists; cut them to `lists`.

        `lists/ids` and `lists/lines` have train, val and, from the same pictures, trainaug.
        """
        named = {"train": "train.txt", "val": "val.txt", "trainaug": "train_aug.txt"}
        options = {"labels": lists / "cls_labels.npy", "count-train": train, "count-val": val}
        options |= {f"{name}-list": lists / named[name] for name in ("train", "val")}
        options |= {"width": size[0], "height": size[1], "out": "VOC2012"}
        self.tool("drawn_voc", *(f"--{name}={value}" for name, value in options.items()))
        cut = [f"--list={name}={lists / file}" for name, file in named.items()]
        self.tool("lists", *cut, "--images=VOC2012/JPEGImages", "--out=lists")

    def tool(self, name: str, *arguments: str) -> None:
        """Run a glue tool in the lab's folder."""
        self.call("-m", f"harness.glue.{name}", *arguments, cwd=self.root)

    def train(self, name: str, variant: Variant) -> Trace:
        """Train one variant in a copy of its tree, which is removed when all went well."""
        copy = self.root / f"trained-{name}"
        shutil.copytree(self.root / variant.tree, copy, symlinks=True)
        for place, target in variant.links.items():
            (copy / place).parent.mkdir(parents=True, exist_ok=True)
            (copy / place).symlink_to(self.here(target))
        argv = (str(_TRACE), variant.checkpoint, *map(self.here, variant.argv))
        env = {key: self.here(value) for key, value in variant.env.items()}
        out = self.call(
            *argv, cwd=copy / variant.cwd, env={"HARNESS_SEED": str(variant.seed), **env}
        )
        found = json.loads(out.splitlines()[-1])
        shutil.rmtree(copy)
        losses = tuple(float.fromhex(loss) for loss in found["losses"])
        return Trace(losses, found["tensors"], tuple(found["ours"]))

    def call(self, *argv: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
        """Run the interpreter as a step would be run; its standard output."""
        given = {"PATH": os.environ["PATH"], "HOME": str(self.root), "HARNESS_SEED": "1", **_PLAIN}
        done = subprocess.run(
            [self.python, *argv],
            cwd=cwd,
            env={**given, "PYTHONPATH": str(self.staged()), **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    def staged(self) -> Path:
        """The folder with the container-side packages."""
        return packages.stage(RunLayout(self.root / "runs"), self.packages)

    def here(self, text: str) -> str:
        """`text` with the lab's folder filled in."""
        return text.replace("{lab}", str(self.root))


def open_lab(
    root: Path, method: str, packages: tuple[str, ...], require: Callable[[bool, str], None]
) -> Lab:
    """A lab with a method's environment, which must be built already."""
    project = find_project(Path(__file__).resolve().parents[2])
    mirror = Path(os.environ["HARNESS_MIRROR"])
    layout, cache = RunLayout(root / "runs"), find_cache()
    context = Context(project=project, layout=layout, cache=cache, mirror=mirror)
    environments = context.environments(RuntimeName.PROCESS, STACK)
    built = cache.probe(environments.identify(method, STACK)).exists()
    hint = f"harness build {method} --runtime process"
    require(built, f"environment {method}/{STACK} is not built: {hint}")
    python = environments.ensure(method, STACK, root / "build.log").python
    return Lab(root, context, python, packages)


@contextmanager
def training(lab: Lab, variants: Mapping[str, Variant]) -> Iterator[Callable[[str], Trace]]:
    """Train each variant once, two at a time; yields what waits for the trace of one."""
    with ThreadPoolExecutor(2) as pool:
        started: dict[str, Future[Trace]] = {
            name: pool.submit(lab.train, name, variant) for name, variant in variants.items()
        }
        yield lambda name: started[name].result()
        pool.shutdown(cancel_futures=True)


def differing(left: Trace, right: Trace) -> set[str]:
    """Names of the tensors that two trainings left different."""
    assert left.tensors.keys() == right.tensors.keys()
    return {name for name, value in left.tensors.items() if value != right.tensors[name]}

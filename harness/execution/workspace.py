"""What one step sees: working directory, inputs, packages, and its command with places filled."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harness.errors import NotReadyError, StepError
from harness.files import remove_tree
from harness.layout import StepFolder
from harness.manifest.placeholders import fill
from harness.plan.plan import BoundInput, BoundStep
from harness.runtimes.runtime import Command, Environment, Mount, Runtime

WORK, OUT = PurePosixPath("/work"), PurePosixPath("/out")
_HOME, _PACKAGES = PurePosixPath("/home/step"), PurePosixPath("/opt/harness")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The folders of one attempt and where its inputs lie on this machine."""

    step: BoundStep
    attempt: StepFolder
    inputs: Mapping[str, Path]  # input name -> host path
    packages: Path  # staged folder
    labels: Mapping[str, str] = field(default_factory=dict)  # of the execution, for whoever looks

    def mounts(self) -> dict[str, Mount]:
        """Every host path the step sees, by the name templates use."""
        mounts = {
            f"in.{name}": Mount(source=path, target=PurePosixPath(self.step.inputs[name].target))
            for name, path in self.inputs.items()
        }
        mounts["work"] = Mount(source=self.attempt.work, target=WORK, writable=True)
        mounts["out"] = Mount(source=self.attempt.out, target=OUT, writable=True)
        mounts["home"] = Mount(source=self.attempt.home, target=_HOME, writable=True)
        mounts["packages"] = Mount(source=self.packages, target=_PACKAGES)
        return mounts

    def places(self) -> dict[str, str]:
        """Every path of this machine that the step sees, by the name templates use."""
        return {name: str(mount.source) for name, mount in self.mounts().items()}

    def prepare(self, runtime: Runtime) -> None:
        """Make the declared folders and links. The working copy must be there already."""
        seen = self._seen(runtime)
        self.attempt.home.mkdir(exist_ok=True)
        (self.attempt.home / "tmp").mkdir(exist_ok=True)
        for folder in self.step.out_folders:
            (self.attempt.out / folder).mkdir(parents=True, exist_ok=True)
        for folder in self.step.folders:
            (self.attempt.work / folder).mkdir(parents=True, exist_ok=True)
        for name, target in self.step.links.items():
            link = self.attempt.work / name
            self._refuse_escape(link)
            link.parent.mkdir(parents=True, exist_ok=True)
            if link.is_dir() and not link.is_symlink():
                remove_tree(link)
            link.unlink(missing_ok=True)
            link.symlink_to(fill(target, seen.get))

    def command(self, runtime: Runtime, environment: Environment, gpus: tuple[str, ...]) -> Command:
        """The isolated command, ready to start. Raises NotReadyError without the GPUs it needs."""
        needed = self.step.resources.gpus
        if len(gpus) < needed:
            raise NotReadyError(
                f"step {self.step.name} needs {needed} GPU(s) and was given {len(gpus)}",
                hint="run the same command again",
            )
        seen = self._seen(runtime)
        argv = tuple(fill(text, seen.get) for text in self.step.argv)
        if argv[0] == "python":
            argv = (environment.python, *argv[1:])
        return Command(
            name=f"harness-{self.attempt.root.name}",
            environment=environment,
            argv=argv,
            env=self._env(seen),
            cwd=PurePosixPath(seen["work"]) / self.step.cwd,
            mounts=tuple(self.mounts().values()),
            resources=self.step.resources,
            threads=self.step.threads,
            labels={**self.labels, "harness.key": self.step.key, "harness.step": self.step.name},
            gpus=gpus,
        )

    def _seen(self, runtime: Runtime) -> dict[str, str]:
        return {name: runtime.sees(mount) for name, mount in self.mounts().items()}

    def _refuse_escape(self, link: Path) -> None:
        parent = Path(os.path.realpath(link.parent))
        if not parent.is_relative_to(os.path.realpath(self.attempt.work)):
            raise StepError(
                f"step {self.step.name}: link {link.relative_to(self.attempt.work)} leaves the "
                f"working directory (its folder is {parent})",
                hint="a repository must not hold links that point outside; fix `links`",
            )

    def _env(self, seen: Mapping[str, str]) -> dict[str, str]:
        step, home = self.step, seen["home"]
        threads = str(step.threads)
        env = {
            "HOME": home,
            "TMPDIR": f"{home}/tmp",  # noqa: S108 - inside the step's own home
            "TORCH_HOME": f"{home}/torch",
            "MPLCONFIGDIR": f"{home}/matplotlib",
            "XDG_CACHE_HOME": f"{home}/cache",
            "PYTHONPATH": seen["packages"],
            "PYTHONHASHSEED": "0",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "HARNESS_THREADS": threads,
        }
        if step.seed is not None:
            env["HARNESS_SEED"] = str(step.seed)
        if step.scale.on_cpu:
            env["HARNESS_CPU_SHIM"] = "1"
        return env | {name: fill(text, seen.get) for name, text in step.env.items()}


def inside(root: Path, one: BoundInput) -> Path:
    """The input's path inside `root`, links resolved. Raises StepError if it leaves `root`."""
    path = Path(os.path.realpath(root / one.path))
    if not path.exists():
        raise StepError(
            f"input {one.kind} {one.ref[:24]}: {one.path} is not in {root}",
            hint="check the reference in the method's manifest",
        )
    # Data folders may be built of links by their owner; repositories and step outputs may not.
    if one.kind != "asset" and not path.is_relative_to(os.path.realpath(root)):
        raise StepError(
            f"input {one.kind} {one.ref[:24]}: {one.path} points outside its root, to {path}",
            hint="links may only point inside their own folder",
        )
    return path

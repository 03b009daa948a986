"""The only place that spells a file name under `runs/` and under the cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

_PRESENT = "plan"
_KEPT_IN_MEMORY = 32768  # paths


@dataclass(frozen=True, slots=True)
class RunLayout:
    """Everything that executions write: `runs/`, or what `--runs` names."""

    root: Path

    @property
    def trust(self) -> Path:
        """First-use hashes of assets without a published checksum."""
        return self.root / "trust.json"

    @property
    def attempts(self) -> Path:
        """Folder of attempts, on the same file system as the store."""
        return self.root / "attempts"

    def attempt(self, attempt: str) -> "StepFolder":
        """One attempt at a step."""
        return StepFolder(self.attempts / attempt)

    @property
    def store(self) -> Path:
        """Folder of finished steps."""
        return self.root / "store"

    def entry(self, key: str) -> "StepFolder":
        """A finished step: the attempt's folder, renamed."""
        return _entry(self.root, key)

    def entries(self) -> Iterator["StepFolder"]:
        """Every finished step."""
        for path in sorted(self.store.glob("*/*/")):
            yield StepFolder(path)

    def lease(self, key: str) -> Path:
        """Lock file held by whoever works at `key`."""
        return self.root.joinpath("leases", f"{key}.lock")

    def heartbeat(self, key: str) -> Path:
        """Who holds the lease of `key`, and a counter that moves while they live."""
        return self.root.joinpath("leases", f"{key}.json")

    def presence(self, plan: str, who: str) -> str:
        """The key of the lease by which one harness shows that it executes a plan."""
        return f"{_PRESENT}-{plan}-{who}"

    def presences(self) -> Iterator[tuple[str, str]]:
        """(plan, key) of every such lease that has a file."""
        leases = self.lease(self.presence("*", "*")).parent
        for key in sorted({path.stem for path in leases.glob(f"{_PRESENT}-*")}):
            yield key.split("-")[1], key

    def cancelled(self, key: str) -> Path:
        """Asks whoever works at `key` to stop."""
        return self.lease(key).with_suffix(".cancel")

    @property
    def plans(self) -> Path:
        """Folder of plans."""
        return self.root / "plans"

    def plan(self, plan: str) -> Path:
        """A plan as it was executed."""
        return self.plans / f"{plan}.json"

    @property
    def plans_lock(self) -> Path:
        """Held while a plan is written down, and while outputs that no plan needs are set aside."""
        return self.root / "leases" / "plans.lock"

    def slurm(self, plan: str) -> "SlurmFolder":
        """The batch scripts of a plan, what their jobs print, and the profile they follow."""
        return SlurmFolder(self.root / "slurm" / plan)

    @property
    def slurm_jobs(self) -> Path:
        """Folder of the newest job of each step."""
        return self.root / "slurm" / "jobs"

    def slurm_job(self, key: str) -> Path:
        """The newest job of a step."""
        return self.slurm_jobs / f"{key}.json"

    @property
    def slurm_lock(self) -> Path:
        """Held by whoever submits jobs."""
        return self.root / "leases" / "slurm.lock"

    def end(self, plan: str, key: str) -> Path:
        """How `exec-step` ended for a step of a plan."""
        return self.root / "ends" / plan / f"{key}.json"

    @property
    def numbers(self) -> Path:
        """The runs in the order of their numbers."""
        return self.root / "numbers.json"

    @property
    def dropped(self) -> Path:
        """Outputs on their way out."""
        return self.root / "dropped"

    @property
    def all_shards(self) -> Path:
        """Folder of steps that were split."""
        return self.root / "shards"

    def shards(self, key: str) -> Path:
        """Into which shards a step was split; gone once it is whole."""
        return self.all_shards / f"{key}.json"

    @property
    def runs(self) -> Path:
        """Folder of run records."""
        return self.root / "runs"

    def run(self, run: str) -> Path:
        """One run's record."""
        return self.runs / f"{run}.json"

    @property
    def all_measured(self) -> Path:
        """Folder of what rehearsals measured."""
        return self.root / "measured"

    def measured(self, method: str, step: str, key: str) -> Path:
        """What one step of a rehearsal took."""
        return self.all_measured / f"{method}-{step}-{key[:16]}.json"

    @property
    def report(self) -> Path:
        """The report of the runs that `reproduce` executed last."""
        return self.root / "report.html"

    def submission(self, run: str) -> Path:
        """What VOC's evaluation server answered for one run's test predictions."""
        return self.root / "submissions" / f"{run}.json"

    def submission_package(self, run: str) -> Path:
        """One run's test predictions, packed for that server."""
        return self.root / "submissions" / f"{run}.tar.gz"

    def ablation(self, name: str) -> Path:
        """Figure, CSV and JSON of the newest study of a loss."""
        return self.root / "ablate" / name

    def stages(self, key: str) -> Path:
        """Staged container-side packages, by content."""
        return self.root / "packages" / key

    def build_log(self, name: str) -> Path:
        """The log of building one environment."""
        return self.root / "build" / f"{name}.log"

    def lock(self, sha256: str, name: str) -> Path:
        """A lock that an environment was made of, by the hash that records name."""
        return self.root / "locks" / sha256 / name

    def shell(self, name: str) -> "StepFolder":
        """The folder of one `harness shell`; gone when it ends."""
        return StepFolder(self.root / "shells" / name)

    @property
    def quarantine(self) -> Path:
        """Entries that were found damaged, or that a step without isolation changed."""
        return self.root / "quarantine"


@dataclass(frozen=True)  # no slots: paths that are asked for again and again are kept
class StepFolder:
    """One attempt's folder; published by renaming it to its key."""

    root: Path

    @cached_property
    def out(self) -> Path:
        """What the step wrote under /out."""
        return self.root / "out"

    @property
    def work(self) -> Path:
        """The working directory; kept only when the step fails."""
        return self.root / "work"

    @property
    def home(self) -> Path:
        """HOME, TMPDIR and caches of the step; dropped when it ends."""
        return self.root / "home"

    @property
    def lists(self) -> Path:
        """A shard's share of the lists, in copies of the inputs that hold them."""
        return self.root / "lists"

    @property
    def merged(self) -> Path:
        """Which shards were merged; not there if none were."""
        return self.root / "merged.json"

    @property
    def log(self) -> Path:
        """stdout and stderr of the step."""
        return self.root / "output.log"

    @property
    def intent(self) -> Path:
        """How to find what runs in this attempt; gone once the attempt is settled."""
        return self.root / "attempt.json"

    @cached_property
    def record(self) -> Path:
        """The step record."""
        return self.root / "record.json"

    @property
    def stamp(self) -> Path:
        """The state in which the outputs were last found as recorded."""
        return self.root / "stamp.json"


@lru_cache(_KEPT_IN_MEMORY)
def _entry(root: Path, key: str) -> StepFolder:
    return StepFolder(root.joinpath("store", key[:2], key))


@dataclass(frozen=True, slots=True)
class SlurmFolder:
    """What a plan's jobs are made of."""

    root: Path

    @property
    def profile(self) -> Path:
        """The profile that the plan was submitted with."""
        return self.root / "profile.yaml"

    def script(self, name: str) -> Path:
        """A batch script."""
        return self.root / f"{name}.sh"

    def output(self, name: str) -> Path:
        """What a job prints; a requeued one goes on in it."""
        return self.root / f"{name}.out"


class ArchiveLayout:
    """Names in an archive of finished runs, with slashes; besides these it is laid out as here."""

    metadata: Final = "ro-crate-metadata.json"
    readme: Final = "README.md"
    report: Final = "report.html"
    runs: Final = "runs"


@dataclass(frozen=True, slots=True)
class CacheLayout:
    """What is shared by every `runs/`: sources, assets, environments."""

    root: Path

    def repository(self, name: str) -> Path:
        """Bare clone of an upstream repository."""
        return self.root / "repositories" / f"{name}.git"

    @property
    def checkouts(self) -> Path:
        """Folder of pinned and patched checkouts."""
        return self.root / "checkouts"

    @property
    def venvs(self) -> Path:
        """Folder of virtual environments."""
        return self.root / "venvs"

    def checkout(self, name: str, identity: str) -> Path:
        """A pinned and patched checkout, by content."""
        return self.checkouts / f"{name}-{identity[:16]}"

    def lock(self, name: str) -> Path:
        """Lock file held by whoever makes `name` in the cache."""
        return self.root / "locks" / f"{name}.lock"

    def asset(self, name: str) -> Path:
        """A fetched or added asset."""
        return self.root / "assets" / name

    def arriving(self, name: str) -> Path:
        """Where an asset is downloaded and unpacked before it counts."""
        return self.root / "assets" / ".arriving" / name

    def venv(self, identity: str) -> Path:
        """A virtual environment of the process runtime."""
        return self.venvs / identity[:16]

    def probe(self, identity: str) -> Path:
        """What was found in one environment."""
        return self.root / "environments" / f"{identity[:16]}.json"

    @property
    def images(self) -> Path:
        """Images that were handed over to other hosts, as archives."""
        return self.root / "images"

    def gpu(self, uuid: str) -> Path:
        """Lock file held by whoever uses a GPU."""
        return self.root / "gpus" / f"{uuid}.lock"

    def account(self, name: str, uid: int, gid: int) -> Path:
        """A container's /etc/passwd or /etc/group."""
        return self.root / "accounts" / f"{name}-{uid}-{gid}"


@dataclass(frozen=True, slots=True)
class ProjectLayout:
    """What the project ships: manifests, dockerfiles, patches, lock."""

    root: Path

    @property
    def inputs(self) -> tuple[Path, ...]:
        """All that plans are made of."""
        folders = (self.root / name for name in ("manifests", "dockerfiles"))
        return (*folders, self.patches, self.lock)

    @property
    def repositories(self) -> Path:
        """Pins of all upstream repositories."""
        return self.root / "manifests" / "repos.yaml"

    @property
    def embedded(self) -> Path:
        """Pins of the demo's own miniature repositories."""
        return self.root / "manifests" / "embedded" / "repos.yaml"

    @property
    def assets(self) -> Path:
        """Data sets and weights."""
        return self.root / "manifests" / "assets.yaml"

    @property
    def stacks(self) -> Path:
        """Software stacks."""
        return self.root / "manifests" / "stacks.yaml"

    @property
    def methods(self) -> Path:
        """Folder of method manifests."""
        return self.root / "manifests" / "methods"

    def method(self, name: str) -> Path:
        """One method's manifest."""
        return self.methods / f"{name}.yaml"

    @property
    def method_template(self) -> Path:
        """What a new method's manifest starts as."""
        return self.root / "manifests" / "templates" / "method.yaml"

    def shared_steps(self, name: str) -> Path:
        """The manifest of steps that methods share."""
        return self.root / "manifests" / "shared_steps" / f"{name}.yaml"

    @property
    def paper(self) -> Path:
        """Published numbers."""
        return self.root / "manifests" / "papers" / "hfpl.yaml"

    @property
    def lock(self) -> Path:
        """Base digests and published checksums."""
        return self.root / "harness.lock"

    @property
    def patches(self) -> Path:
        """Folder of patches, by repository."""
        return self.root / "patches"

    def patch(self, repository: str, name: str) -> Path:
        """One patch."""
        return self.patches / repository / f"{name}.patch"

    def patched_trees(self, repository: str) -> Path:
        """Recorded hashes of the patches and tree ids of the patched checkouts."""
        return self.root / "patches" / repository / "trees.txt"

    @property
    def common_dockerfile(self) -> Path:
        """The image recipe of all methods that have none of their own."""
        return self.root / "dockerfiles" / "Dockerfile"

    @property
    def stages_dockerfile(self) -> Path:
        """The recipe of what a mirror keeps in place of Debian's packages."""
        return self.root / "dockerfiles" / "mirror.Dockerfile"

    def dockerfile(self, method: str) -> Path:
        """The image recipe of a method alone (may not exist)."""
        return self.root / "dockerfiles" / method / "Dockerfile"

    def requirements(self, method: str, stack: str) -> Path:
        """The hash-locked requirements of a method on a stack."""
        return self.root / "dockerfiles" / method / f"{stack}.lock"

    def build_requirements(self, method: str, stack: str) -> Path:
        """Hash-locked build requirements of the builder stage (may not exist)."""
        return self.root / "dockerfiles" / method / f"{stack}.build.lock"

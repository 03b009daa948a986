"""Checks of the machine itself: disk, memory, limits, isolation without an engine, clock."""

from collections.abc import Iterable

from harness.doctor.check import Line, Machine, Needs, Place, State, line
from harness.manifest.model import Scale

_IMAGE_GB = 10.0  # for building one image of a stack with CUDA
_TREE_FILES = 5000  # of a checkout that is copied for a step
_LIST_FILES = 11_000  # of an output with a file per image, at paper scale
#: PMM's infer-mc: 8 loader workers of 2 pictures, whose 236 crops and their labels are 1,181 files.
_FILES, _FEWEST_FILES, _PROCESSES = 20_000, 1024, 4096
_SKEW_SECONDS = 2.0


def disk(machine: Machine, needs: Needs) -> Line:
    """Whether outputs, downloads and perhaps an image fit; smoke estimates are rough."""
    downloads = sum(one.size_gb for one in needs.assets if one.path is None)
    wanted = [
        (machine.runs, needs.peak_disk_gb, f"outputs at the peak ({needs.disk_source})"),
        (machine.cache, downloads, "downloads"),
    ]
    grave = needs.scale is Scale.PAPER and not _fits(wanted)
    if needs.in_containers and machine.images is not None and needs.steps:
        wanted.append((machine.images, _IMAGE_GB, "building an image, if it is not there"))
    return line(
        "disk",
        good=_fits(wanted),
        bad=State.MISSING if grave else State.NOTE,
        found=", ".join(f"{one.free_gb:.0f} GB free in {one.path}" for one in _by_device(wanted)),
        needed=", ".join(f"{gb:.3g} GB for {what}" for _, gb, what in wanted),
        fix="free space, or name another place: --runs, HARNESS_CACHE, the engine's data root",
    )


def inodes(machine: Machine, needs: Needs) -> Line:
    """Whether the file system can hold so many files."""
    each = _LIST_FILES if needs.scale is Scale.PAPER else 0
    outputs = [output for step in needs.steps for output in step.outputs.values()]
    per_image = sum(hasattr(output.contract, "ids") for output in outputs)
    count = per_image * each + (_TREE_FILES if needs.steps else 0)
    left = machine.runs.free_inodes
    return line(
        "inodes",
        good=left is None or left >= count,
        bad=State.MISSING,
        found=f"{'no limit' if left is None else left} in {machine.runs.path}",
        needed=f"{count} (estimate)",
        fix="name a place on another file system by --runs",
    )


def memory(machine: Machine, needs: Needs) -> Line:
    """Whether the widest step fits; harness then runs it alone, and the kernel may end it."""
    most = max((step.resources.memory_gb for step in needs.steps), default=0.0)
    return line(
        "memory",
        good=machine.memory_gb >= most,
        bad=State.NOTE,
        found=f"{machine.memory_gb:.1f} GB",
        needed=f"{most:g} GB for the widest step (estimate)",
        fix="such a step is run alone, and may be ended for want of memory: add memory or swap",
    )


def shared_memory(machine: Machine, needs: Needs) -> Line:
    """Whether data loaders can hand over their batches."""
    most = max((step.resources.shm_gb for step in needs.steps), default=0.0)
    own = needs.in_containers or machine.bubblewrap is not None
    left = machine.memory_gb if needs.in_containers else machine.memory_gb / 2
    available = left if own else machine.shm_gb
    where = "of the machine's memory, in each step's own /dev/shm" if own else "in /dev/shm"
    return line(
        "shm",
        good=available >= most,
        bad=State.NOTE if own else State.MISSING,
        found=f"up to {available:.1f} GB {where}",
        needed=f"{most:g} GB for the widest step",
        fix="mount /dev/shm larger, or use a container runtime" if not own else "add memory",
    )


def ulimits(machine: Machine, _: Needs) -> Line:
    """How many files and processes steps may have."""
    enough = machine.files >= _FILES and machine.processes >= _PROCESSES
    return line(
        "ulimits",
        good=enough,
        bad=State.NOTE if machine.files >= _FEWEST_FILES else State.MISSING,
        found=f"{machine.files_soft} open files, {machine.files} for steps (the hard limit), "
        f"{machine.processes} processes",
        needed=f"{_FILES} open files for the widest step, {_PROCESSES} processes",
        fix="raise the hard limits (ulimit -Hn, -Hu; /etc/security/limits.conf)",
    )


def bubblewrap(machine: Machine, needs: Needs) -> Line:
    """Whether steps without an engine are isolated."""
    found = (
        f"bubblewrap {machine.bubblewrap}" if machine.bubblewrap else machine.bubblewrap_obstacle
    )
    if needs.in_containers:
        return Line(
            check="bubblewrap", state=State.OK, found=found, needed=f"not for {needs.runtime}"
        )
    return line(
        "bubblewrap",
        good=machine.bubblewrap is not None,
        bad=State.NOTE,
        found=found,
        needed="isolates steps of --runtime process",
        fix="steps see this machine's files and network: install bubblewrap and allow user "
        "namespaces",
    )


def clock(machine: Machine, _: Needs) -> Line:
    """Whether the file system's clock is the machine's."""
    skew = machine.skew_seconds
    return line(
        "clock",
        good=skew is not None and abs(skew) <= _SKEW_SECONDS,
        bad=State.NOTE,
        found=f"{machine.runs.path} is off by {skew:+.1f} s" if skew is not None else "unknown",
        needed=f"within {_SKEW_SECONDS:g} s of the machine's",
        fix="synchronise the clocks of this machine and its file server",
    )


def _fits(wanted: Iterable[tuple[Place, float, str]]) -> bool:
    return all(gb <= place.free_gb for place, gb in _by_device(wanted).items())


def _by_device(wanted: Iterable[tuple[Place, float, str]]) -> dict[Place, float]:
    """What is wanted of each file system in all, by its first place."""
    sums: dict[int, tuple[Place, float]] = {}
    for place, gb, _ in wanted:
        first, before = sums.get(place.device, (place, 0.0))
        sums[place.device] = (first, before + gb)
    return dict(sums.values())

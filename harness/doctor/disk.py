"""Checks of the disks: room for outputs, downloads and images, and for the number of files."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.doctor.check import Line, Machine, Needs, Place, State, line
from harness.doctor.finding import Finding
from harness.manifest.model import Scale

_IMAGE_GB = 10.0  # for building one image of a stack with CUDA
_TREE_FILES = 5000  # of a checkout that is copied for a step
#: What is estimated may be twice what is used: only less than half of it stops a command.
_SLACK = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What one purpose takes of a file system."""

    place: Place
    gb: float
    least_gb: float  # without which it cannot be done
    what: str
    instead: str  # how to name another place


def disk(machine: Machine, needs: Needs) -> Line:
    """Whether outputs, downloads and perhaps an image fit; smoke estimates are rough."""
    wanted = list(_wanted(machine, needs))
    short = [group for group in _by_device(wanted) if _gb(group) > group[0].place.free_gb]
    impossible = [
        group for group in short if sum(one.least_gb for one in group) > group[0].place.free_gb
    ]
    grave = needs.scale is Scale.PAPER and impossible
    return line(
        "disk",
        found=", ".join(
            f"{group[0].place.free_gb:.0f} GB free in {group[0].place.path}"
            for group in _by_device(wanted)
        ),
        needed=", ".join(f"{one.gb:.3g} GB for {one.what}" for one in wanted),
        bad=State.MISSING if grave else State.NOTE,
        findings=[_too_small(group) for group in short],
    )


def inodes(machine: Machine, needs: Needs) -> Line:
    """Whether the file system can hold so many files."""
    count = needs.peak_files + (_TREE_FILES if needs.steps else 0)
    left = machine.runs.free_inodes
    found = f"{'no limit' if left is None else left} in {machine.runs.path}"
    needed = f"{count} (estimate)"
    few = Finding(
        name="inodes",
        what=f"{found}; {needed} needed",
        steps=("name a folder on another file system by --runs",),
    )
    return line(
        "inodes",
        found=found,
        needed=needed,
        bad=State.MISSING if left is not None and left < _SLACK * count else State.NOTE,
        findings=[few] if left is not None and left < count else [],
    )


def _wanted(machine: Machine, needs: Needs) -> Iterable[Want]:
    slack = 1.0 if needs.disk_source == "measured" else _SLACK
    yield Want(
        place=machine.runs,
        gb=needs.peak_disk_gb,
        least_gb=slack * needs.peak_disk_gb,
        what=f"outputs at the peak ({needs.disk_source})",
        instead="--runs names another folder for outputs",
    )
    downloads = sum(one.size_gb for one in needs.assets if one.path is None)
    yield Want(
        place=machine.cache,
        gb=downloads,
        least_gb=downloads,
        what="downloads",
        instead="HARNESS_CACHE names another folder for downloads",
    )
    if needs.in_containers and machine.images is not None and needs.steps:
        yield Want(
            place=machine.images,
            gb=_IMAGE_GB,
            least_gb=0.0,  # the image may be there
            what="building an image, if it is not there",
            instead="the engine's settings name another folder for images (data-root)",
        )


def _by_device(wanted: Iterable[Want]) -> list[list[Want]]:
    """What is wanted of each file system."""
    groups: dict[int, list[Want]] = {}
    for want in wanted:
        groups.setdefault(want.place.device, []).append(want)
    return list(groups.values())


def _gb(group: Iterable[Want]) -> float:
    return sum(want.gb for want in group)


def _too_small(group: list[Want]) -> Finding:
    place = group[0].place
    needed = " and ".join(f"{one.gb:.3g} GB for {one.what}" for one in group if one.gb)
    return Finding(
        name="disk",
        what=f"{place.free_gb:.0f} GB free in {place.path}; {needed}",
        steps=(f"free {_gb(group) - place.free_gb:.3g} GB there",),
        instead=tuple(one.instead for one in group if one.gb),
    )

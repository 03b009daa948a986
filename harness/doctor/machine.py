"""Checks of the machine itself: memory, limits, isolation without an engine, clock, git."""

from harness.doctor.check import Line, Machine, Needs, State, line, not_needed
from harness.doctor.finding import Finding

#: PMM's infer-mc: 8 loader workers of 2 pictures, whose 236 crops and their labels are 1,181 files.
_FILES, _FEWEST_FILES, _PROCESSES = 20_000, 1024, 4096
_SKEW_SECONDS = 2.0


def memory(machine: Machine, needs: Needs) -> Line:
    """Whether the widest step fits; harness then runs it alone, and the kernel may end it."""
    most = max((step.resources.memory_gb for step in needs.steps), default=0.0)
    found, needed = f"{machine.memory_gb:.1f} GB", f"{most:g} GB for the widest step (estimate)"
    small = Finding(
        name="memory",
        what=f"{found}; {needed}",
        steps=("add memory or swap: the step runs alone, and the kernel may end it",),
    )
    findings = [small] if machine.memory_gb < most else []
    return line("memory", found=found, needed=needed, bad=State.NOTE, findings=findings)


def shared_memory(machine: Machine, needs: Needs) -> Line:
    """Whether data loaders can hand over their batches."""
    most = max((step.resources.shm_gb for step in needs.steps), default=0.0)
    own = needs.in_containers or machine.bubblewrap is not None
    left = machine.memory_gb if needs.in_containers else machine.memory_gb / 2
    available = left if own else machine.shm_gb
    where = "of the machine's memory" if own else "in /dev/shm"
    found = f"up to {available:.1f} GB {where}"
    needed = f"{most:g} GB for the widest step"
    small = Finding(
        name="shm",
        what=f"{found}; {needed}",
        steps=("add memory",) if own else (),
        command="" if own else f"sudo mount -o remount,size={most:.0f}G /dev/shm",
        instead=() if own else ("use a container runtime", "install bubblewrap"),
    )
    return line(
        "shm",
        found=found,
        needed=needed,
        bad=State.NOTE if own else State.MISSING,
        findings=[small] if available < most else [],
    )


def ulimits(machine: Machine, _: Needs) -> Line:
    """How many files and processes steps may have."""
    found = (
        f"{machine.files_soft} open files, {machine.files} for steps (the hard limit), "
        f"{machine.processes} processes"
    )
    needed = f"{_FILES} open files for the widest step, {_PROCESSES} processes"
    low = Finding(
        name="ulimits",
        what=f"{found}; {needed}",
        steps=("raise the hard limits in /etc/security/limits.conf, and log in again",),
    )
    enough = machine.files >= _FILES and machine.processes >= _PROCESSES
    return line(
        "ulimits",
        found=found,
        needed=needed,
        bad=State.NOTE if machine.files >= _FEWEST_FILES else State.MISSING,
        findings=[] if enough else [low],
    )


def bubblewrap(machine: Machine, needs: Needs) -> Line:
    """Whether steps without an engine are isolated."""
    found = (
        f"bubblewrap {machine.bubblewrap}" if machine.bubblewrap else machine.bubblewrap_obstacle
    )
    if needs.in_containers:
        return not_needed("bubblewrap", f"{needs.runtime} isolates steps", found)
    absent = Finding(
        name="bubblewrap",
        what=f"{machine.bubblewrap_obstacle}; steps see this machine's files and network",
        steps=("install bubblewrap, and allow user namespaces",),
    )
    return line(
        "bubblewrap",
        found=found,
        needed="isolates steps of --runtime process",
        bad=State.NOTE,
        findings=[] if machine.bubblewrap else [absent],
    )


def clock(machine: Machine, _: Needs) -> Line:
    """Whether the file system's clock is the machine's."""
    skew = machine.skew_seconds
    found = "unknown" if skew is None else f"off by {skew:+.1f} s"
    needed = f"within {_SKEW_SECONDS:g} s of the machine's"
    off = Finding(
        name="clock",
        what=f"the clock of {machine.runs.path} is {found}; {needed}",
        steps=("synchronise the clocks of this machine and its file server",),
    )
    good = skew is not None and abs(skew) <= _SKEW_SECONDS
    findings = [] if good else [off]
    return line("clock", found=found, needed=needed, bad=State.NOTE, findings=findings)


def git(machine: Machine, needs: Needs) -> Line:
    """Whether repositories can be checked out."""
    if not needs.repositories and not any(step.sources for step in needs.steps):
        return not_needed("git", "no step that is to do reads a repository")
    absent = Finding(
        name="git",
        what="git is not on PATH",
        command="sudo apt-get install git",
        instead=("install git 2.32 or newer as your system does",),
    )
    return line(
        "git",
        found="on PATH" if machine.git else "not on PATH",
        needed="checks repositories out",
        bad=State.MISSING,
        findings=[] if machine.git else [absent],
    )

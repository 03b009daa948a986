"""Checks of the container engine: its version, the limits it enforces, GPUs, users."""

import re
from collections.abc import Mapping
from typing import Any

from harness.doctor.check import Line, Machine, Needs, State, line
from harness.manifest.model import RuntimeName
from harness.runtimes.engine import (
    CDI_KIND,
    LIMITS,
    gpu_obstacle,
    is_rootless,
    missing_limits,
)

_OLDEST = {RuntimeName.DOCKER: (20, 10), RuntimeName.PODMAN: (4, 3)}  # that harness was tested with
_IDS = 65536
#: By this program on its PATH Docker knows that it can give GPUs.
HOOK = "nvidia-container-runtime-hook"
_NO_ENGINE = "--runtime process: no engine"
_TOOLKIT = (
    "install the NVIDIA container toolkit; Docker: nvidia-ctk runtime configure, Podman: "
    "nvidia-ctk cdi generate --device-name-strategy=uuid --output=/etc/cdi/nvidia.yaml"
)


def engine(machine: Machine, needs: Needs) -> Line:
    """Whether the engine answers, and how old it is."""
    if not needs.in_containers:
        return Line(check="engine", state=State.OK, found="not asked", needed=_NO_ENGINE)
    oldest = _OLDEST[needs.runtime]
    needed = f"{needs.runtime} {'.'.join(map(str, oldest))} or newer"
    if isinstance(machine.engine, str):
        return Line(
            check="engine",
            state=State.MISSING,
            found=machine.engine,
            needed=needed,
            fix=f"start {needs.runtime}, or set DOCKER_HOST to its address; or choose "
            "--runtime process, which needs no engine",
        )
    version = str(machine.engine.get("ServerVersion"))
    return line(
        "engine",
        good=_numbers(version) >= oldest,
        bad=State.NOTE,
        found=f"{needs.runtime} {version} at {machine.engine_address}",
        needed=needed,
        fix="update it: harness was never tried with one so old",
    )


def limits(machine: Machine, needs: Needs) -> Line:
    """Whether the engine can hold steps to their limits."""
    if not needs.in_containers:
        needed = "--runtime process: only the time limit is enforced"
        return Line(check="limits", state=State.OK, found="time", needed=needed)
    wanted = ", ".join(LIMITS.values())
    said = _said(machine)
    missing = missing_limits(said)
    found = f"it cannot enforce {', '.join(missing)}" if missing else wanted
    return line(
        "limits",
        good=bool(said) and not missing,
        bad=State.MISSING if needs.scale.at_full_cost else State.NOTE,
        found=found if said else "no engine answers",
        needed=f"the engine enforces {wanted}",
        fix="use an engine with cgroups for these; --scale smoke does without",
    )


def toolkit(machine: Machine, needs: Needs) -> Line:
    """Whether the engine can give GPUs to containers."""
    if not needs.in_containers or not needs.gpus:
        found = "present" if _ways(machine, needs) else "none"
        return Line(check="toolkit", state=State.OK, found=found, needed="not needed: no GPU asked")
    obstacle = gpu_obstacle(needs.runtime, _said(machine))
    ways = _ways(machine, needs)
    return line(
        "toolkit",
        good=bool(ways) and obstacle is None,
        bad=State.MISSING,
        found=obstacle or ", ".join(ways) or "nothing that gives GPUs to containers",
        needed="NVIDIA container toolkit, for steps on GPUs",
        fix=_TOOLKIT if obstacle is None else "update Podman, or use --runtime docker",
    )


def users(machine: Machine, needs: Needs) -> Line:
    """Whether what steps write will belong to the caller."""
    needed = f"steps write as uid {machine.uid}"
    if not needs.in_containers:
        return Line(check="users", state=State.OK, found=needed, needed=needed)
    options = str(_said(machine).get("SecurityOptions") or "")
    if "name=userns" in options:
        return Line(
            check="users",
            state=State.MISSING,
            found="the engine maps users to others (userns-remap)",
            needed=needed,
            fix="switch userns-remap off in the daemon's settings, or use a rootless engine",
        )
    if not is_rootless(_said(machine)):
        return Line(check="users", state=State.OK, found="the engine maps no users", needed=needed)
    return line(
        "users",
        good=machine.newuidmap and machine.subordinate_ids >= _IDS,
        bad=State.MISSING,
        found=f"rootless, {machine.subordinate_ids} subordinate ids"
        + ("" if machine.newuidmap else ", no newuidmap"),
        needed=f"{needed}; rootless: {_IDS} subordinate ids and newuidmap",
        fix="install uidmap, and give your user a range in /etc/subuid and /etc/subgid",
    )


def _ways(machine: Machine, needs: Needs) -> list[str]:
    """How GPUs can come into containers here."""
    gpus = machine.gpus if isinstance(machine.gpus, tuple) else ()
    by_name = [gpu for gpu in gpus if f"{CDI_KIND}={gpu.uuid}" in machine.cdi_devices]
    if needs.runtime is RuntimeName.PODMAN:
        return [f"CDI names of {len(by_name)} GPU(s)"] if by_name else []
    runtimes = _said(machine).get("Runtimes") or {}
    ways = {"runtime nvidia": "nvidia" in runtimes, HOOK: machine.nvidia_hook}
    return [way for way, there in ways.items() if there]


def _said(machine: Machine) -> Mapping[str, Any]:
    return {} if isinstance(machine.engine, str) else machine.engine


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])

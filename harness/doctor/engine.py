"""Checks of the container engine: its version, the limits it enforces, GPUs, users."""

import re
from collections.abc import Mapping
from typing import Any

from harness.doctor.check import Facts, Line, Needs, State, judge
from harness.manifest.model import RuntimeName, Scale
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


def engine(facts: Facts, needs: Needs) -> Line:
    """Whether the engine answers, and how old it is."""
    if not needs.in_containers:
        return Line(check="engine", state=State.OK, found="not asked", needed=_NO_ENGINE)
    oldest = _OLDEST[needs.runtime]
    needed = f"{needs.runtime} {'.'.join(map(str, oldest))} or newer"
    if isinstance(facts.engine, str):
        return Line(
            check="engine",
            state=State.MISSING,
            found=facts.engine,
            needed=needed,
            mend=f"start {needs.runtime}, or say in DOCKER_HOST where it listens; or choose "
            "--runtime process, which needs no engine",
        )
    version = str(facts.engine.get("ServerVersion"))
    return judge(
        "engine",
        good=_numbers(version) >= oldest,
        bad=State.NOTE,
        found=f"{needs.runtime} {version} at {facts.engine_address}",
        needed=needed,
        mend="update it: harness was never tried with one so old",
    )


def limits(facts: Facts, needs: Needs) -> Line:
    """Whether the engine can hold steps to their limits."""
    if not needs.in_containers:
        needed = "--runtime process: only the time limit is enforced"
        return Line(check="limits", state=State.OK, found="time", needed=needed)
    wanted = ", ".join(LIMITS.values())
    said = _said(facts)
    missing = missing_limits(said)
    found = f"it cannot enforce {', '.join(missing)}" if missing else wanted
    return judge(
        "limits",
        good=bool(said) and not missing,
        bad=State.MISSING if needs.scale is Scale.PAPER else State.NOTE,
        found=found if said else "no engine answers",
        needed=f"the engine enforces {wanted}",
        mend="use an engine with cgroups for these; --scale smoke does without",
    )


def toolkit(facts: Facts, needs: Needs) -> Line:
    """Whether the engine can give GPUs to containers."""
    if not needs.in_containers or not needs.gpus:
        found = "present" if _ways(facts, needs) else "none"
        return Line(check="toolkit", state=State.OK, found=found, needed="not needed: no GPU asked")
    obstacle = gpu_obstacle(needs.runtime, _said(facts))
    ways = _ways(facts, needs)
    return judge(
        "toolkit",
        good=bool(ways) and obstacle is None,
        bad=State.MISSING,
        found=obstacle or ", ".join(ways) or "nothing that gives GPUs to containers",
        needed="NVIDIA container toolkit, for steps on GPUs",
        mend=_TOOLKIT if obstacle is None else "update Podman, or use --runtime docker",
    )


def users(facts: Facts, needs: Needs) -> Line:
    """Whether what steps write will belong to the caller."""
    needed = f"steps write as uid {facts.uid}"
    if not needs.in_containers:
        return Line(check="users", state=State.OK, found=needed, needed=needed)
    options = str(_said(facts).get("SecurityOptions") or "")
    if "name=userns" in options:
        return Line(
            check="users",
            state=State.MISSING,
            found="the engine maps users to others (userns-remap)",
            needed=needed,
            mend="switch userns-remap off in the daemon's settings, or use a rootless engine",
        )
    if not is_rootless(_said(facts)):
        return Line(check="users", state=State.OK, found="the engine maps no users", needed=needed)
    return judge(
        "users",
        good=facts.newuidmap and facts.subordinate_ids >= _IDS,
        bad=State.MISSING,
        found=f"rootless, {facts.subordinate_ids} subordinate ids"
        + ("" if facts.newuidmap else ", no newuidmap"),
        needed=f"{needed}; rootless: {_IDS} subordinate ids and newuidmap",
        mend="install uidmap, and give your user a range in /etc/subuid and /etc/subgid",
    )


def _ways(facts: Facts, needs: Needs) -> list[str]:
    """How GPUs can come into containers here."""
    gpus = facts.gpus if isinstance(facts.gpus, tuple) else ()
    by_name = [gpu for gpu in gpus if f"{CDI_KIND}={gpu.uuid}" in facts.cdi_devices]
    if needs.runtime is RuntimeName.PODMAN:
        return [f"CDI names of {len(by_name)} GPU(s)"] if by_name else []
    runtimes = _said(facts).get("Runtimes") or {}
    ways = {"runtime nvidia": "nvidia" in runtimes, HOOK: facts.nvidia_hook}
    return [way for way, there in ways.items() if there]


def _said(facts: Facts) -> Mapping[str, Any]:
    return {} if isinstance(facts.engine, str) else facts.engine


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])

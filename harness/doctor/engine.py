"""Checks of the container engine: its version, the limits it enforces, GPUs, users."""

import re
from collections.abc import Mapping
from typing import Any

from harness.doctor.check import Line, Machine, Needs, State, line, not_needed, unknown
from harness.doctor.finding import Finding
from harness.manifest.model import RuntimeName
from harness.runtimes.engine import (
    ADDRESS,
    CDI_KIND,
    LIMITS,
    START,
    gpu_obstacle,
    is_rootless,
    missing_limits,
)

_OLDEST = {RuntimeName.DOCKER: (20, 10), RuntimeName.PODMAN: (4, 3)}  # that harness was tested with
_IDS = 65536
#: By this program on its PATH Docker knows that it can give GPUs.
HOOK = "nvidia-container-runtime-hook"
_NO_ENGINE = "--runtime process: no engine"
_DENIED = "Permission denied"
_JOIN = 'sudo usermod -aG docker "$USER" && newgrp docker'
_GRANT = 'sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "$USER"'
_INSTALL = {
    RuntimeName.DOCKER: "install Docker: https://docs.docker.com/engine/install/",
    RuntimeName.PODMAN: "install Podman: https://podman.io/docs/installation",
}
_TOOLKIT = (
    "install NVIDIA's container toolkit: "
    "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html"
)
_CONFIGURE = {
    RuntimeName.DOCKER: (
        "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
    ),
    RuntimeName.PODMAN: (
        "sudo nvidia-ctk cdi generate --device-name-strategy=uuid --output=/etc/cdi/nvidia.yaml"
    ),
}


def engine(machine: Machine, needs: Needs) -> Line:
    """Whether the engine answers, and how old it is."""
    if not needs.in_containers:
        return not_needed("engine", _NO_ENGINE)
    oldest = _OLDEST[needs.runtime]
    needed = f"{needs.runtime} {'.'.join(map(str, oldest))} or newer"
    if isinstance(machine.engine, str):
        silent = _silent(machine, machine.engine, needs.runtime)
        return line(
            "engine", found="no answer", needed=needed, bad=State.MISSING, findings=[silent]
        )
    version = str(machine.engine.get("ServerVersion"))
    found = f"{needs.runtime} {version} at {machine.engine_address}"
    old = Finding(
        name="engine",
        what=f"{found}; harness was tested with {needed}",
        steps=(f"update {needs.runtime}",),
    )
    findings = [] if _numbers(version) >= oldest else [old]
    return line("engine", found=found, needed=needed, bad=State.NOTE, findings=findings)


def limits(machine: Machine, needs: Needs) -> Line:
    """Whether the engine can hold steps to their limits."""
    if not needs.in_containers:
        return not_needed("limits", "--runtime process: only the time limit is enforced")
    wanted = ", ".join(LIMITS.values())
    missing = missing_limits(_said(machine))
    unable = Finding(
        name="limits",
        what=f"the engine cannot enforce limits of {', '.join(missing)}",
        steps=("use an engine with cgroups for these",),
        instead=("--scale smoke, which does without",) if needs.scale.at_full_cost else (),
    )
    return line(
        "limits",
        found=f"it cannot enforce {', '.join(missing)}" if missing else wanted,
        needed=f"the engine enforces {wanted}",
        bad=State.MISSING if needs.scale.at_full_cost else State.NOTE,
        findings=[unable] if missing else [],
    )


def users(machine: Machine, needs: Needs) -> Line:
    """Whether what steps write will belong to the caller."""
    needed = f"steps write as uid {machine.uid}"
    if not needs.in_containers:
        return not_needed("users", f"--runtime process: {needed}")
    found, finding = _users(machine)
    return line(
        "users",
        found=found,
        needed=needed,
        bad=State.MISSING,
        findings=[finding] if finding else [],
    )


def toolkit(machine: Machine, needs: Needs) -> Line:
    """Whether the engine can give GPUs to containers."""
    if not needs.in_containers:
        return not_needed("toolkit", "--runtime process: no containers")
    if needs.unplanned is not None:
        return unknown("toolkit", "-", "plan")
    if not needs.gpus:
        return not_needed("toolkit", "no step that is to do asks for a GPU")
    needed = "the engine gives GPUs to containers"
    if not machine.gpus or isinstance(machine.gpus, str):
        return unknown("toolkit", needed, "gpus")
    obstacle = gpu_obstacle(needs.runtime, _said(machine))
    ways = _ways(machine, needs)
    return line(
        "toolkit",
        found=obstacle or ", ".join(ways) or "nothing that does",
        needed=needed,
        bad=State.MISSING,
        findings=[] if ways and obstacle is None else [_no_toolkit(needs.runtime, obstacle)],
    )


def _silent(machine: Machine, reason: str, runtime: RuntimeName) -> Finding:
    """An engine that does not answer: elsewhere, not installed, not ours to use, not started."""
    process = "add --runtime process, which needs no engine"
    variable = ADDRESS[runtime]
    if machine.engine_named:
        steps = (f"start the engine at {machine.engine_address}, or correct {variable}",)
        return Finding(name="engine", what=reason, steps=steps, instead=(process,))
    denied = _DENIED in reason and runtime is RuntimeName.DOCKER
    return Finding(
        name="engine",
        what=reason,
        steps=() if machine.engine_installed or denied else (_INSTALL[runtime],),
        command=_JOIN if denied else START[runtime],
        instead=(f"set {variable} to the address of an engine elsewhere", process),
    )


def _no_toolkit(runtime: RuntimeName, obstacle: str | None) -> Finding:
    if obstacle is not None:
        other = ("--runtime docker",)
        return Finding(name="toolkit", what=obstacle, steps=("update Podman",), instead=other)
    return Finding(
        name="toolkit",
        what=f"{runtime} cannot give GPUs to containers",
        steps=(_TOOLKIT,),
        command=_CONFIGURE[runtime],
    )


def _users(machine: Machine) -> tuple[str, Finding | None]:
    """What the engine does with users, and what is wrong with it."""
    options = str(_said(machine).get("SecurityOptions") or "")
    if "name=userns" in options:
        what = "the engine maps users to others (userns-remap)"
        steps = ("switch userns-remap off in the daemon's settings, and start it again",)
        return what, Finding(
            name="users", what=what, steps=steps, instead=("use a rootless engine",)
        )
    if not is_rootless(_said(machine)):
        return "the engine maps no users", None
    found = f"rootless, {machine.subordinate_ids} subordinate ids"
    found += "" if machine.newuidmap else ", no newuidmap"
    few = machine.subordinate_ids < _IDS
    if machine.newuidmap and not few:
        return found, None
    return found, Finding(
        name="users",
        what=f"{found}; {_IDS} and newuidmap needed",
        steps=() if machine.newuidmap else ("install newuidmap (Debian: apt-get install uidmap)",),
        command=_GRANT if few else "",
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

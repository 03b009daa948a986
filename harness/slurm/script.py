"""The batch script of one step: what Slurm has to give, and the call of `harness exec-step`."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.manifest.model import RuntimeName
from harness.plan.plan import BoundStep
from harness.slurm.profile import Placement, Profile

_MIB = 1024
_MINUTES = 60
#: Podman's service as the job's own child: its containers stay within the job and end with it.
_PODMAN = (
    "# Podman as this job's own child: containers stay within the job's limits.",
    "# What is the login node's does not hold here: its engine, and folders that may not be there.",
    "unset CONTAINER_HOST CONTAINER_CONNECTION",
    '[ -d "${XDG_RUNTIME_DIR:-/}" ] || unset XDG_RUNTIME_DIR',
    '[ -d "${TMPDIR:-/}" ] || unset TMPDIR',
    'folder="$(mktemp -d)"',
    'socket="unix://$folder/podman.sock"',
    "# TERM reaches every process of a cancelled job; the step needs Podman to stop its container.",
    "serve() {",
    "  trap '' TERM",
    '  while [ -d "$folder" ]; do',
    '    podman --log-level=error --cgroup-manager=cgroupfs system service --time=0 "$socket" &',
    '    echo $! >"$folder/pid"',
    "    wait $! || sleep 0.5",
    "  done",
    "}",
    "serve &",
    'for _ in $(seq 100); do [ -S "$folder/podman.sock" ] && break; sleep 0.1; done',
    'export CONTAINER_HOST="$socket"',
)
#: The shell stays to end the service; what ends `wait` may be TERM, which the step answers.
_BESIDE_PODMAN = (
    "step=$!",
    "trap 'kill -TERM \"$step\"' TERM",
    'code=0; wait "$step" || code=$?',
    'while kill -0 "$step" 2>/dev/null; do code=0; wait "$step" || code=$?; done',
    'service="$(cat "$folder/pid")"',
    'rm -rf "$folder"',
    'kill "$service" 2>/dev/null || true',
    'exit "$code"',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """How jobs call harness: its program and the options for where it works."""

    program: tuple[str, ...]
    options: tuple[str, ...]
    environ: tuple[tuple[str, str], ...] = ()  # variables that are set first


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFiles:
    """How a job is known: in the queue, and by its files."""

    name: str
    comment: str  # the runs/ that it works in
    script: Path
    output: Path


def refuse_unspoken(runs: Path) -> None:
    """Raise UsageError for a `runs/` whose path Slurm cannot be told of, however it is quoted."""
    if set(str(runs)) & set("\\\r\n"):
        raise UsageError(
            f"Slurm cannot be told of {str(runs)!a}: it has a backslash or a line end",
            hint="name another folder by --runs",
        )


def step_script(  # noqa: PLR0913 - a script is where all of this meets
    step: BoundStep,
    plan: str,
    files: JobFiles,
    profile: Profile,
    call: Call,
    *,
    runtime: RuntimeName,
    after: Sequence[str],
) -> str:
    """The script of a step, which starts once the jobs `after` have succeeded."""
    need = step.resources
    placement = profile.placement(need.gpus)
    options = [
        *_common(files),
        ("cpus-per-task", str(need.cpus)),
        ("mem", f"{math.ceil((need.memory_gb + profile.memory_margin_gb) * _MIB)}M"),
        ("time", _time(need.time_limit_hours, profile)),
        ("gres", f"{profile.gres}:{need.gpus}" if need.gpus else None),
        ("signal", "B:TERM@60"),
        ("kill-on-invalid-dep", "yes"),
        ("dependency", f"afterok:{':'.join(after)}" if after else None),
        *_placed(profile, placement),
    ]
    words = [
        *call.program,
        "exec-step",
        plan,
        step.key,
        *(f"--retries={profile.retries}", f"--patience={profile.visible_within_seconds:g}"),
        f"--lost-after={profile.lost_after_seconds:g}",
        *(["--trust-allocation"] if profile.trust_allocation else []),
        *call.options,
    ]
    lines = [*_set(call), *profile.setup, *_called(words, runtime)]
    return _script(f"{step.title}, for plan {plan}", options, placement.sbatch, lines)


def next_script(
    plan: str, files: JobFiles, profile: Profile, call: Call, *, after: Sequence[str]
) -> str:
    """The script of the small job that submits what is left, once the jobs `after` have ended."""
    placement = profile.placement(0)
    options = [
        *_common(files),
        ("cpus-per-task", "1"),
        ("mem", "1024M"),
        ("time", "00:30:00"),
        ("dependency", f"afterany:{':'.join(after)}"),
        *_placed(profile, placement),
    ]
    words = [*call.program, "submit", plan, *call.options]
    lines = [*_set(call), *profile.setup, *_called(words, RuntimeName.PROCESS)]
    return _script(f"submits what is left of plan {plan}", options, (), lines)


def _called(words: Sequence[str], runtime: RuntimeName) -> Sequence[str]:
    """The lines that call harness."""
    call = shlex.join(words)
    if runtime is not RuntimeName.PODMAN:
        return (f"exec {call}",)
    return (*_PODMAN, f"{call} &", *_BESIDE_PODMAN)


def _common(files: JobFiles) -> list[tuple[str, str | None]]:
    return [
        ("job-name", files.name),
        ("comment", _quoted(files.comment)),
        ("output", _quoted(str(files.output).replace("%", "%%"))),
        ("open-mode", "append"),
        ("nodes", "1"),
        ("ntasks", "1"),
        ("requeue", ""),
    ]


def _placed(profile: Profile, placement: Placement) -> list[tuple[str, str | None]]:
    return [
        ("account", profile.account),
        ("reservation", profile.reservation),
        ("partition", placement.partition),
        ("qos", placement.qos),
        ("constraint", _quoted(placement.constraint) if placement.constraint else None),
    ]


def _script(
    about: str,
    options: Sequence[tuple[str, str | None]],
    further: Sequence[str],
    lines: Sequence[str],
) -> str:
    given = [
        f"--{name}={value}" if value else f"--{name}"
        for name, value in options
        if value is not None
    ]
    head = ["#!/bin/bash", *(f"#SBATCH {option}" for option in (*given, *further)), f"# {about}"]
    return "\n".join([*head, "set -eu", *lines]) + "\n"


def _set(call: Call) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in call.environ]


def _time(hours: float, profile: Profile) -> str:
    minutes = math.ceil(hours * _MINUTES) + profile.time_margin_minutes
    if profile.max_hours is not None:
        minutes = min(minutes, math.floor(profile.max_hours * _MINUTES))
    return f"{minutes // _MINUTES:02}:{minutes % _MINUTES:02}:00"


def _quoted(text: str) -> str:
    """As sbatch reads the value of an option in a script."""
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"' if set(text) & set(" \t#;()&|'\"") else text

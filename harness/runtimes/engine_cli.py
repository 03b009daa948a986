"""The engine's own command line for a container at a terminal: the SDK has none for that."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.manifest.model import RuntimeName
from harness.runtimes.engine import Engine


def run_line(engine: Engine, settings: Mapping[str, Any], *, terminal: bool) -> list[str]:
    """`docker run` or `podman run` with the settings of `containers.create`."""
    docker = engine.name is RuntimeName.DOCKER
    program = ["docker", "--host"] if docker else ["podman", "--remote", "--url"]
    return [
        *program,
        engine.address,
        "run",
        "--rm",
        "--init",
        "-it" if terminal else "-i",
        *_options(settings),
        str(settings["image"]),
        *settings["command"],
    ]


def _options(settings: Mapping[str, Any]) -> Iterator[str]:
    same = {
        "name": "name",
        "user": "user",
        "workdir": "working_dir",
        "network": "network_mode",
        "memory": "mem_limit",
        "memory-swap": "memswap_limit",
        "pids-limit": "pids_limit",
        "shm-size": "shm_size",
    }
    yield "--read-only"
    yield from (f"--{option}={settings[name]}" for option, name in same.items())
    yield from (f"--cap-drop={one}" for one in settings["cap_drop"])
    yield from (f"--security-opt={one}" for one in settings["security_opt"])
    yield from (f"--tmpfs={place}:{how}" for place, how in settings["tmpfs"].items())
    yield from (f"--env={name}={text}" for name, text in settings["environment"].items())
    for limit in settings["ulimits"]:
        yield f"--ulimit={limit['Name']}={limit['Soft']}:{limit['Hard']}"
    for mount in settings["mounts"]:
        read_only = ",readonly" if mount["ReadOnly"] else ""
        yield f"--mount=type=bind,source={mount['Source']},target={mount['Target']}{read_only}"

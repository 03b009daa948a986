"""What a step record says that may change a result, as flat facts with readable names."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Facts = Mapping[str, Any]  # name with dots -> value

#: Facts of these groups are said of what is there: one that only one record has is a difference.
#: Of all others a record of an older harness may be silent, which says nothing.
OPEN = ("source.", "code.", "argument.", "variable.", "data.", "option.")
#: Who installed these is worth a fact each: their builds differ between package managers.
_NUMERICAL = ("torch", "torchvision", "numpy", "pillow", "opencv-python-headless", "mmcv")
#: Variables that repeat what other facts say.
_REPEATED = ("HARNESS_SEED", "HARNESS_THREADS", "HARNESS_CPU_SHIM")


def step_facts(record: Mapping[str, Any]) -> Facts:
    """The facts of one step record; what it does not say is left out."""
    named = (
        _source_facts(record),
        _command_facts(record),
        _data_facts(record),
        _environment_facts(record.get("environment", {})),
        _device_facts(record),
        _place_facts(record),
    )
    return {name: value for facts in named for name, value in facts if value is not None}


def run_facts(record: Mapping[str, Any]) -> Facts:
    """What was asked for, from a run record."""
    asked = dict(record["run"])
    options = {f"option.{name}": choice for name, choice in asked.pop("options", {}).items()}
    return {f"run.{name}": value for name, value in asked.items()} | options


def _source_facts(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, source in record.get("sources", {}).items():
        repository = name.partition("+")[0]
        place = f"source.{repository}"
        for patch, sha256 in source.get("patches", ()):
            yield f"{place}.patch.{patch}", sha256
        yield f"{place}.commit", source.get("commit")
        yield f"tree.{repository}", source.get("tree")
        yield f"missing.{repository}", source.get("missing")
    for name, sha256 in _key_inputs(record).get("packages", {}).items():
        yield f"code.{name}", sha256


def _command_facts(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    inputs = _key_inputs(record)
    yield from _arguments(inputs.get("argv", ()))
    for name, text in inputs.get("env", {}).items():
        if name not in _REPEATED:
            yield f"variable.{name}", text
    yield "seed", record.get("seed")
    command = record.get("command", {})
    yield "threads", command.get("threads")
    yield "workers", command.get("workers")
    yield "cpu_shim", inputs.get("cpu_shim")


def _arguments(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option with the words that follow it: `--epochs` is "15"."""
    name, words = "program", list[str]()
    for word in argv:
        if word.startswith("-") and not _is_number(word):
            yield f"argument.{name}", " ".join(words)
            name, words = word, []
        else:
            words.append(word)
    yield f"argument.{name}", " ".join(words)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _data_facts(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, one in _key_inputs(record).get("inputs", {}).items():
        if "step" not in one:
            yield f"data.{name}", one.get("asset") or one.get("repo")


def _environment_facts(environment: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("torch", "cuda", "cudnn", "nccl", "cublas", "archs"):
        if environment.get(name):
            yield f"torch.{name}", environment[name]
    for name, value in environment.get("libraries", {}).items():
        yield f"library.{name}", value
    yield "python", environment.get("python")
    versions = dict(_package(one) for one in environment.get("pip_freeze", ()))
    yield from ((f"package.{name}", version) for name, version in versions.items())
    yield "packages", sorted(versions) or None
    installers = environment.get("installers", {})
    yield "installer", sorted(installers) or None
    for package in _NUMERICAL:
        by = [name for name, packages in installers.items() if package in packages]
        yield f"installer.{package}", by[0] if by else None
    for tags, packages in environment.get("wheels", {}).items():
        yield from ((f"wheel.{_normal(package)}", tags) for package in packages)
    yield "lock", environment.get("lock")
    yield "cpu.capability", environment.get("cpu_capability")


def _package(frozen: str) -> tuple[str, str]:
    name, _, version = frozen.partition("==")
    return _normal(name), version


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")


def _device_facts(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    cards = record.get("gpus")
    yield "gpu.count", len(record.get("container", {}).get("gpus", ()))
    yield "gpu.asked", _key_inputs(record).get("gpus")
    if cards:
        for name in ("name", "capability", "memory_gb", "driver"):
            yield f"gpu.{name}", sorted({str(card[name]) for card in cards if name in card})
        yield "gpu.uuid", sorted(card["uuid"] for card in cards)
    for name, value in record.get("determinism", {}).items():
        yield f"determinism.{name}", value


def _place_facts(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    environment, host = record.get("environment", {}), dict(record.get("host", {}))
    runtime = dict(record.get("runtime", {}))
    yield "container.runtime", runtime.pop("runtime", None)
    yield "container.image", environment.get("image")
    yield "container.base", environment.get("base_digest")
    for name in ("os", "libc"):
        inside, outside = environment.get(name), host.pop(name, None)
        yield name, inside or outside
        yield f"host.{name}", outside if inside and inside != outside else None
    yield "cpu.model", host.pop("cpu", None)
    yield "cpu.machine", host.pop("machine", None)
    yield "cpu.flags", host.pop("cpu_flags", None)
    yield "environment", environment.get("id")
    for name, value in host.items():
        yield f"host.{name}", value
    for name, value in runtime.items():
        yield f"isolation.{name}", value
    yield "harness.version", record.get("harness")
    for name, value in record.get("code", {}).items():
        yield f"harness.{name}", value


def _key_inputs(record: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = record["identity"]["key_inputs"]
    return found

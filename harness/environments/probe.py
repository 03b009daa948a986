"""What an environment holds: asked of its own Python once, kept in the cache, put into records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import harness.environments.installed
from harness.files import DamagedFile, read_sealed, write_sealed
from harness.layout import CacheLayout

#: Raised with every new field, so that environments probed before are probed again, not built.
VERSION = 3

_REST = """
import importlib.util, json, platform, re, sys

packages = installed()
versions = dict(one.split("==", 1) for one in packages["pip_freeze"])


def system():
    try:
        with open("/etc/os-release", encoding="utf-8") as text:
            pairs = dict(line.rstrip().split("=", 1) for line in text if "=" in line)
        return pairs["PRETTY_NAME"].strip('"')
    except (OSError, KeyError):
        return platform.system()


def found(pattern, text):
    match = re.search(pattern, text)
    return match.group(1).strip() if match else None


def numpy_blas():
    import numpy
    try:
        blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    except (TypeError, KeyError):  # releases before 1.26 print it only
        return None
    return "{name} {version}".format(**blas)


libraries = {"opencv": next((v for n, v in versions.items() if n.startswith("opencv")), None)}
if importlib.util.find_spec("numpy"):
    libraries["numpy_blas"] = numpy_blas()
if importlib.util.find_spec("PIL"):
    from PIL import features
    libraries.update(
        pillow=versions.get("pillow"), jpeg=features.version("jpg"), zlib=features.version("zlib")
    )
probe = {
    "probe": @VERSION,
    "python": platform.python_version(),
    "platform": sys.platform + "-" + platform.machine(),
    "os": system(),
    "libc": " ".join(platform.libc_ver()),
    **packages,
    "torch": None, "cuda": None, "cudnn": None, "nccl": None, "archs": [],
}
if importlib.util.find_spec("torch"):
    import torch
    built = torch.__config__.show()
    cuda = torch.version.cuda
    probe.update(
        torch=torch.__version__, cuda=cuda, cudnn=torch.backends.cudnn.version(),
        archs=(torch._C._cuda_getArchFlags() or "").split() if cuda else [],
    )
    if cuda and torch.distributed.is_available() and torch.distributed.is_nccl_available():
        nccl = torch.cuda.nccl.version()
        probe["nccl"] = ".".join(map(str, nccl)) if isinstance(nccl, tuple) else str(nccl)
    libraries.update(
        torch_build=torch.version.git_version, torch_blas=found(r"BLAS_INFO=(\\w+)", built),
        mkl=found(r"Math Kernel Library Version (\\S+)", built),
        onednn=found(r"MKL-DNN (\\S+)", built), compiler=found(r"- (GCC \\S+)", built),
    )
probe["libraries"] = {name: text for name, text in libraries.items() if text}
print(json.dumps(probe))
""".replace("@VERSION", str(VERSION))
#: Prints what an environment holds as one JSON object; runs on every stack (Python >= 3.9).
PROBE = Path(harness.environments.installed.__file__).read_text(encoding="utf-8") + _REST


def read_probe(cache: CacheLayout, identity: str) -> dict[str, Any] | None:
    """What was probed of an environment; None if it was not, or the note is damaged."""
    try:
        return read_sealed(cache.probe(identity))
    except DamagedFile:
        return None


def keep_probe(cache: CacheLayout, identity: str, probe: Mapping[str, object]) -> dict[str, Any]:
    """Keep what was probed of an environment."""
    write_sealed(cache.probe(identity), probe)
    return dict(probe)


def is_current(probe: Mapping[str, object] | None) -> bool:
    """Whether it was probed by this release's questions; others are asked again."""
    return probe is not None and probe.get("probe") == VERSION

"""What every step's Python start-up does, seen from fresh interpreters."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SITE = Path(__file__).parents[2] / "harness" / "site"


def start(code: str, *, path: str = str(SITE), **env: str) -> Any:
    """Run `code` under the start-up; the JSON that it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", "import json\n" + code],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


DRAWS = """
import random, numpy, torch
print(json.dumps([random.random(), numpy.random.rand(), torch.rand(1).item(), torch.initial_seed()]))
"""


def test_seeds_all_generators_alike_in_every_process() -> None:
    first = start(DRAWS, HARNESS_SEED="3")
    assert first == start(DRAWS, HARNESS_SEED="3")
    assert first[:3] != start(DRAWS, HARNESS_SEED="4")[:3]
    assert first[3] == 3


def test_imports_nothing_that_the_program_does_not() -> None:
    loaded = start(
        "import sys; print(json.dumps([m for m in ('numpy', 'torch', 'random') if m in sys.modules]))",
        HARNESS_SEED="1",
        HARNESS_CPU_SHIM="1",
    )
    assert loaded == []


def test_numpy_has_the_float_that_older_releases_had() -> None:
    code = "import numpy; print(json.dumps([numpy.zeros(1, numpy.float).dtype.name]))"
    assert start(code) == ["float64"]


def test_sets_determinism_threads_and_tf32() -> None:
    code = """
import torch
b = torch.backends
print(json.dumps([b.cudnn.deterministic, b.cudnn.benchmark, b.cudnn.allow_tf32,
                  b.cuda.matmul.allow_tf32, torch.get_num_threads()]))
"""
    assert start(code, HARNESS_TF32="0", HARNESS_THREADS="1") == [True, False, True, False, 1]
    assert start(code, HARNESS_TF32="1", HARNESS_THREADS="2") == [True, False, True, True, 2]


LOADER = """
import random, numpy, torch
from torch.utils.data import DataLoader, Dataset
class Draws(Dataset):
    def __len__(self): return 6
    def __getitem__(self, at): return torch.tensor([at, random.random(), numpy.random.rand(), torch.rand(1).item()], dtype=torch.float64)
def own(worker): numpy.random.seed(1 + worker)
torch.rand({burnt})
loader = DataLoader(Draws(), 2, True, num_workers={workers}, worker_init_fn=own)
default = torch.random.get_rng_state()
rows = [batch.tolist() for batch in loader]
print(json.dumps([rows, bool((default == torch.random.get_rng_state()).all())]))
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_loaders_draw_from_their_own_seeded_generator(workers: int) -> None:
    rows, untouched = start(LOADER.format(burnt=0, workers=workers), HARNESS_SEED="5")
    again, _ = start(LOADER.format(burnt=0, workers=workers), HARNESS_SEED="5")
    burnt, _ = start(LOADER.format(burnt=9, workers=workers), HARNESS_SEED="5")
    other, _ = start(LOADER.format(burnt=0, workers=workers), HARNESS_SEED="6")

    def order(batches: Any) -> list[float]:
        return [row[0] for batch in batches for row in batch]

    assert rows == again
    assert order(rows) == order(burnt), "the order does not depend on the program's own draws"
    assert order(rows) != order(other)
    if workers:
        assert untouched
        assert rows == burnt, "nor do the workers"


def test_workers_are_seeded_after_the_programs_own_seeding() -> None:
    rows, _ = start(LOADER.format(burnt=0, workers=2), HARNESS_SEED="5")
    other, _ = start(LOADER.format(burnt=0, workers=2), HARNESS_SEED="7")
    assert rows[0][0][2] != other[0][0][2], "numpy was left at the program's fixed seed"


def test_a_generator_of_the_programs_own_is_kept() -> None:
    code = """
import torch
from torch.utils.data import DataLoader
own = torch.Generator().manual_seed(77)
loader = DataLoader(range(9), shuffle=True, generator=own)
print(json.dumps([loader.generator is own, loader.worker_init_fn is None]))
"""
    assert start(code, HARNESS_SEED="5") == [True, True]


def test_names_that_newer_releases_dropped_are_back() -> None:
    code = """
import PIL.Image
print(json.dumps(PIL.Image.CUBIC == PIL.Image.BICUBIC))
"""
    assert start(code) is True


SHIM = """
import io, torch
net = torch.nn.DataParallel(torch.nn.Linear(2, 2)).cuda()
kept = io.BytesIO(); torch.save(net.state_dict(), kept); kept.seek(0)
with torch.cuda.device(0):
    out = net(torch.ones(1, 2).cuda(non_blocking=True))
copies = torch.nn.parallel.replicate(net.module, [0, 1])
loader = torch.utils.data.DataLoader(range(3), pin_memory=True)
places = [torch.ones(1).to(to).device.type for to in (0, "cuda", "cuda:1", torch.device("cuda"))]
places.append(torch.ones(1).to(device="cuda", dtype=torch.float64).device.type)
places.append(net.to(0).module.weight.device.type)
torch.cuda.synchronize()
torch.optim.AdamW(net.parameters()).step()
scaler = torch.cuda.amp.GradScaler(init_scale=2.0)
with torch.cuda.amp.autocast(enabled=True):
    mixed = torch.is_autocast_enabled() or scaler.is_enabled()
print(json.dumps({
    "mixed": mixed, "available": torch.cuda.is_available(), "count": torch.cuda.device_count(),
    "places": sorted(set(places)), "keys": sorted(torch.load(kept, map_location="cuda")),
    "copies": [copy is net.module for copy in copies], "pin": loader.pin_memory,
    "parallel": isinstance(net, torch.nn.DataParallel), "shape": list(out.shape),
    "dtype": str(torch.ones(1).to(torch.float64).dtype),
}))
"""


def test_the_shim_runs_cuda_calls_on_the_cpu() -> None:
    assert start(SHIM, HARNESS_CPU_SHIM="1", HARNESS_SEED="1") == {
        "mixed": False,
        "available": True,
        "count": 1,
        "places": ["cpu"],
        "keys": ["module.bias", "module.weight"],
        "copies": [True, True],
        "pin": False,
        "parallel": True,
        "shape": [1, 2],
        "dtype": "torch.float64",
    }


@pytest.mark.parametrize("value", ["", "0", "yes"])
def test_without_the_shim_cuda_is_what_it_is(value: str) -> None:
    code = "import torch; print(json.dumps(torch.cuda.is_available.__module__))"
    assert start(code, HARNESS_CPU_SHIM=value) == "torch.cuda"


def test_a_sitecustomize_of_the_programs_own_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.own_start = 1\n")
    code = "import sys, random; print(json.dumps([sys.own_start, random.random()]))"
    path = f"{SITE}{os.pathsep}{tmp_path}"
    assert start(code, path=path, HARNESS_SEED="1")[0] == 1
    assert start(code, path=path, HARNESS_SEED="1") == start(code, path=path, HARNESS_SEED="1")


def test_staged_packages_come_before_an_installed_harness(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_bytes((SITE / "sitecustomize.py").read_bytes())
    (tmp_path / "harness" / "losses").mkdir(parents=True)
    (tmp_path / "harness" / "losses" / "__init__.py").write_text("STAGED = True\n")
    code = (
        "import harness.losses; print(json.dumps([harness.losses.STAGED, list(harness.__path__)]))"
    )
    assert start(code, path=str(tmp_path)) == [True, [str(tmp_path / "harness")]]


def test_a_staged_hook_acts_after_our_own_action_on_the_module(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_bytes((SITE / "sitecustomize.py").read_bytes())
    (tmp_path / "staged_hooks").mkdir()
    (tmp_path / "staged_hooks" / "late.py").write_text(
        "def act(module):\n    module.drawn = module.random()\nACTIONS = {'random': act}\n"
    )
    code = "import random; first = random.drawn; random.seed(3)\n"
    code += "print(json.dumps([first, random.random()]))"
    first, second = start(code, path=str(tmp_path), HARNESS_SEED="3")
    assert first == second


def test_looking_for_a_module_without_importing_it_keeps_its_action() -> None:
    code = """
import importlib.util
assert importlib.util.find_spec("torch") and importlib.util.find_spec("numpy")
import torch
print(json.dumps(torch.initial_seed()))
"""
    assert start(code, HARNESS_SEED="11") == 11

"""A toy method for tests: three steps, no repository, values only."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import TypeAdapter

from harness.manifest.catalogue import Catalogue, Package
from harness.manifest.model import Losses, Method, RuntimeName
from harness.plan.bind import Digests
from harness.plan.make import Ask, make_plan
from harness.plan.plan import Plan

STEPS: list[dict[str, Any]] = [
    {
        "name": "data",
        "stage": 1,
        "about": "make data",
        "argv": ["python", "-m", "tool", "--out", "{out}/data.txt"],
        "outputs": {"data": {"path": "data.txt", "contract": {"kind": "file"}}},
    },
    {
        "name": "train",
        "stage": 2,
        "about": "train",
        "argv": [
            "python",
            "train.py",
            "{in.data}",
            "--lr",
            "{p.lr}",
            "--mode",
            "{o.mode}",
            "--out",
            "{out}/model.txt",
            {"when": {"losses": "isl"}, "args": ["--isl", "0.2"]},
            {"when": {"losses": "fsl"}, "args": ["--fsl", "1"]},
        ],
        "inputs": {"data": "steps.data.data"},
        "outputs": {"model": {"path": "model.txt", "contract": {"kind": "file"}}},
        "packages": ["losses"],
        "injects_losses": True,
        "stochastic": True,
    },
    {
        "name": "score",
        "stage": 9,
        "about": "score",
        "argv": ["python", "-m", "score", "{in.model}", "{out}/scores.json"],
        "inputs": {"model": "steps.train.model"},
        "outputs": {
            "scores": {"path": "scores.json", "contract": {"kind": "json", "keys": ["scores"]}}
        },
        "score": "final",
    },
]


def method(**changes: Any) -> Method:
    """The toy method, with top-level fields changed."""
    common = {
        "threads": {"paper": 1, "smoke": 1},
        "resources": {"paper": {"cpus": 1, "memory_gb": 1}},
    }
    fields: dict[str, Any] = {
        "method": "toy",
        "title": "Toy",
        "backbones": ["tiny"],
        "stacks": ["host"],
        "seeds": [1, 2, 3],
        "repositories": {},
        "options": {
            "mode": {
                "about": "how",
                "default": "fast",
                "choices": {"fast": {"about": "f"}, "slow": {"about": "s"}},
            }
        },
        "parameters": {"lr": {"paper": 0.1, "smoke": 1, "source": "ours"}},
        "steps": [common | step for step in STEPS],
    }
    return TypeAdapter(Method).validate_python(fields | changes)


def digests(**changes: Any) -> Digests:
    """Content addresses as plain words."""
    fields: dict[str, Any] = {
        "environment": "env",
        "assets": {},
        "sources": {},
        "pristine": {},
        "packages": {name: name for name in ("site", *get_args(Package))},
    }
    return Digests(**(fields | changes))


def ask(**changes: Any) -> Ask:
    """Two losses, one seed, the full scale."""
    fields: dict[str, Any] = {
        "methods": ("toy",),
        "losses": (Losses.NONE, Losses.ISL),
        "seed": (1,),
        "runtime": RuntimeName.PROCESS,
    }
    return Ask(**(fields | changes))


def plan(of: Method | None = None, *, with_digests: Digests | None = None, **changes: Any) -> Plan:
    """The toy's plan."""
    found = with_digests or digests()
    return make_plan([of or method()], CATALOGUE, ask(**changes), lambda _: found)


def keys_of(found: Plan, losses: Losses = Losses.NONE, seed: int = 1) -> Mapping[str, str]:
    """Step name -> key of one run."""
    return next(p.steps for p in found.runs if (p.run.losses, p.run.seed) == (losses, seed))


CATALOGUE = Catalogue(repositories={}, assets={}, stacks={})

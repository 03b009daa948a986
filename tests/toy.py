"""A toy method for tests: three steps, no repository, values only."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import TypeAdapter

from harness.manifest.catalogue import Catalogue, Package
from harness.manifest.model import Losses, Method, Scale
from harness.plan.bind import Facts
from harness.plan.make import Request, make_plan
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


def facts(**changes: Any) -> Facts:
    """Content addresses as plain words."""
    fields: dict[str, Any] = {
        "environment": "env",
        "assets": {},
        "sources": {},
        "pristine": {},
        "packages": {name: name for name in ("site", *get_args(Package))},
    }
    return Facts(**(fields | changes))


def request(**changes: Any) -> Request:
    """Two losses, one seed, paper scale."""
    fields: dict[str, Any] = {
        "method": "toy",
        "backbones": ("tiny",),
        "losses": (Losses.NONE, Losses.ISL),
        "seeds": (1,),
        "scale": Scale.PAPER,
        "stack": "host",
        "runtime": "process",
    }
    return Request(**(fields | changes))


def plan(of: Method | None = None, *, with_facts: Facts | None = None, **changes: Any) -> Plan:
    """The toy's plan."""
    return make_plan(of or method(), CATALOGUE, request(**changes), with_facts or facts())


def keys_of(found: Plan, losses: Losses = Losses.NONE, seed: int = 1) -> Mapping[str, str]:
    """Step name -> key of one run."""
    return next(p.steps for p in found.runs if (p.run.losses, p.run.seed) == (losses, seed))


CATALOGUE = Catalogue(repositories={}, assets={}, stacks={})

"""A project as one document, written to a folder and planned by the real command: what keys hold.

`DOCUMENT` uses every kind of field that a manifest has. `Edit` says where it is changed and which
steps' keys must follow; the steps that read from those follow by `READS`.
"""

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.commands.context import Context
from harness.commands.plan import plan
from harness.layout import CacheLayout, ProjectLayout, RunLayout
from harness.manifest.model import Losses, RuntimeName, Scale
from harness.plan.make import Ask

Change = tuple[str, Any]  # a place like `method.steps.1.argv`, and the value there; None removes it
NAMES = ("data", "train", "maps", "refine", "score")
#: Step -> the steps it reads from, at either scale.
READS: Mapping[str, tuple[str, ...]] = {
    "make-photos": (),
    "data": ("make-photos",),
    "train": ("data",),
    "maps": ("train", "data"),
    "refine": ("maps",),
    "score": ("refine",),
}

_COUNTS = {"paper": 2, "smoke": 1}
_COMMON = {"threads": _COUNTS, "resources": {"paper": {"cpus": 1}, "smoke": {}}}
_FILE = {"kind": "file"}
_LOCK = "numpy==1.0 \\\n    --hash=sha256:{}\n"


def _repository(letter: str) -> dict[str, Any]:
    return {
        "url": f"https://example.org/{letter}",
        "commit": letter * 40,
        "tree": letter * 40,
        "date": "2020-01-01",
        "licence": "MIT",
        "sparse": ["/src"],
        "paper_only": ["src/x"],
        "stages": {"toy": "1"},
    }


def _asset(letter: str) -> dict[str, Any]:
    return {
        "title": letter,
        "urls": [f"https://example.org/{letter}.bin"],
        "sha256": letter * 64,
        "size_gb": 1,
        "contract": _FILE,
    }


_WRITTEN: Mapping[str, Any] = {
    "repositories": {"up": _repository("a"), "other": _repository("b")},
    "assets": {
        "photos": _asset("a")
        | {
            "smoke": {
                "argv": ["python", "-m", "draw", "{out}/photos"],
                "inputs": {"lists": "repos.other/lists"},
                "packages": ["glue"],
                "path": "photos",
                "contract": _FILE,
            }
        },
        "weights": _asset("b"),
        "anchor": _asset("c"),
    },
    "stacks": {
        "s1": {"title": "one", "python": "3.11", "torch": "2", "cuda": "11.7", "base": "debian:1",
               "archs": ["sm_70"], "ptx": "compute_70", "driver": {"minimum": "450", "source": "x"}},
        "s2": {"title": "two", "python": "3.12", "torch": "3", "cuda": None, "base": "debian:2"},
    },
    "method": {
        "method": "toy",
        "title": "Toy",
        "backbones": ["tiny", "large"],
        "stacks": ["s1", "s2"],
        "seeds": [1, 2],
        "fixed_seed": 7,
        "repositories": {"up": ["first", "second"], "other": []},
        "seed_option": "reach",
        "losses_option": "lossy",
        "options": {
            "reach": {"about": "r", "default": "one", "choices": {
                "one": {"about": "x", "fields": {"steps": "train"}},
                "both": {"about": "x", "fields": {"steps": "train,refine"}},
                "none": {"about": "x", "fields": {"steps": "refine"}}}},
            "lossy": {"about": "l", "default": "train", "choices": {
                "train": {"about": "x", "fields": {"steps": "train"}},
                "refine": {"about": "x", "fields": {"steps": "refine"}}}},
            "mode": {"about": "m", "default": "fast", "choices": {
                "fast": {"about": "x", "fields": {"flag": "-f", "gpus": "1"}},
                "slow": {"about": "x", "fields": {"flag": "-s", "gpus": "2"}}}},
        },
        "parameters": {
            "lr": {"paper": 0.1, "smoke": 1, "source": "ours"},
            "tag": {"paper": "a", "smoke": "b", "source": "ours"},
        },
        "steps": [
            _COMMON | {
                "name": "data", "stage": 1, "about": "d", "packages": ["glue"],
                "argv": ["python", "-m", "data", "{in.photos}", "{out}/data"],
                "inputs": {"photos": "assets.photos", "lists": "repos.other/lists"},
                "outputs": {"data": {"path": "data", "contract": {"kind": "folder"}}},
            },
            _COMMON | {
                "name": "train", "stage": 2, "about": "t", "repo": "up", "cwd": "src",
                "argv": ["python", "train.py", "{in.data}", "--lr", "{p.lr}", "{o.mode.flag}",
                         "{seed}", "{workers}",
                         {"when": {"losses": "isl"}, "args": ["--isl", "0.2"]}],
                "env": {"TAG": "{p.tag}"},
                "losses_env": {"LOSSY": "1"},
                "links": {"here": "{in.data}"},
                "folders": ["tmp"],
                "out_folders": ["models"],
                "inputs": {"data": "steps.data.data", "start": "assets.weights"},
                "inputs_when": {"start": {"mode": "fast"}},
                "outputs": {"model": {"path": "model", "contract": _FILE}},
                "packages": ["losses"],
                "injects_losses": True, "stochastic": True, "workers": _COUNTS,
                "gpus": "{o.mode.gpus}", "progress": "(?P<at>x)",
            },
            _COMMON | {
                "name": "maps", "stage": 5, "about": "m", "repo": "up",
                "argv": ["python", "maps.py"],
                "inputs": {"model": "steps.train.model", "lists": "steps.data.data/lists"},
                "outputs": {"maps": {
                    "path": "maps", "retain": "consumers", "disk_gb": 1,
                    "contract": {"kind": "png-labels", "ids": "{in.lists}/ids.txt"}}},
                "shards": {"by": "{in.lists}/ids.txt", "max": 2},
            },
            _COMMON | {
                "name": "refine", "stage": 6, "about": "r", "argv": ["python", "refine.py"],
                "inputs": {"maps": "steps.maps.maps"}, "stochastic": True,
                "outputs": {"refined": {"path": "refined", "contract": _FILE}},
            },
        ],
        "uses": [{"shared_steps": "marks", "given": {"maps": "steps.refine.refined"}}],
        "anchors": {"start": {
            "about": "a", "asset": "anchor", "replaces": "train.model", "backbone": "tiny",
            "options": {"mode": "fast"},
            "expect": [{"score": "final", "metric": "J", "value": 50, "tolerance": 1,
                        "source": "x"}]}},
    },
    "shared": {
        "shared_steps": "marks",
        "about": "marks",
        "given": {"maps": "what is scored"},
        "options": {"metric": {"about": "m", "default": "J", "choices": {
            "J": {"about": "x"}, "F": {"about": "x"}}}},
        "parameters": {"border": {"paper": 1, "smoke": 2, "source": "ours"}},
        "repositories": {"other": []},
        "steps": [
            _COMMON | {
                "name": "score", "stage": 9, "about": "s",
                "argv": ["python", "-m", "score", "{in.maps}", "{o.metric}", "{p.border}"],
                "inputs": {"maps": "given.maps"},
                "outputs": {"scores": {"path": "scores.json",
                                       "contract": {"kind": "json", "keys": ["scores"]}}},
                "packages": ["metrics"], "score": "final",
            },
        ],
    },
    "patches": {"first": "one", "second": "two", "third": "three"},
    "comment": "",
    "dockerfile": "FROM x\n",
    "locks": {"s1": _LOCK.format("a" * 64), "s2": _LOCK.format("b" * 64)},
    "build_lock": _LOCK.format("c" * 64),
    "bases": {"debian:1": "sha256:" + "a" * 64, "debian:2": "sha256:" + "b" * 64},
    "trust": {},
    "packages": {name: name for name in
                 ("site", "losses", "metrics", "glue", "mxnet", "chainercv", "torchnet",
                  "tensorboard", "mmcv", "mmseg", "measure")},
    "ask": {"seed": [1], "losses": "isl", "backbone": "tiny", "stack": "s1", "options": {},
            "anchor": None, "runtime": "docker"},
}  # fmt: skip
DOCUMENT: Mapping[str, Any] = json.loads(json.dumps(_WRITTEN))  # nothing in it is shared


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Changes to the document, and the steps that they reach first, at each scale."""

    changes: tuple[Change, ...]
    paper: frozenset[str] = frozenset()
    smoke: frozenset[str] = frozenset()
    under: tuple[Change, ...] = ()  # what is changed before and after alike
    renamed: Mapping[str, str] = field(default_factory=dict)  # old name of a step -> new one

    def reaches(self, scale: Scale) -> frozenset[str]:
        """Every step whose key must change."""
        return downstream(self.paper if scale is Scale.PAPER else self.smoke)


class EditedContext(Context):
    """A context whose container-side packages are of other content."""

    hashes: Mapping[str, str]

    @property
    def packages(self) -> Mapping[str, str]:
        """Hashes of the container-side packages."""
        return self.hashes


def downstream(steps: Iterable[str]) -> frozenset[str]:
    """The steps, and all that read from them."""
    reached = set(steps)
    for name, parents in READS.items():  # parents come first
        if reached & set(parents):
            reached.add(name)
    return frozenset(reached)


def edited(*changes: Change, document: Mapping[str, Any] = DOCUMENT) -> dict[str, Any]:
    """A copy of the document with changes."""
    changed: dict[str, Any] = copy.deepcopy(dict(document))
    for place, value in changes:
        *parents, last = [int(key) if key.isdigit() else key for key in place.split("/")]
        inner: Any = changed
        for key in parents:
            inner = inner[key]
        if value is None:
            del inner[last]
        elif last == len(inner):
            inner.append(copy.deepcopy(value))
        else:
            inner[last] = copy.deepcopy(value)
    return changed


def keys_in(root: Path, document: Mapping[str, Any], scale: Scale) -> dict[str, str]:
    """The key of every step of the one run, by name."""
    project = ProjectLayout(root)
    _write(project, document)
    context = EditedContext(
        project=project, layout=RunLayout(root / "runs"), cache=CacheLayout(root / "cache")
    )
    object.__setattr__(context, "hashes", document["packages"])
    asked = document["ask"]
    ask = Ask(
        methods=(document["method"]["method"],),
        backbone=asked["backbone"],
        losses=(Losses(asked["losses"]),),
        seed=tuple(asked["seed"]),
        scale=scale,
        stack=asked.get("stack"),
        runtime=RuntimeName(asked["runtime"]),
        options=asked["options"],
        anchor=asked["anchor"],
        with_test=True,
    )
    return dict(plan(context, ask).runs[0].steps)


def _write(project: ProjectLayout, document: Mapping[str, Any]) -> None:
    method, shared = document["method"], document["shared"]
    for path, section in (
        (project.repositories, {"repositories": document["repositories"]}),
        (project.embedded, {"repositories": {}}),
        (project.assets, {"assets": document["assets"]}),
        (project.stacks, {"stacks": document["stacks"]}),
        (project.method(method["method"]), method),
        (project.shared_steps(shared["shared_steps"]), shared),
        (project.lock, {"bases": document["bases"]}),
    ):
        _put(path, document["comment"] + json.dumps(section))
    for name, text in document["patches"].items():
        for repository in document["repositories"]:
            _put(project.patch(repository, name), text)
    _put(project.common_dockerfile, document["dockerfile"])
    for stack, lock in document["locks"].items():
        folder = project.dockerfile(method["method"]).parent
        _put(folder / f"{stack}.lock", lock)
        _put(folder / f"{stack}.build.lock", document["build_lock"])
    trusted = {name: {"seen": {}, **entry} for name, entry in document["trust"].items()}
    _put(project.root / "runs" / "trust.json", json.dumps({"schema": 1, "assets": trusted}))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

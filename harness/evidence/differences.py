"""What differs between two records or two runs, the most likely causes of other results first.

The order is that of `Kind`; it covers every cause that Sec. S.3 of the paper lists.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from harness.evidence.evidence import RunEvidence, StepEvidence
from harness.evidence.facts import OPEN, Facts, run_facts, step_facts

Pair = tuple[float, float]  # J and F, in percent


class Kind(Enum):
    """Kinds of causes, the most likely first; and the beginnings of their facts' names."""

    SOURCE = "source or patch", ("source.", "code.", "tree.", "missing.")
    PARAMETER = (
        "option, parameter or seed",
        (("run.", "option.", "steps.", "argument.", "variable.", "seed")),
    )
    DATA = "data or weights", ("data.",)
    TORCH = "torch, CUDA or cuDNN", ("run.stack", "torch.")
    GPU_COUNT = "number of GPUs", ("gpu.count", "gpu.asked")
    GPU = "GPU architecture", ("gpu.name", "gpu.capability", "gpu.memory_gb")
    DETERMINISM = (
        "threads, TF32 or determinism flags",
        (
            "variable.HARNESS_TF32",
            "variable.CUBLAS_WORKSPACE_CONFIG",
            "variable.ATEN_",
            "variable.ONEDNN_",
            "variable.MKL_",
            "variable.OPENBLAS_",
            "variable.OMP_",
            "argument.--workers",
            "argument.--num_workers",
            "threads",
            "workers",
            "determinism.",
            "cpu_shim",
        ),
    )
    PACKAGES = (
        "Python, package versions or wheels",
        ("python", "package.", "packages", "library.", "wheel.", "lock"),
    )
    INSTALLER = "package manager", ("installer",)
    CONTAINER = (
        "container, operating system or libc",
        ("run.runtime", "container.", "os", "libc", "environment"),
    )
    CPU = "CPU", ("cpu.",)
    DRIVER = "driver", ("gpu.driver",)
    REST = "rest", ("",)

    @property
    def title(self) -> str:
        """For people."""
        title: str = self.value[0]
        return title

    @property
    def rank(self) -> int:
        """0 for the most likely."""
        return list(Kind).index(self)


#: The longest beginning of a name decides.
_PREFIXES = sorted(
    ((prefix, kind) for kind in Kind for prefix in kind.value[1]), key=lambda one: -len(one[0])
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One fact in which two records differ; None where one has no such fact."""

    fact: str
    kind: Kind
    left: Any
    right: Any
    steps: tuple[str, ...] = ()  # where it differs; none for what was asked of the whole run
    explains: bool = True  # whether it is in force up to the first step whose outputs differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs, or two steps, side by side."""

    left: str
    right: str
    differences: tuple[Difference, ...]  # ranked
    diverging: str | None  # the first step whose outputs differ
    scores: Mapping[str, tuple[Pair | None, Pair | None]] = field(default_factory=dict)
    equal_scores: bool | None = None  # None: there are none to compare
    unrecorded: tuple[str, ...] = ()  # steps that could not be compared


def compare_steps(left: StepEvidence, right: StepEvidence) -> Comparison:
    """Compare two steps with records."""
    same = _outputs(left.record) == _outputs(right.record)
    found = _step_differences(left.record, right.record)
    return Comparison(
        left=left.name,
        right=right.name,
        differences=_ranked([Difference(**one) for one in found]),
        diverging=None if same else left.name,
    )


def compare_runs(left: RunEvidence, right: RunEvidence) -> Comparison:
    """Compare two runs step by step."""
    both = [name for name in left.steps if name in right.steps]
    pairs = [(name, left.steps[name].record, right.steps[name].record) for name in both]
    recorded = [(name, one, other) for name, one, other in pairs if one and other]
    diverging = next((n for n, one, other in recorded if _outputs(one) != _outputs(other)), None)
    names = [name for name, _, _ in recorded]
    before = names[: names.index(diverging) + 1] if diverging else names
    found = [*_asked(left, right), *_of_steps(recorded, set(before))]
    scores = _scores(left, right)
    return Comparison(
        left=left.id,
        right=right.id,
        differences=_ranked(found),
        diverging=diverging,
        scores=scores,
        equal_scores=all(one == other for one, other in scores.values()) if scores else None,
        unrecorded=tuple(name for name in both if name not in names),
    )


def differing_facts(left: Facts, right: Facts) -> Iterator[tuple[str, Any, Any]]:
    """The facts in which two records differ: (name, left, right).

    What only one of them says counts in the groups of `OPEN` alone. Other wheels count where
    nothing else makes them others.
    """
    for name in dict.fromkeys((*left, *right)):
        one, other = left.get(name), right.get(name)
        if one == other or _follows(name, left, right):
            continue
        if name.startswith(OPEN) or (name in left and name in right):
            yield name, one, other


def _follows(name: str, left: Facts, right: Facts) -> bool:
    """Whether it is the wheel of a package of another version, for another Python or machine."""
    return name.startswith("wheel.") and _wanted_wheel(name, left) != _wanted_wheel(name, right)


def _wanted_wheel(name: str, facts: Facts) -> tuple[Any, ...]:
    python = ".".join(facts.get("python", "").split(".")[:2])
    return facts.get(f"package.{name.removeprefix('wheel.')}"), python, facts.get("cpu.machine")


def kind_of(fact: str, *, draws_data: bool = False) -> Kind:
    """The kind of a fact; what a step that makes data is told is about data."""
    kind = next(kind for prefix, kind in _PREFIXES if fact.startswith(prefix))
    told = kind in {Kind.SOURCE, Kind.PARAMETER} and not fact.startswith(("run.", "option."))
    return Kind.DATA if draws_data and told else kind


def _asked(left: RunEvidence, right: RunEvidence) -> Iterator[Difference]:
    facts = run_facts(left.record), run_facts(right.record)
    for name, one, other in differing_facts(*facts):
        yield Difference(fact=name, kind=kind_of(name), left=one, right=other)
    for name in left.steps.keys() ^ right.steps.keys():
        there = ("there", None) if name in left.steps else (None, "there")
        yield Difference(
            fact=f"steps.{name}", kind=Kind.PARAMETER, left=there[0], right=there[1], steps=(name,)
        )


def _of_steps(
    pairs: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]], before: set[str]
) -> Iterator[Difference]:
    """The differences of all steps; what differs alike in several steps comes once."""
    joined: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for name, left, right in pairs:
        for one in _step_differences(left, right):
            alike = repr(one)
            joined.setdefault(alike, (one, []))[1].append(name)
    for one, steps in joined.values():
        explains = any(step in before for step in steps)
        yield Difference(**one, steps=tuple(steps), explains=explains)


def _step_differences(
    left: Mapping[str, Any] | None, right: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    if left is None or right is None:
        return []
    draws = _draws_data(left) and _draws_data(right)
    return [
        {"fact": name, "kind": kind_of(name, draws_data=draws), "left": one, "right": other}
        for name, one, other in differing_facts(step_facts(left), step_facts(right))
    ]


def _draws_data(record: Mapping[str, Any]) -> bool:
    """Whether the step makes data: a tool of harness in stage 1."""
    identity = record["identity"]
    return identity["stage"] == 1 and not identity["key_inputs"].get("source")


def _ranked(differences: list[Difference]) -> tuple[Difference, ...]:
    """By kind; then what may explain the first other outputs; then what was asked for."""
    return tuple(
        sorted(differences, key=lambda one: (one.kind.rank, not one.explains, bool(one.steps)))
    )


def _outputs(record: Mapping[str, Any] | None) -> Mapping[str, str]:
    outputs = record["outputs"] if record else {}
    return {name: one["sha256"] for name, one in outputs.items()}


def _scores(left: RunEvidence, right: RunEvidence) -> dict[str, tuple[Pair | None, Pair | None]]:
    """J and F of both by label, in percent; None where a run has none."""
    labels = dict.fromkeys((*left.scores, *right.scores))
    return {label: (_pair(left, label), _pair(right, label)) for label in labels}


def _pair(run: RunEvidence, label: str) -> Pair | None:
    scores = run.scores.get(label)
    return None if scores is None else (scores.J, scores.F)

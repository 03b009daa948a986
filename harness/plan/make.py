"""From manifests and what is asked for to a plan: pure, no clock, no disk, no network."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.manifest.catalogue import Catalogue
from harness.manifest.model import Losses, Method, RuntimeName, Scale
from harness.names import choose
from harness.plan.bind import Binder, Digests
from harness.plan.plan import BoundStep, Plan, PlannedRun, Rehearsal, Run

_SEEDS = 5
#: On a CPU one picture may take half an hour: the largest and the smallest must do.
_REHEARSALS = {
    Scale.REHEARSAL: Rehearsal(images=8, iterations=10),
    Scale.REHEARSAL_CPU: Rehearsal(images=2, iterations=2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one command asks for; None leaves a choice to each method's manifest."""

    methods: tuple[str, ...] = ()
    backbone: str | None = None
    losses: tuple[Losses, ...] = tuple(Losses)
    seeds: int | None = None  # how many of the manifest's seeds
    seed: tuple[int, ...] = ()  # these seeds instead
    scale: Scale = Scale.PAPER
    stack: str | None = None
    usual_stack: str | None = None  # for methods that have it, where `stack` is None
    runtime: RuntimeName = RuntimeName.DOCKER
    options: Mapping[str, str] = field(default_factory=dict)
    until: tuple[str, ...] = ()  # names of steps, labels of scores; empty: everything
    with_test: bool = False
    anchor: str | None = None
    images: int | None = None  # of a rehearsal; None: as many as its scale has by default
    iterations: int | None = None


def make_plan(
    methods: Sequence[Method],
    catalogue: Catalogue,
    ask: Ask,
    digests_of: Callable[[Method], Digests],
) -> Plan:
    """Bind every run that `ask` asks of the methods; equal keys are one step.

    `digests_of` gives the content addresses that a pure planner cannot find out by itself.
    Raises UsageError for what the methods do not have.
    """
    options = _options_meant(methods, ask)
    runs: list[PlannedRun] = []
    steps: dict[str, BoundStep] = {}
    for method in methods:
        digests = digests_of(method)
        for run in _runs(method, ask, options):
            binder = Binder(method, catalogue, digests, run, with_test=ask.with_test)
            bound = binder.bind(ask.until)
            named = {name: step.key for name, step in bound.items()}
            runs.append(PlannedRun(run=run, steps=named))
            steps |= {step.key: step for step in bound.values()}
    return Plan(runs=tuple(runs), steps=steps)


def stack_of(method: Method, ask: Ask) -> str:
    """The stack asked for, else the usual one if the method has it, else its first.

    Raises UsageError.
    """
    if ask.stack is None:
        return ask.usual_stack if ask.usual_stack in method.stacks else method.stacks[0]
    unknown = f"{method.method} does not run on stack {ask.stack!r}"
    return choose(ask.stack, method.stacks, unknown, listed="its stacks")


def _runs(method: Method, ask: Ask, asked: Mapping[str, str]) -> Iterator[Run]:
    options = _choices(method, asked)
    for backbone in _backbones(method, ask):
        for seed in _seeds(method, ask):
            for losses in dict.fromkeys(ask.losses):
                yield Run(
                    method=method.method,
                    backbone=backbone,
                    losses=losses,
                    seed=seed,
                    scale=ask.scale,
                    stack=stack_of(method, ask),
                    runtime=ask.runtime,
                    options=options,
                    anchor=ask.anchor,
                    rehearsal=_rehearsal(ask),
                )


def _rehearsal(ask: Ask) -> Rehearsal | None:
    """How much a rehearsal does. Raises UsageError where the scale is another."""
    if ask.scale not in _REHEARSALS:
        if ask.images is None and ask.iterations is None:
            return None
        raise UsageError(
            f"--images and --iterations at scale {ask.scale}: only a rehearsal has them",
            hint="use `harness rehearse`",
        )
    usual = _REHEARSALS[ask.scale]
    return Rehearsal(
        images=usual.images if ask.images is None else ask.images,
        iterations=usual.iterations if ask.iterations is None else ask.iterations,
    )


def _backbones(method: Method, ask: Ask) -> tuple[str, ...]:
    if ask.backbone is None:
        return method.backbones
    unknown = f"{method.method} has no backbone {ask.backbone!r}"
    return (choose(ask.backbone, method.backbones, unknown, listed="its backbones"),)


def _seeds(method: Method, ask: Ask) -> tuple[int, ...]:
    if ask.seed:
        return tuple(dict.fromkeys(ask.seed))
    count = _SEEDS if ask.seeds is None else ask.seeds
    if not 1 <= count <= len(method.seeds):
        raise UsageError(
            f"--seeds {count}: {method.method} lists {len(method.seeds)} seeds",
            hint=f"ask for 1 to {len(method.seeds)}, or name them with --seed A,B",
        )
    return method.seeds[:count]


def _options_meant(methods: Sequence[Method], ask: Ask) -> dict[str, str]:
    """The choices asked for by the options' whole names: one of the methods must have each."""
    known = sorted({option for method in methods for option in method.options})
    whose = " and ".join(method.method for method in methods)
    return {
        choose(name, known, f"{whose}: no option {name!r}", listed="options"): choice
        for name, choice in ask.options.items()
    }


def _choices(method: Method, asked: Mapping[str, str]) -> dict[str, str]:
    """The choice of each option of the method: the one asked for, or the default."""
    return {
        name: _choice(name, asked[name], option.choices) if name in asked else option.default
        for name, option in method.options.items()
    }


def _choice(name: str, word: str, choices: Iterable[str]) -> str:
    return choose(word, choices, f"option {name}={word}: no such choice", listed="choices")

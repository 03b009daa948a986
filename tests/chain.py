"""A method's chain bound once, with content addresses that are all the same: what do options reach?"""

import collections
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.manifest.load import load_catalogue, load_method
from harness.manifest.model import Losses, Method, Scale
from harness.plan.bind import Digests
from harness.plan.make import Ask, make_plan
from harness.plan.plan import BoundStep, Plan
from tests.golden import PROJECT

CATALOGUE = load_catalogue(PROJECT)
_SAME: Mapping[str, str] = collections.defaultdict(lambda: "same")
_DIGESTS = Digests(environment="same", assets=_SAME, sources=_SAME, pristine=_SAME, packages=_SAME)


@dataclass(frozen=True)
class Chain:
    """A method, of which backbone, with or without the test split."""

    name: str
    backbone: str | None = None  # None: all
    with_test: bool = False
    method: Method = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", load_method(PROJECT, self.name, CATALOGUE))

    def plan(
        self, losses: Losses = Losses.BOTH, scale: Scale = Scale.PAPER, **options: str
    ) -> Plan:
        """The plan with seed 3."""
        ask = Ask(
            methods=(self.name,),
            backbone=self.backbone,
            losses=(losses,),
            seed=(3,),
            scale=scale,
            stack="cu117",
            options={name.replace("_", "-"): choice for name, choice in options.items()},
            with_test=self.with_test,
        )
        return make_plan([self.method], CATALOGUE, ask, lambda _: _DIGESTS)

    def __call__(
        self, losses: Losses = Losses.BOTH, scale: Scale = Scale.PAPER, **options: str
    ) -> Mapping[str, BoundStep]:
        """The bound steps of that plan, by name."""
        return {step.name: step for step in self.plan(losses, scale, **options).steps.values()}


def changed(left: Mapping[str, BoundStep], right: Mapping[str, BoundStep]) -> set[str]:
    """Names of the steps whose keys differ."""
    return {name for name, step in left.items() if step.key != right[name].key}

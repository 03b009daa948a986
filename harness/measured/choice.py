"""Which measurement tells most about a step of a plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.manifest.model import Scale
from harness.measured.measurement import Measurement
from harness.plan.plan import BoundStep, Run


@dataclass(frozen=True, slots=True)
class Shelf:
    """Measurements by the step that they are of, to choose from for one machine."""

    steps: Mapping[tuple[str, str, str], Sequence[Measurement]] = field(default_factory=dict)
    cards: frozenset[str] = frozenset()  # names of those at hand

    @classmethod
    def of(cls, measurements: Iterable[Measurement], cards: Iterable[str] = ()) -> "Shelf":
        """Sort measurements by method, step and stack."""
        steps: dict[tuple[str, str, str], list[Measurement]] = {}
        for one in measurements:
            steps.setdefault((one.method, one.step, one.stack), []).append(one)
        return cls(steps, frozenset(cards))

    def timed(self, step: BoundStep, run: Run) -> Measurement | None:
        """The one whose times and GPU memory count: of a rehearsal on a GPU machine."""
        return self._nearest(step, run, (Scale.REHEARSAL,))

    def written(self, step: BoundStep, run: Run) -> Measurement | None:
        """The one whose disk counts: a rehearsal on a CPU will do."""
        return self.timed(step, run) or self._nearest(step, run, (Scale.REHEARSAL_CPU,))

    def _nearest(self, step: BoundStep, run: Run, scales: Sequence[Scale]) -> Measurement | None:
        """On a card like one at hand if there is one, with like losses, the newest."""
        kept = self.steps.get((step.method, step.name, step.stack), ())
        known = [one for one in kept if one.scale in scales]

        def likeness(one: Measurement) -> tuple[bool, bool, bool, bool, str]:
            return (
                one.place.gpu in self.cards,
                one.backbone == run.backbone,
                one.losses is run.losses,
                one.options == run.options,
                one.ended,
            )

        return max(known, key=likeness, default=None)

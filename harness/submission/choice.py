"""Which of a method's runs is handed in: the one with the highest J on val, as the paper did.

Sec. S.2 of the supplement: the test set is scored once, with the best of five runs by val J.
"""

from collections.abc import Sequence

from harness.errors import NotReadyError
from harness.evidence.evidence import Evidence, RunEvidence

RUNS = 5
_LABEL = "final"


def best_run(evidence: Evidence, names: Sequence[str]) -> RunEvidence:
    """The run with the highest J of label `final`; of equal ones that with the lowest seed.

    Raises NotReadyError unless every run of `names` is finished and has that score.
    """
    there = {run.id: run for run in evidence.runs if run.done and _LABEL in run.scores}
    missing = [name for name in names if name not in there]
    if missing:
        lines = "\n".join(f"  - {name}: {_why(evidence, name)}" for name in missing)
        raise NotReadyError(
            f"{len(names) - len(missing)} of {len(names)} runs are finished; missing:\n{lines}",
            hint="finish them with `harness reproduce`; choosing among fewer is another choice",
        )
    return max((there[name] for name in names), key=lambda run: (run.scores[_LABEL].J, -run.seed))


def _why(evidence: Evidence, name: str) -> str:
    run = next((run for run in evidence.runs if run.id == name), None)
    if run is None:
        return "never ran"
    return f"no score {_LABEL}" if run.done else run.status

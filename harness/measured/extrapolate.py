"""From a rehearsal to paper scale: seconds, GPU memory and disk of one step.

What is assumed: an iteration takes as long as those timed, a picture as long as the rehearsal's on
average, whatever they show; what comes before and after is there once. Behind its iterations a
training evaluates pictures: that takes as long for each. A machine that is slower when it is hot
or shared, data that are read from a slower disk the first time: nothing of that is seen.
"""

from collections.abc import Mapping

from harness.measured.measurement import Measurement
from harness.plan.plan import BoundStep
from harness.plan.work import BoundWork, pictures_of

_HOUR = 3600.0
_GB = 2**30

#: Said wherever extrapolated hours are shown.
ASSUMPTION = "start and end once, each iteration or picture as long as the rehearsal's on average"


def paper_hours(measured: Measurement, work: BoundWork) -> float | None:
    """Hours at paper scale; None where no rate was measured or it is not known how much is to do.

    start + count x time of one + evaluations: `start` is what the rehearsal took besides.
    """
    rate = measured.rate
    if rate is None or rate.unit != work.unit:
        return None
    after = measured.after_seconds or 0.0
    once = max(0.0, measured.seconds - rate.seconds * rate.done - after)
    return (once + rate.seconds * work.count + _after(measured, after, work)) / _HOUR


def _after(measured: Measurement, seconds: float, work: BoundWork) -> float:
    """Seconds behind the iterations: once, or for each picture that is evaluated."""
    pictures = work.evaluations * work.evaluated
    if not pictures or not measured.evaluated:
        return seconds
    return seconds * pictures / measured.evaluated


def paper_disk_gb(measured: Measurement, step: BoundStep) -> Mapping[str, float]:
    """GB of outputs at paper scale: per picture where one has a file for each, else as it was.

    Files of pictures that were drawn, or that random weights made, say nothing: their outputs are
    left out.
    """
    found = {}
    for name, written in measured.outputs.items():
        if name not in step.outputs:
            continue
        pictures = pictures_of(step.outputs[name], step.work.pictures)
        if pictures and (measured.stand_ins or not written.files):
            continue
        found[name] = written.bytes / _GB * (pictures / written.files if pictures else 1.0)
    return found

"""The GPUs that a batch system gave to this job."""

from collections.abc import Mapping

from harness.errors import NotReadyError

_VARIABLE = "CUDA_VISIBLE_DEVICES"


def allocated(environ: Mapping[str, str], needed: int) -> tuple[str, ...]:
    """Every GPU of the job, as the batch system names them; no driver is asked.

    Raises NotReadyError if there are fewer than `needed`.
    """
    words = [word.strip() for word in environ.get(_VARIABLE, "").split(",")]
    found = tuple(word for word in words if word and word != "NoDevFiles")
    if len(found) < needed:
        raise NotReadyError(
            f"the allocation has {len(found)} GPU(s) ({_VARIABLE}={environ.get(_VARIABLE, '')!r}), "
            f"the step needs {needed}",
            hint="ask the batch system for as many GPUs as the step needs",
        )
    return found

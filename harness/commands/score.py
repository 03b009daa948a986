"""The verb `score`: the container-side metrics, with the host's errors."""

from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.names import choose

KINDS = ("png", "cam")


def score_folder(
    pred: Path,
    gt: Path,
    ids: Path,
    *,
    kind: str = "png",
    curve: bool = False,
    allow_void: bool = False,
) -> dict[str, Any]:
    """J, F and J&F of a folder of predictions, in percent, with a progress bar on a terminal.

    Raises:
        UsageError: something would make a number wrong; the text names the file.

    """
    from harness.console import progress_bar
    from harness.metrics.errors import ScoreError
    from harness.metrics.input_files import read_list
    from harness.metrics.score import score_folder as score

    kind = choose(kind, KINDS, f"--kind {kind}: unknown")
    try:
        with progress_bar("images") as advance:
            found = score(
                pred,
                gt,
                read_list(ids),
                kind=kind,
                curve=curve,
                allow_void=allow_void,
                progress=advance,
            )
    except (ScoreError, OSError) as error:
        raise UsageError(str(error), hint="no score is computed from the rest; fix the file") from (
            error
        )
    document: dict[str, Any] = found.as_dict()
    return document

"""The command that scores predictions."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import completers
from harness.cli.app import app
from harness.cli.parameters import Json


@app.command()
def score(
    *,
    pred: Annotated[Path, typer.Option(help="Folder of predictions, one file per id.")],
    gt: Annotated[Path, typer.Option(help="Folder of ground-truth PNGs.")],
    ids: Annotated[Path, typer.Option("--list", help="File of ids, one a line, or of paths.")],
    kind: Annotated[
        str,
        typer.Option(
            help="png, or cam (npy dicts).", autocompletion=completers.choices("png", "cam")
        ),
    ] = "png",
    curve: Annotated[bool, typer.Option("--curve", help="CAMs: 60 thresholds.")] = False,
    allow_void: Annotated[
        bool, typer.Option("--allow-void", help="Allow 255 in predictions: pixels without a class.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Score a folder of predictions: J (mIoU), F (contour) and J&F, in percent."""
    from harness import console
    from harness.commands.score import score_folder

    found = score_folder(pred, gt, ids, kind=kind, curve=curve, allow_void=allow_void)
    if as_json:
        classes = [{"name": name, **one} for name, one in found.pop("per_class").items()]
        console.show_json("score", {**found, "classes": classes})
        return
    scores = found["scores"]
    console.show_table(
        "scores", ("J", "F", "J&F"), [[f"{scores[m]:.2f}" for m in ("J", "F", "JF")]]
    )

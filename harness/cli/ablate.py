"""Commands of studies on a loss alone."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import ablate_app
from harness.cli.options import takes
from harness.cli.parameters import Json
from harness.errors import UsageError
from harness.names import choose

_ACTIVATIONS = ("sigmoid", "clamp")
_EVALUATIONS = ("full", "low")

if TYPE_CHECKING:
    from harness.commands.where import Where


@ablate_app.command("fsl")
@takes("project", "runs")
def ablate_fsl(
    *,
    voc: Annotated[Path | None, typer.Option(help="Your VOCdevkit/VOC2012.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Drawn pictures instead of VOC.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for figure, CSV and JSON; by default ablate/fsl in runs/."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Which image of each class is drawn.")] = 1,
    activation: Annotated[
        str,
        typer.Option(help="sigmoid, or clamp.", autocompletion=completers.choices(*_ACTIVATIONS)),
    ] = "sigmoid",
    rate: Annotated[float, typer.Option(help="Learning rate of Adam.")] = 0.1,
    steps: Annotated[int, typer.Option(min=1, help="Most optimisation steps.")] = 100,
    tolerance: Annotated[float, typer.Option(help="Stop rule; 0 runs every step.")] = 1e-5,
    evaluation: Annotated[
        str,
        typer.Option(
            help="full size, or low resolution.", autocompletion=completers.choices(*_EVALUATIONS)
        ),
    ] = "full",
    where: "Where",
    as_json: Json = False,
) -> None:
    """Repeat Fig. 7: what FSL alone does to a rough map, over mu and sigma."""
    from harness import console

    if (voc is None) != demo:
        raise UsageError("ablate fsl: pictures are not named", hint="give --voc DIR, or --demo")
    activation = choose(activation, _ACTIVATIONS, f"--activation {activation}: unknown")
    evaluation = choose(evaluation, _EVALUATIONS, f"--evaluation {evaluation}: unknown")
    from harness.ablate import Options, run
    from harness.commands.context import Context
    from harness.commands.places import folder_to_be, make_writable

    if out is None:
        out = Context.open(where, writes=True).layout.ablation("fsl")
    make_writable(folder_to_be(out, "--out"), "--out")

    chosen = Options(seed, activation, rate, steps, tolerance, evaluation)  # type: ignore[arg-type]
    with console.progress_bar("ablate fsl") as advance:
        found = run(out, voc=voc, options=chosen, progress=_ticker(advance))
    if as_json:
        console.show_json("ablate fsl", found.as_dict())
    else:
        console.out.print(found.text())
        console.out.print(f"figure, CSV and JSON: {out.resolve()}")


def _ticker(advance: Callable[[int, int], None]) -> Callable[[str, int, int], None]:
    """Move a bar; where stderr is no terminal, print a line for every tenth."""
    from harness import console

    def tick(text: str, done: int, total: int) -> None:
        advance(done, total)
        if not console.err.is_terminal and done * 10 // total > (done - 1) * 10 // total:
            console.err.print(f"{done} of {total}: {text}")

    return tick

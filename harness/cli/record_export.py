"""The command that hands finished runs over."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import record_app
from harness.cli.options import takes
from harness.cli.parameters import Json, folder

if TYPE_CHECKING:
    from harness.commands.where import Where


@record_app.command("export")
@takes("project", "runs")
def record_export(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Runs by name or its beginning, methods, or all.",
            autocompletion=completers.methods_or_runs,
        ),
    ],
    *,
    ro_crate: Annotated[
        Path, typer.Option(parser=folder, metavar="DIR|ZIP", help="Write the archive there.")
    ],
    licence: Annotated[
        str, typer.Option("--license", help="Licence of what is handed over, a URL or text.")
    ] = "https://spdx.org/licenses/MIT",
    where: "Where",
    as_json: Json = False,
) -> None:
    """Hand runs over as an RO-Crate: records, scores, samples, logs, and what they were made of."""
    from harness import console
    from harness.commands.context import Context
    from harness.commands.record_export import export_runs

    context = Context.open(where, inspects=True)
    made = export_runs(context, names, ro_crate, licence=licence)
    for line in made.evidence.damage:
        console.err.print(f"damaged: {line}")
    runs = [{"name": run.id} for run in made.evidence.runs]
    if as_json:
        written = {"archive": str(ro_crate), "runs": runs, "files": list(made.files)}
        console.show_json("record export", {**written, "damage": list(made.evidence.damage)})
        return
    console.out.print(f"{ro_crate}: {len(runs)} runs, {len(made.files)} files")

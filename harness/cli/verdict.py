"""The command that says whether the paper is reproduced."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import app
from harness.cli.options import takes
from harness.cli.parameters import Json

if TYPE_CHECKING:
    from harness.commands.where import Where

Rows = Annotated[
    list[str] | None,
    typer.Argument(
        help="Methods, or METHOD/BACKBONE; by default all.", autocompletion=completers.rows
    ),
]


@app.command()
@takes("project", "runs", "archive")
def verdict(
    methods: Rows = None,
    *,
    paper: Annotated[str, typer.Option(help="Whose published numbers.")] = "hfpl",
    expect: Annotated[
        str | None,
        typer.Option(
            help="Exit code 7 unless every row is so: reproduced, or consistent.",
            autocompletion=completers.choices("reproduced", "consistent"),
        ),
    ] = None,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Judge finished runs by the paper's numbers, from records alone."""
    from harness import console
    from harness.commands import verdict as verbs
    from harness.commands.context import Context
    from harness.errors import NotAsExpected

    expected = verbs.parse_expected(expect)
    found = verbs.verdict(Context.open(where, inspects=True), methods or (), paper)
    missed = verbs.unexpected(found, expected) if expected else []
    if as_json:
        console.show_json("verdict", {**verbs.document(found), "unexpected": missed})
        raise typer.Exit(NotAsExpected.exit_code if missed else 0)
    console.show_verdict(found)
    if missed:
        raise NotAsExpected(
            f"expected {expected}, but {'; '.join(missed)}",
            hint="the cells and claims above show why",
        )

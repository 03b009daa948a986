"""The command that lists methods and describes one."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completers
from harness.cli.app import app
from harness.cli.options import takes
from harness.cli.parameters import Json

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.commands.methods import About
    from harness.commands.where import Where

Method = Annotated[
    str | None,
    typer.Argument(
        help="Describe this one; by default list all.", autocompletion=completers.one_method
    ),
]


@app.command()
@takes("project", "runs")
def methods(method: Method = None, *, where: "Where", as_json: Json = False) -> None:
    """List the methods that can be run, or describe one: chain, options, anchors, hours, links."""
    from harness import console
    from harness.commands.context import Context
    from harness.commands.methods import about
    from harness.shapes.methods import method_document, method_rows

    context = Context.open(where)
    if method is None and as_json:
        console.show_json("methods", {"methods": method_rows(context)})
    elif method is None:
        _list(context)
    elif as_json:
        console.show_json("methods", method_document(about(context, method)))
    else:
        _describe(about(context, method))


def _list(context: "Context") -> None:
    from harness import console
    from harness.shapes.methods import method_rows

    cells = [
        (
            row["name"],
            row["title"],
            ", ".join(row["backbones"]),
            ", ".join(row["stacks"]),
            str(row["steps"]),
        )
        for row in method_rows(context)
    ]
    columns = ("method", "title", "backbones", "stacks", "steps")
    console.show_table("methods", columns, cells, prose=("title",))


def _describe(found: "About") -> None:
    from harness import console
    from harness.shapes import methods as shapes

    console.show_values(found.method.title, shapes.method_values(found), gap=True)
    prose = ("what it does",)
    optional = (*prose, "GPU")
    cells = shapes.chain_cells(found)
    console.show_table("chain", shapes.CHAIN_COLUMNS, cells, prose=prose, optional=optional)
    for name, option in found.method.options.items():
        title = f"--option {name}: {option.about}"
        console.show_values(title, shapes.option_values(option), gap=True)
    anchors = list(shapes.anchor_values(found))
    if anchors:
        title = f"anchors, for harness anchor {found.method.method} NAME"
        console.show_values(title, anchors, gap=True)
    console.show_table("repositories", shapes.LINK_COLUMNS, shapes.link_cells(found))
    console.show_values("", shapes.paper_values(found))

"""Commands about sources and assets: fetch them, verify them."""

from typing import TYPE_CHECKING

import typer

from harness.cli.app import app
from harness.cli.options import Json, Methods, ScaleText, parse_scale, takes

if TYPE_CHECKING:
    from harness.commands.context import Where


@app.command()
@takes("project", "runs", "mirror", "data")
def fetch(
    methods: Methods, *, scale: ScaleText = "paper", where: "Where", as_json: Json = False
) -> None:
    """Check out the sources and download the assets that methods need."""
    from harness import console
    from harness.commands.context import Context
    from harness.commands.fetch import fetch_methods

    rows = fetch_methods(Context.open(where), methods, parse_scale(scale), console.err.print)
    if as_json:
        console.show_json({"fetched": rows})
    else:
        pairs = [(row["kind"], row["name"], row["path"]) for row in rows]
        console.show_table("fetched", ("kind", "name", "path"), pairs)


@app.command()
@takes("project", "runs", "mirror")
def verify(*, where: "Where", as_json: Json = False) -> None:
    """Check that pins exist, patches apply exactly and checkouts are unchanged."""
    from harness import console, shapes
    from harness.commands.context import Context
    from harness.commands.fetch import verify as check
    from harness.errors import MismatchError

    findings = check(Context.open(where))
    bad = [finding for finding in findings if not finding.ok]
    if as_json:
        console.show_json({"ok": not bad, "findings": [shapes.finding_row(f) for f in findings]})
        raise typer.Exit(MismatchError.exit_code if bad else 0)
    rows = [(f.repository, f.what, "ok" if f.ok else "MISMATCH") for f in findings]
    console.show_table("verify", ("repository", "what", "state"), rows)
    if bad:
        first = bad[0]
        raise MismatchError(
            f"{len(bad)} of {len(findings)} checks failed; first {first.repository}: {first.what}: "
            f"expected {first.expected}, found {first.found}",
            hint="restore the file named (git checkout for patches and manifests; delete the "
            "cached checkout, then it is made again)",
        )

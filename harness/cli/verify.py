"""The command that verifies sources, and what executions wrote."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import app
from harness.cli.options import takes
from harness.cli.parameters import Json

if TYPE_CHECKING:
    from harness.commands.context import Context
    from harness.commands.where import Where


@app.command()
@takes("project", "runs", "mirror", "ca_bundle")
def verify(
    *,
    store: Annotated[
        bool, typer.Option("--store", help="Hash the outputs of all finished steps instead.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="With --store: move what is damaged to quarantine/.")
    ] = False,
    where: "Where",
    as_json: Json = False,
) -> None:
    """Check that pins exist, patches apply exactly and checkouts are unchanged."""
    from harness.commands.context import Context
    from harness.errors import UsageError

    if repair and not store:
        raise UsageError("--repair without --store", hint="harness verify --store --repair")
    context = Context.open(where, writes=repair, inspects=store)
    if store:
        _verify_store(context, repair=repair, as_json=as_json)
    else:
        _verify_sources(context, as_json=as_json)


def _verify_sources(context: "Context", *, as_json: bool) -> None:
    from harness import console
    from harness.commands.verify import verify_sources
    from harness.errors import MismatchError
    from harness.shapes.checks import finding_row

    findings = verify_sources(context)
    bad = [finding for finding in findings if not finding.ok]
    if as_json:
        console.show_json("verify", {"ok": not bad, "findings": [finding_row(f) for f in findings]})
        raise typer.Exit(MismatchError.exit_code if bad else 0)
    rows = [(f.repository, f.what, "ok" if f.ok else "MISMATCH") for f in findings]
    console.show_table("verify", ("repository", "what", "state"), rows, prose=("what",))
    if bad:
        first = bad[0]
        raise MismatchError(
            f"{len(bad)} of {len(findings)} checks failed; first {first.repository}: {first.what}: "
            f"expected {first.expected}, found {first.found}",
            hint="restore the file named (git checkout for patches and manifests; delete the "
            "cached checkout, then it is made again)",
        )


def _verify_store(context: "Context", *, repair: bool, as_json: bool) -> None:
    from harness import console
    from harness.commands.verify import verify_store
    from harness.errors import MismatchError
    from harness.shapes.checks import damage_row

    found = list(verify_store(context, repair=repair, notify=console.err.print))
    bad = [one for one in found if one.damage is not None]
    left = [one for one in bad if one.moved_to is None]
    if as_json:
        document = {"ok": not bad, "checked": len(found)}
        console.show_json("verify", {**document, "damaged": [damage_row(one) for one in bad]})
        raise typer.Exit(MismatchError.exit_code if left else 0)
    cells = [(one.kind, one.name, one.damage or "", str(one.moved_to or "")) for one in bad]
    title = f"{len(found)} checked, {len(bad)} damaged"
    if bad:
        console.show_table(title, ("kind", "name", "damage", "moved to"), cells, prose=("damage",))
    else:
        console.out.print(title)
    if left:
        raise MismatchError(
            f"{len(left)} of {len(found)} are damaged; first {left[0].kind} {left[0].name}: "
            f"{left[0].damage}",
            hint="harness verify --store --repair moves them aside; the next run makes them again",
        )

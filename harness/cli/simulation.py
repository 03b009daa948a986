"""What `plan --simulate` prints."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.commands.forecast import Forecast
    from harness.plan.needs import Todo
    from harness.plan.plan import Plan


def show_simulation(
    found: "Plan", todo: "Todo", ahead: "Forecast", fleets: str, *, as_json: bool
) -> None:
    """The critical path and the numbers of GPUs, as tables or as JSON. Raises UsageError."""
    from harness import console
    from harness.commands.simulate import parse_fleets, simulation
    from harness.shapes import simulation as shapes

    replayed = simulation(found, todo, ahead, parse_fleets(fleets))
    if as_json:
        console.show_json("plan", shapes.simulation_document(found, replayed))
        return
    if path := replayed.critical_path:
        title = f"critical path: {path.run}"
        console.show_table(title, shapes.PATH_COLUMNS, shapes.path_rows(path))
        rows = map(shapes.fleet_row, replayed.fleets)
        console.show_table("the plan on GPUs", shapes.FLEET_COLUMNS, rows)
    console.show_notes(shapes.simulation_notes(replayed))

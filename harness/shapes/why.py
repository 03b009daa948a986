"""How the answer to why a step stands as it does is shown."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.commands.inspect import State
from harness.commands.where import Where
from harness.commands.why import Why
from harness.console.units import duration
from harness.shapes.next import command, step_word

COLUMNS = ("key input", "finished", "planned")
_SHOWN_LINES = 6  # of a failed step's log


def why_document(found: Why) -> dict[str, Any]:
    """`why --json`."""
    time = found.record["time"] if found.record else {}
    return {
        "run": found.run.id,
        "step": found.step.name,
        "key": found.step.key,
        "state": found.step.state.value,
        "reason": found.failure and found.failure.reason,
        "log": found.log and str(found.log),
        "start": found.since.isoformat() if found.since else time.get("start"),
        "end": time.get("end"),
        "seconds": time.get("seconds"),
        "host": found.record and found.record["host"]["name"],
        "holder": found.holder,
        "waits_for": [step.name for step in found.waits_for],
        "nearest": found.nearest,
        "differences": [
            {"name": name, "finished": one, "planned": other}
            for name, one, other in found.differences
        ],
    }


def why_lines(found: Why, where: Where) -> list[str]:
    """What is said of the step; what differs of one to do is a table of its own."""
    match found.step.state:
        case State.DONE:
            return list(_done(found))
        case State.FAILED:
            return list(_failed(found, where))
        case State.RUNNING | State.LEFTOVER:
            return list(_running(found, where))
        case _:
            return list(_to_do(found, where))


def _done(found: Why) -> Iterator[str]:
    name = f"{found.step.name} is done"
    if found.record is None:
        yield f"{name}; its record cannot be read"
        return
    yield f"{name}: {_end(found.record)}, it took {_took(found.record)}"
    asked = found.record.get("asked", {}).get("run")
    if asked and asked != found.run.id:
        yield f"made for run {asked}, which shares it"
    yield f"key: {found.step.key[:12]}"
    if found.log:
        yield f"log: {found.log}"


def _failed(found: Why, where: Where) -> Iterator[str]:
    record = found.record
    when = f"{_end(record)}, after {_took(record)}" if record else "before it started"
    yield f"{found.step.name} failed {when}"
    if found.failure is not None:
        yield f"reason: {found.failure.reason}"
        yield from (f"    {line}" for line in found.failure.lines[-_SHOWN_LINES:])
        if found.differences:
            names = ", ".join(name for name, _, _ in found.differences)
            yield f"other than in the finished step {str(found.nearest)[:12]}: {names}"
        if found.failure.log:
            yield f"log: {found.failure.log}"
    yield f"next: {command(where, 'logs', step_word(found.run, found.step))}"


def _running(found: Why, where: Where) -> Iterator[str]:
    what = "runs" if found.step.state is State.RUNNING else "runs on in a container"
    since = f" since {_instant(found.since.isoformat())}" if found.since else ""
    holder = f", by {found.holder}" if found.holder else ", followed by nobody"
    yield f"{found.step.name} {what}{since}{holder}"
    if found.log:
        yield f"log: {found.log}"
        yield f"next: {command(where, 'logs', '-f', step_word(found.run, found.step))}"
    if found.step.state is State.LEFTOVER:
        yield "next: the command that started it follows it; `harness cancel` ends it"


def _to_do(found: Why, where: Where) -> Iterator[str]:
    yield f"{found.step.name} is to do"
    for step in found.waits_for:
        state = "failed" if step.state is State.FAILED else f"is {step.state}"
        yield f"it waits for {step.name}, which {state}"
        if step.state is State.FAILED:
            yield f"next: {command(where, 'why', step_word(found.run, step))}"
    if found.nearest is None:
        yield "no step of that name is finished"
    elif not found.differences:
        yield "it was finished under its key before, but an output it needs is gone"


def _end(record: Mapping[str, Any]) -> str:
    return f"{_instant(record['time']['end'])} on {record['host']['name']}"


def _took(record: Mapping[str, Any]) -> str:
    return duration(record["time"]["seconds"])


def _instant(text: str) -> str:
    """A moment in UTC, to the second."""
    return f"{text[:19].replace('T', ' ')} UTC"

"""Options that were not given: what variables and `harness.toml` set in their place."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import typer

from harness.commands.places import find_project
from harness.commands.settings import Setting, read_settings, variable

_TYPED = "COMMANDLINE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What variables and files set that was not typed."""

    origins: Mapping[str, str]  # who set an option, by its name
    places: Mapping[str, Any]  # fields of `Where` that are no options


def complete_options(
    context: typer.Context, given: dict[str, Any], shared: Collection[str]
) -> Defaults:
    """Fill in what was not given of the `shared` options.

    A stack that was not typed is a place: methods without it keep theirs.
    Raises UsageError if a file of settings cannot be read.
    """
    origins = {}
    settings = read_settings(find_project(given.get("project")))
    for name in shared:
        if _source(context, name) == "DEFAULT":
            found = settings.get(name.replace("_", "-"))
            if found is not None:
                given[name] = found.value
                origins[name] = _origin(found)
        elif _source(context, name) != _TYPED:
            origins[name] = variable(name)
    if given.get("archive") is not None and "runs" in origins:
        given["runs"] = None
    usual_stack = given.get("stack") if "stack" in origins else None
    if "stack" in origins:
        given["stack"] = None
    cache = settings["cache"].value if "cache" in settings else None
    return Defaults(origins=origins, places={"usual_stack": usual_stack, "cache": cache})


def _origin(found: Setting) -> str:
    return f"{found.origin}: {found.name} ="


def _source(context: typer.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    return source.name if source else _TYPED

"""Options that were not given: what variables and `harness.toml` set in their place."""

from collections.abc import Collection, Mapping
from typing import Any

import typer

from harness.commands.places import find_project
from harness.commands.settings import Setting, read_settings, variable

_TYPED = "COMMANDLINE"


def complete_options(
    context: typer.Context, given: dict[str, Any], shared: Collection[str]
) -> Mapping[str, str]:
    """Fill in what was not given of the `shared` options; returns who set what, by option.

    `given` then holds as `usual_stack` a stack that was not typed: methods without it keep theirs.
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
    given["usual_stack"] = given.get("stack") if "stack" in origins else None
    if "stack" in origins:
        given["stack"] = None
    given["cache"] = settings["cache"].value if "cache" in settings else None
    return origins


def _origin(found: Setting) -> str:
    return f"{found.origin}: {found.name} ="


def _source(context: typer.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    return source.name if source else _TYPED

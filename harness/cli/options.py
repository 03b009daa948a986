"""What the options of all commands are; a command gets them as one `Where` and one `Ask`."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli import completers
from harness.cli.asked import read_ask
from harness.cli.parameters import (
    Every,
    Gpus,
    Jobs,
    Notify,
    RuntimeText,
    ScaleText,
    StackName,
    folder,
)

#: Options for where a command works: annotation by name; all default to None.
_WHERE: Mapping[str, Any] = {
    "project": Annotated[
        Path | None, typer.Option(parser=folder, help="Project root.", envvar="HARNESS_PROJECT")
    ],
    "runs": Annotated[
        Path | None,
        typer.Option(
            parser=folder, help="Folder in place of the project's runs/.", envvar="HARNESS_RUNS"
        ),
    ],
    "archive": Annotated[
        Path | None,
        typer.Option("--from", parser=folder, help="Read the runs in this archive instead."),
    ],
    "mirror": Annotated[
        Path | None,
        typer.Option(
            parser=folder,
            help="Folder that `mirror create` made, or of bare repositories OWNER/NAME.git.",
            envvar="HARNESS_MIRROR",
        ),
    ],
    "data": Annotated[
        Path | None,
        typer.Option(
            parser=folder, help="Folder with your data sets and weights.", envvar="HARNESS_DATA"
        ),
    ],
    "ca_bundle": Annotated[
        Path | None, typer.Option(parser=folder, help="CA bundle for builds behind a proxy.")
    ],
    "wheelhouse": Annotated[
        Path | None, typer.Option(parser=folder, help="Folder of wheels for builds.")
    ],
    "base": Annotated[
        str | None, typer.Option(help="Build on this image instead (recorded by its id).")
    ],
}
#: Options for which runs are asked for: annotation and default by name.
_ASK: Mapping[str, tuple[Any, Any]] = {
    "backbone": (
        Annotated[
            str | None,
            typer.Option(
                help="One backbone; by default all of the method's.",
                autocompletion=completers.backbones,
            ),
        ],
        None,
    ),
    "losses": (
        Annotated[
            str,
            typer.Option(
                help="all, or a list of none,isl,fsl,isl+fsl.", autocompletion=completers.losses
            ),
        ],
        "all",
    ),
    "seeds": (
        Annotated[int | None, typer.Option(help="How many of the manifest's seeds; 5 by default.")],
        None,
    ),
    "seed": (Annotated[str | None, typer.Option(help="These seeds instead: A,B,...")], None),
    "scale": (ScaleText, None),
    "stack": (StackName, None),
    "runtime": (RuntimeText, "docker"),
    "option": (
        Annotated[
            list[str] | None,
            typer.Option(help="OPTION=CHOICE; repeatable.", autocompletion=completers.options),
        ],
        None,
    ),
    "until": (
        Annotated[
            str | None,
            typer.Option(
                help="Stop after this step or score (cam, pseudo, ...).",
                autocompletion=completers.until,
            ),
        ],
        None,
    ),
    "with_test": (
        Annotated[bool, typer.Option("--with-test", help="Predict the VOC test split too.")],
        False,
    ),
}
#: Options that variables and `harness.toml` may give.
_SHARED = (
    *(_WHERE[name] for name in ("runs", "data", "mirror", "ca_bundle", "wheelhouse")),
    *(RuntimeText, StackName, Gpus, Jobs, Notify, Every),
)
ASKED = tuple(_ASK)
ANYWHERE = tuple(name for name in _WHERE if name != "archive")

_CONTEXT = "typer_context"  # typer passes it to who has a parameter of this type
_GIVEN = "given"  # a command that asks for it gets that, to see what was typed

Command = Callable[..., None]


def takes(*where: str, ask: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Give a command these options; it gets them as `where`, and `ask` if there are any of these.

    >>> @app.command()
    ... @takes("project", "runs", ask=("backbone", "losses"))
    ... def plan(methods: Methods, *, where: Where, ask: Ask, as_json: Json = False): ...
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**given: Any) -> None:
            from harness.cli.defaults import complete_options
            from harness.cli.ready import naming_doctor
            from harness.commands.where import Where, naming_disks, reading_archive

            context = given.pop(_CONTEXT)
            defaults = complete_options(context, given, shared)
            typed = {name: value for name, value in given.items() if name not in defaults.origins}
            places = {**{name: given.pop(name) for name in where}, **defaults.places}
            found = Where(**places, options=frozenset(where), origins=defaults.origins)
            asked = {name: given.pop(name) for name in ask}
            if ask:
                given["ask"] = read_ask(**asked)
            if _GIVEN in inspect.signature(command).parameters:
                given[_GIVEN] = context
            with naming_disks(found), naming_doctor(typed), reading_archive(found) as place:
                command(**given, where=place)

        signature = _signature(command, where, ask)
        shared = [name for name, one in signature.parameters.items() if _is_shared(one)]
        run.__signature__ = signature  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
        return run

    return decorate


def _signature(command: Command, where: Sequence[str], ask: Sequence[str]) -> inspect.Signature:
    """The command's own parameters, with the options in place of `where` and `ask`."""
    own = inspect.signature(command, eval_str=False)
    kind = inspect.Parameter.KEYWORD_ONLY
    asked = [
        inspect.Parameter(name, kind, default=_ASK[name][1], annotation=_ASK[name][0])
        for name in ask
    ]
    places = [
        inspect.Parameter(name, kind, default=None, annotation=_WHERE[name]) for name in where
    ]
    first = [one for one in own.parameters.values() if one.kind is not kind]
    rest = [one for one in own.parameters.values() if one.kind is kind]
    rest = [one for one in rest if one.name not in {"where", "ask", _GIVEN}]
    shown = [one for one in rest if one.name != "as_json"]
    last = [one for one in rest if one.name == "as_json"]
    context = inspect.Parameter(_CONTEXT, kind, annotation=typer.Context)
    return inspect.Signature([*first, *asked, *shown, *places, *last, context])


def _is_shared(parameter: inspect.Parameter) -> bool:
    """Whether it is an option that settings may give: another of the same name may mean other."""
    return any(parameter.annotation is one for one in _SHARED)

"""What the options of all commands are; a command gets them as one `Where` and one `Ask`."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.plan.make import Ask

Methods = Annotated[list[str], typer.Argument(help="Methods by name, or all.")]
Runs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[METHOD|RUN]...", help="Runs by method or beginning; all by default."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]
Gpus = Annotated[
    str | None, typer.Option(help="Use only these GPUs: UUID|INDEX,... (indices as nvidia-smi's).")
]
Jobs = Annotated[int, typer.Option(min=1, help="Run this many steps at a time.")]
ScaleText = Annotated[
    str | None,
    typer.Option(
        "--scale",
        help="paper (demo for the demo), rehearsal, rehearsal-cpu or smoke; by default the first.",
    ),
]
StackName = Annotated[
    str | None, typer.Option("--stack", help="Software stack; by default the method's first.")
]
RuntimeText = Annotated[str, typer.Option("--runtime", help="docker, podman or process.")]


def folder(text: str) -> Path:
    """A path that was given; an empty one is refused, which would be the working directory."""
    if not text:
        raise typer.BadParameter("expected a path, found nothing")
    return Path(text)


#: Options for where a command works: annotation by name; all default to None.
_WHERE: Mapping[str, Any] = {
    "project": Annotated[
        Path | None, typer.Option(parser=folder, help="Project root.", envvar="HARNESS_PROJECT")
    ],
    "runs": Annotated[
        Path | None, typer.Option(parser=folder, help="Folder in place of the project's runs/.")
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
        Path | None, typer.Option(parser=folder, help="Folder with your data sets and weights.")
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
        Annotated[str | None, typer.Option(help="One backbone; by default all of the method's.")],
        None,
    ),
    "losses": (Annotated[str, typer.Option(help="all, or a list of none,isl,fsl,isl+fsl.")], "all"),
    "seeds": (
        Annotated[int | None, typer.Option(help="How many of the manifest's seeds; 5 by default.")],
        None,
    ),
    "seed": (Annotated[str | None, typer.Option(help="These seeds instead: A,B,...")], None),
    "scale": (ScaleText, None),
    "stack": (StackName, None),
    "runtime": (RuntimeText, "docker"),
    "option": (
        Annotated[list[str] | None, typer.Option(help="OPTION=CHOICE; repeatable.")],
        None,
    ),
    "until": (
        Annotated[
            str | None, typer.Option(help="Stop after this step or score (cam, pseudo, ...).")
        ],
        None,
    ),
    "with_test": (
        Annotated[bool, typer.Option("--with-test", help="Predict the VOC test split too.")],
        False,
    ),
}
ASKED = tuple(_ASK)
ANYWHERE = tuple(name for name in _WHERE if name != "archive")

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
            from harness.commands.context import Where, naming_disks, reading_archive

            places = {name: given.pop(name) for name in where}
            found = Where(**places, options=frozenset(where))
            asked = {name: given.pop(name) for name in ask}
            if ask:
                given["ask"] = read_ask(**asked)
            with naming_disks(found), reading_archive(found) as place:
                command(**given, where=place)

        signature = _signature(command, where, ask)
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
    rest = [one for one in rest if one.name not in {"where", "ask"}]
    shown = [one for one in rest if one.name != "as_json"]
    last = [one for one in rest if one.name == "as_json"]
    return inspect.Signature([*first, *asked, *shown, *places, *last])


def read_ask(
    *,
    losses: str = "all",
    seeds: int | None = None,
    seed: str | None = None,
    scale: str | None = None,
    runtime: str = "docker",
    option: Sequence[str] | None = None,
    until: str | None = None,
    **same: Any,
) -> "Ask":
    """What the user asks for, methods left out. Raises UsageError, naming the option."""
    from harness.plan.make import Ask

    if seeds is not None and seed is not None:
        raise UsageError("--seeds and --seed together", hint="give a count or the seeds, not both")
    return Ask(
        losses=parse_losses(losses),
        seeds=seeds,
        seed=_seed_list(seed),
        scale=parse_scale(scale),
        runtime=parse_runtime(runtime),
        options=dict(_pair(text) for text in option or ()),
        until=(until,) if until else (),
        **same,
    )


def parse_losses(text: str) -> tuple[Any, ...]:
    """Return the Losses of these names, separated by commas, or all."""
    from harness.manifest.model import Losses

    if text == "all":
        return tuple(Losses)
    return tuple(_member(Losses, name.strip(), "--losses") for name in text.split(","))


def parse_scale(text: str | None) -> Any:
    """Return the Scale of that name; None where none was named."""
    from harness.manifest.model import Scale

    return None if text is None else _member(Scale, text, "--scale")


def parse_runtime(text: str) -> Any:
    """Return the RuntimeName of that name."""
    from harness.manifest.model import RuntimeName

    return _member(RuntimeName, text, "--runtime")


def _member(kind: Any, text: str, option: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise UsageError(f"{option} {text}: unknown", hint=f"one of: {known}") from None


def _seed_list(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(",")) if text else ()
    except ValueError:
        raise UsageError(f"--seed {text}: not a list of numbers", hint="--seed 1,2") from None


def _pair(text: str) -> tuple[str, str]:
    name, sign, choice = text.partition("=")
    if not sign:
        raise UsageError(f"--option {text}: no '='", hint="--option NAME=CHOICE")
    return name, choice

"""What the options of all commands are; a command gets them as one `Where` and one `Ask`."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import completers
from harness.errors import UsageError
from harness.names import choose

if TYPE_CHECKING:
    from harness.plan.make import Ask

_ALL = "all"

Methods = Annotated[
    list[str], typer.Argument(help="Methods by name, or all.", autocompletion=completers.methods)
]
MethodName = Annotated[
    str, typer.Argument(help="A method by name.", autocompletion=completers.one_method)
]
Runs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[METHOD|RUN]...",
        help="Runs by method or beginning; all by default.",
        autocompletion=completers.methods_or_runs,
    ),
]
RunOrStep = Annotated[
    str, typer.Argument(metavar="RUN[/STEP]", autocompletion=completers.run_steps)
]
RunStep = Annotated[str, typer.Argument(metavar="RUN/STEP", autocompletion=completers.run_steps)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]
Gpus = Annotated[
    str | None,
    typer.Option(
        help="Use only these GPUs: UUID|INDEX,... (indices as nvidia-smi's).",
        envvar="HARNESS_GPUS",
    ),
]
Jobs = Annotated[
    int, typer.Option(min=1, help="Run this many steps at a time.", envvar="HARNESS_JOBS")
]
Notify = Annotated[
    str | None,
    typer.Option(
        metavar="URL|COMMAND",
        help="Post news of the execution there, or start this with the news on stdin.",
        envvar="HARNESS_NOTIFY",
    ),
]
Every = Annotated[
    float | None,
    typer.Option(
        metavar="HOURS",
        help="With --notify: also how far it is, every so many hours.",
        envvar="HARNESS_EVERY",
    ),
]
ScaleText = Annotated[
    str | None,
    typer.Option(
        "--scale",
        help="paper (demo for the demo), rehearsal, rehearsal-cpu or smoke; by default the first.",
        autocompletion=completers.scales,
    ),
]
StackName = Annotated[
    str | None,
    typer.Option(
        "--stack",
        help="Software stack; by default the method's first.",
        envvar="HARNESS_STACK",
        autocompletion=completers.stacks,
    ),
]
RuntimeText = Annotated[
    str,
    typer.Option(
        "--runtime",
        help="docker, podman or process.",
        autocompletion=completers.runtimes,
        envvar="HARNESS_RUNTIME",
    ),
]


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
_BESIDES = ("usual_stack", "cache")  # places that settings alone give

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
            from harness.commands.context import Where, naming_disks, reading_archive

            context = given.pop(_CONTEXT)
            origins = complete_options(context, given, shared)
            typed = {name: value for name, value in given.items() if name not in origins}
            places = {name: given.pop(name) for name in (*where, *_BESIDES)}
            found = Where(**places, options=frozenset(where), origins=origins)
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

    return tuple(
        dict.fromkeys(
            losses
            for word in text.split(",")
            for losses in (Losses if word.strip() == _ALL else [_one_loss(word.strip())])
        )
    )


def _one_loss(word: str) -> Any:
    """The Losses of that name, in whichever order its parts are: fsl+isl is isl+fsl."""
    from harness.manifest.model import Losses

    parts = sorted(word.split("+"))
    same = (one for one in Losses if sorted(one.value.split("+")) == parts)
    return next(same, None) or _member(Losses, word, "--losses")


def parse_scale(text: str | None) -> Any:
    """Return the Scale of that name; None where none was named."""
    from harness.manifest.model import Scale

    return None if text is None else _member(Scale, text, "--scale")


def parse_runtime(text: str) -> Any:
    """Return the RuntimeName of that name."""
    from harness.manifest.model import RuntimeName

    return _member(RuntimeName, text, "--runtime")


def _member(kind: Any, text: str, option: str) -> Any:
    return kind(choose(text, [member.value for member in kind], f"{option} {text}: unknown"))


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

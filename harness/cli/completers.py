"""What can be completed where: names for arguments and options, found when a shell asks."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from harness.commands.candidates import MethodNames
    from harness.layout import ProjectLayout

Candidates = Iterable[str | tuple[str, str]]
Completer = Callable[[typer.Context, list[str], str], list[str | tuple[str, str]]]

#: What zsh's and fish's own syntax could take for something else in a description.
_ODD = re.compile(r"[^\w .,;+/×=<>-]")


def offering(candidates: Callable[[typer.Context, str], Candidates]) -> Completer:
    """Make of `candidates` what typer calls."""

    def offer(ctx: typer.Context, args: list[str], incomplete: str) -> list[str | tuple[str, str]]:
        del args  # typer leaves it empty
        return list(dict.fromkeys(_plain(one) for one in candidates(ctx, incomplete)))

    offer.__doc__ = candidates.__doc__
    return offer


def _plain(one: str | tuple[str, str]) -> str | tuple[str, str]:
    return one if isinstance(one, str) else (one[0], _ODD.sub(" ", one[1]))


@offering
def methods(ctx: typer.Context, incomplete: str) -> Candidates:
    """Methods by name, and all."""
    del incomplete
    yield from _titled(ctx)
    yield "all", "every method of the paper"


@offering
def one_method(ctx: typer.Context, incomplete: str) -> Candidates:
    """A method by name."""
    del incomplete
    yield from _titled(ctx)


@offering
def rows(ctx: typer.Context, incomplete: str) -> Candidates:
    """Methods, and METHOD/BACKBONE."""
    del incomplete
    yield from _rows(ctx)


@offering
def methods_or_runs(ctx: typer.Context, incomplete: str) -> Candidates:
    """Methods, METHOD/BACKBONE and runs."""
    del incomplete
    yield from _rows(ctx)
    yield from _runs(ctx)


@offering
def runs(ctx: typer.Context, incomplete: str) -> Candidates:
    """Runs of saved plans."""
    del incomplete
    yield from _runs(ctx)


@offering
def run_steps(ctx: typer.Context, incomplete: str) -> Candidates:
    """RUN/STEP: runs, and the steps of the run that is meant."""
    saved = _runs(ctx)
    run, slash, _ = incomplete.rpartition("/")
    begun = [name for name in saved if name.startswith(incomplete)]
    if slash and run in saved:
        yield from (f"{run}/{step}" for step in saved[run])
    elif len(begun) == 1:
        yield from (f"{begun[0]}/{step}" for step in saved[begun[0]])
    else:
        yield from begun


@offering
def backbones(ctx: typer.Context, incomplete: str) -> Candidates:
    """Backbones of the methods that are named."""
    del incomplete
    yield from _union(ctx, lambda method: method.backbones)


@offering
def stacks(ctx: typer.Context, incomplete: str) -> Candidates:
    """Stacks of the methods that are named."""
    del incomplete
    yield from _union(ctx, lambda method: method.stacks)


@offering
def until(ctx: typer.Context, incomplete: str) -> Candidates:
    """Steps and scores of the methods that are named."""
    del incomplete
    yield from _union(ctx, lambda method: (*method.scores, *method.steps))


@offering
def anchors(ctx: typer.Context, incomplete: str) -> Candidates:
    """Anchors of the method that is named."""
    del incomplete
    yield from _union(ctx, lambda method: method.anchors)


@offering
def options(ctx: typer.Context, incomplete: str) -> Candidates:
    """NAME=CHOICE of the methods that are named."""
    del incomplete
    for method in _methods_meant(ctx):
        for name, known in method.options.items():
            yield from ((f"{name}={choice}", about) for choice, about in known.items())


@offering
def assets(ctx: typer.Context, incomplete: str) -> Candidates:
    """Assets by name."""
    from harness.commands.candidates import asset_names

    del incomplete
    yield from asset_names(_project(ctx)).items()


@offering
def losses(ctx: typer.Context, incomplete: str) -> Candidates:
    """Losses, one after the other in a list."""
    from harness.manifest.model import Losses

    del ctx
    before, comma, _ = incomplete.rpartition(",")
    given = before.split(",")
    yield from (f"{before}{comma}{one.value}" for one in Losses if one.value not in given)
    if not comma:
        yield "all"


@offering
def scales(ctx: typer.Context, incomplete: str) -> Candidates:
    """Scales."""
    from harness.manifest.model import Scale

    del ctx, incomplete
    yield from (one.value for one in Scale)


@offering
def runtimes(ctx: typer.Context, incomplete: str) -> Candidates:
    """Runtimes."""
    from harness.manifest.model import RuntimeName

    del ctx, incomplete
    yield from (one.value for one in RuntimeName)


def choices(*names: str) -> Completer:
    """These words."""
    return offering(lambda _ctx, _incomplete: names)


def _project(ctx: typer.Context) -> "ProjectLayout":
    from harness.commands.places import find_project

    return find_project(ctx.params.get("project"))


def _every_method(ctx: typer.Context) -> list[str]:
    from harness.commands.candidates import method_files

    return list(method_files(_project(ctx)))


def _method(ctx: typer.Context, name: str) -> "MethodNames":
    from harness.commands.candidates import read_method

    return read_method(_project(ctx), name)


def _titled(ctx: typer.Context) -> Iterator[tuple[str, str]]:
    yield from ((name, _method(ctx, name).title) for name in _every_method(ctx))


def _methods_meant(ctx: typer.Context) -> "Iterator[MethodNames]":
    """The methods on the command line, by their beginnings too; without any, all of them."""
    # Behind an option without its value yet, typer leaves what is no option in `args`.
    given = ctx.params.get("methods") or ctx.params.get("method") or ctx.args
    words = (given,) if isinstance(given, str) else tuple(given)
    every = _every_method(ctx)
    meant = [name for name in every if any(name.startswith(word) for word in words)]
    yield from (_method(ctx, name) for name in meant or every)


def _union(ctx: typer.Context, names: "Callable[[MethodNames], Iterable[str]]") -> list[str]:
    return list(dict.fromkeys(name for method in _methods_meant(ctx) for name in names(method)))


def _rows(ctx: typer.Context) -> Iterator[str]:
    for name in _every_method(ctx):
        yield name
        yield from (f"{name}/{backbone}" for backbone in _method(ctx, name).backbones)


def _runs(ctx: typer.Context) -> Mapping[str, list[str]]:
    from harness.commands.candidates import saved_runs
    from harness.commands.places import find_runs_folder
    from harness.layout import RunLayout

    return saved_runs(RunLayout(find_runs_folder(ctx.params.get("runs"), _project(ctx))))

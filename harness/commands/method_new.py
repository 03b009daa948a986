"""The verb `method new`: a manifest and an environment that can be planned at once."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from harness.commands.context import Context
from harness.commands.places import is_installed
from harness.errors import HarnessError, UsageError
from harness.files import remove_tree
from harness.manifest.load import load_catalogue, load_method, method_names

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_RECIPE = "seam"  # its environment serves the ResNet-38 segmentation too
_STACK = "cu117"
_ENTRY = """
  {name}:
    url: {url}
    commit: {commit}
    date: "{date}"
    licence: null  # TODO: the repository's; null if it has none
    sparse: [/*]  # TODO: only what the chain reads
    paper_only: []
    tree: {tree}
    stages: {{{name}: "1-6"}}
"""


def new_method(context: Context, name: str, url: str, commit: str) -> tuple[Path, ...]:
    """Pin a repository and write a method of that name around it; return the files written.

    Everything is looked up before anything is written, and if the result cannot be read as a
    method, all is taken back.

    Raises:
        UsageError: the name is taken or no name, the commit no full id, or the project is the
            installed copy.
        NotReadyError, SourceMismatch: the repository or its commit cannot be had.

    """
    project = context.project
    _refuse(context, name, commit)
    tree, date = context.sources.pin(name, url, commit)
    entry = _ENTRY.format(name=name, url=url, commit=commit, tree=tree, date=date)
    before = project.repositories.read_text(encoding="utf-8")
    written: list[Path] = []
    try:
        project.repositories.write_text(before.rstrip("\n") + "\n" + entry, encoding="utf-8")
        written += _recipe(context, name)
        template = project.method_template.read_text(encoding="utf-8")
        project.method(name).write_text(template.replace("NAME", name), encoding="utf-8")
        written.append(project.method(name))
        load_method(project, name, load_catalogue(project))
    except (OSError, HarnessError):
        project.repositories.write_text(before, encoding="utf-8")
        project.method(name).unlink(missing_ok=True)
        remove_tree(project.dockerfile(name).parent, quiet=True)
        raise
    return project.repositories, *written


def _refuse(context: Context, name: str, commit: str) -> None:
    project = context.project
    if is_installed(project):
        raise UsageError(
            "the project is the installed copy, which is not to be written into",
            hint="work in a clone, or copy the folder and name it with --project",
        )
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name", hint="small letters, digits and -, a letter first")
    taken = {*method_names(project), *context.catalogue.repositories}
    if name in taken or project.dockerfile(name).parent.exists():
        raise UsageError(f"{name!r} is taken", hint="choose a name of its own")
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise UsageError(
            f"--commit {commit}: a pin is a full commit id of 40 digits",
            hint="git rev-parse HEAD, in a clone of the repository",
        )


def _recipe(context: Context, name: str) -> Iterator[Path]:
    """Copy the environment that the method starts with."""
    source = context.project.dockerfile(_RECIPE).parent
    target = context.project.dockerfile(name).parent
    target.mkdir()
    for file in sorted(source.glob(f"{_STACK}.*")):
        shutil.copyfile(file, target / file.name)
        yield target / file.name

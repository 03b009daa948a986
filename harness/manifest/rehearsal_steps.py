"""Steps that a rehearsal adds: a list of few pictures, repeated to fill a training's batches."""

from harness.manifest.contract import Folder
from harness.manifest.model import CountAt, Output, Resources, ResourcesAt, Step, Training


def list_of(trains: Training) -> tuple[str, str]:
    """The input that holds a training's list, and the list's file name in it."""
    place, _, file = trains.list.partition("/")
    return place.removeprefix("{in.").removesuffix("}"), file


def repeating_step(name: str, file: str, count: int) -> Step:
    """The step that repeats the lines of `file` in its input `lists` until there are `count`."""
    argv = ("python", "-m", "harness.glue.repeated_list", "--lists", "{in.lists}")
    return Step(
        name=f"repeat-{name}",
        stage=1,
        about=f"repeat the lines of {file} to {count}, for the batches of a training",
        argv=(*argv, "--name", file, "--count", str(count), "--out", "{out}/lists"),
        inputs={"lists": "steps.lists.lists"},
        outputs={"lists": Output(path="lists", contract=Folder(kind="folder", globs=(file,)))},
        packages=("glue",),
        threads=CountAt(paper=1, smoke=1),
        resources=ResourcesAt(paper=Resources(memory_gb=1)),
    )

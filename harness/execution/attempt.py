"""One attempt at a step: what is written down so that another process can take it up."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from harness.execution.workspace import Workspace
from harness.files import write_sealed
from harness.layout import StepFolder
from harness.plan.keys import digest_plain
from harness.runtimes.runtime import Command
from harness.store.intent import Intent
from harness.store.owner import Owner
from harness.store.store import snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt under way."""

    workspace: Workspace
    command: Command
    intent: Intent
    before: Mapping[str, tuple[int, int]]  # the inputs' files as they were

    @property
    def folder(self) -> StepFolder:
        """Its folder."""
        return self.workspace.attempt

    @classmethod
    def begin(
        cls, workspace: Workspace, command: Command, *, runtime: str, started: str, owner: Owner
    ) -> "Attempt":
        """Write down what is about to start."""
        before = {name: snapshot([path]) for name, path in workspace.inputs.items()}
        intent = Intent(
            runtime=runtime,
            name=command.name,
            gpus=command.gpus,
            started=started,
            owner=owner,
            inputs={name: digest_plain(files) for name, files in before.items()},
        )
        # Not flushed: what it tells of is gone, too, where power is lost.
        write_sealed(workspace.attempt.intent, asdict(intent), in_lines=False, flush=False)
        return cls(
            workspace=workspace, command=command, intent=intent, before=_joined(before.values())
        )

    @classmethod
    def resume(cls, workspace: Workspace, command: Command, intent: Intent) -> "Attempt | None":
        """Take up what another process began; None if its inputs are no longer what they were."""
        now = {name: snapshot([path]) for name, path in workspace.inputs.items()}
        if {name: digest_plain(files) for name, files in now.items()} != intent.inputs:
            return None
        taken = replace(intent, reattached=intent.reattached + 1)
        write_sealed(workspace.attempt.intent, asdict(taken), in_lines=False, flush=False)
        return cls(workspace=workspace, command=command, intent=taken, before=_joined(now.values()))


def _joined(snapshots: Iterable[Mapping[str, tuple[int, int]]]) -> dict[str, tuple[int, int]]:
    return {path: state for one in snapshots for path, state in one.items()}

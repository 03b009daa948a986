"""The rows of the paper's tables that a report shows: figures compare the losses within one."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.evidence.evidence import RunEvidence
from harness.evidence.groups import Group, Setting, groups_of, settings_of


@dataclass(frozen=True, slots=True)
class Row:
    """One method on one backbone in one setting; a group for each of the losses."""

    name: str  # METHOD/BACKBONE
    setting: Setting
    groups: tuple[Group, ...]
    title: str

    @property
    def losses(self) -> tuple[str, ...]:
        """The losses that were run, in the order of the tables."""
        return tuple(group.losses.value for group in self.groups)

    @property
    def runs(self) -> tuple[RunEvidence, ...]:
        """All runs, by losses and seed."""
        return tuple(run for group in self.groups for run in group.runs)

    @property
    def labels(self) -> tuple[str, ...]:
        """What was scored in any of the runs, in the order of the stages."""
        return tuple(dict.fromkeys(label for group in self.groups for label in group.labels))


def rows_of(runs: Sequence[RunEvidence]) -> tuple[Row, ...]:
    """The rows of all runs; their titles name the setting where there are several."""
    settings = settings_of(groups_of(runs))
    rows = []
    for setting, groups in settings.items():
        for name in dict.fromkeys(group.row for group in groups):
            title = name if len(settings) == 1 else f"{name} ({setting.title})"
            members = tuple(group for group in groups if group.row == name)
            rows.append(Row(name, setting, members, title))
    return tuple(rows)

"""The rows of Tables 6 and 7 are the chains that can be run."""

from harness.manifest.load import load_catalogue, load_method, load_published, method_names
from tests.golden import PROJECT


def test_every_published_row_has_a_chain_and_every_chain_a_row() -> None:
    catalogue = load_catalogue(PROJECT)
    chains = {
        (name, backbone)
        for name in method_names(PROJECT)
        if name != "demo"
        for backbone in load_method(PROJECT, name, catalogue).backbones
    }
    rows = {(row.method, row.backbone) for row in load_published(PROJECT).rows}
    assert chains == rows
    assert len(rows) == 7


def test_table_8_names_a_repository_for_each_stage_of_each_method() -> None:
    """What repos.yaml says of stages is what the steps of the chains do."""
    catalogue = load_catalogue(PROJECT)
    for name in method_names(PROJECT):
        method = load_method(PROJECT, name, catalogue)
        for repository, pin in catalogue.repositories.items():
            used = {step.stage for step in method.steps if step.repo == repository}
            said = _stages(pin.stages.get(name, ""))
            assert used <= said, f"{name}: {repository} runs stage {sorted(used - said)} too"
            read = any(f"repos.{repository}" in i for s in method.steps for i in s.inputs.values())
            assert used or read or not said, f"{name}: {repository} is named for {sorted(said)}"


def _stages(text: str) -> set[int]:
    found: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found

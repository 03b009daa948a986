"""A site's profile: strict, with an error that names line and nearest key."""

from pathlib import Path

import pytest

from harness.errors import ManifestError, UsageError
from harness.slurm.profile import Placement, Profile, read_profile


def profile(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "profile.yaml"
    path.write_text(text)
    return path


def test_a_profile_says_where_steps_with_and_without_gpus_go(tmp_path: Path) -> None:
    found = read_profile(
        profile(tmp_path, "account: vision\ngpu: {partition: a100}\ncpu: {partition: cpu}\n")
    )
    assert found.account == "vision"
    assert found.placement(2) == Placement(partition="a100")
    assert found.placement(0) == Placement(partition="cpu")


def test_an_empty_mapping_asks_for_nothing(tmp_path: Path) -> None:
    assert read_profile(profile(tmp_path, "{}\n")) == Profile()


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("acount: vision\n", "profile.yaml:1: acount: unknown key 'acount'", "'account'"),
        ("gpu: {partitoin: a}\n", "unknown key 'partitoin'", "'partition'"),
        ("account: two words\n", "account", "docs/schema/"),
        ("max_jobs: 2\n", "max_jobs", "docs/schema/"),
        ("max_jobs: many\n", "max_jobs", "docs/schema/"),
        ("cpu: {sbatch: [gres=gpu]}\n", "cpu.sbatch", "docs/schema/"),
        ('setup: ["module load x\\nrm"]\n', "setup", "docs/schema/"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, what: str, hint: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_profile(profile(tmp_path, text))
    assert what in str(caught.value)
    assert hint in caught.value.hint


def test_a_profile_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        read_profile(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="it is no file"):
        read_profile(tmp_path)

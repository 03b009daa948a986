"""From five finished runs to the package and back to the server's answer, by the real commands."""

import json
import tarfile
from pathlib import Path

import pytest

from harness.evidence.gather import gather
from harness.layout import RunLayout
from tests.outputs import valid
from tests.project import Project, step

_VOC = """
import sys
from pathlib import Path
from PIL import Image
root = Path(sys.argv[1], "voc")
(root / "JPEGImages").mkdir(parents=True)
names = ["2008_%06d" % at for at in range(1456)]
for name in names:
    Image.new("RGB", (6, 4)).save(root / "JPEGImages" / (name + ".jpg"))
(root / "test.txt").write_text("\\n".join(names))
"""
_TRAIN = "import sys; open(sys.argv[1] + '/file', 'w').write('seed ' + sys.argv[2])"
_SCORE = """
import json, sys
seed = open(sys.argv[2]).read().split()[1]
J = [60, 70, 70, 65, 50][int(seed) - 1]
open(sys.argv[1] + "/scores.json", "w").write(json.dumps(dict(scores=dict(J=J, F=40, JF=45))))
"""
_PREDICT = """
import sys
from pathlib import Path
from PIL import Image
seed = int(open(sys.argv[2]).read().split()[1])
out = Path(sys.argv[1], "labels")
out.mkdir()
for name in Path(sys.argv[3], "test.txt").read_text().split():
    Image.new("L", (6, 4), seed).save(out / (name + ".png"))
"""
_LABELS = {
    "kind": "png-labels", "ids": "{in.voc}/test.txt", "max_label": 20, "modes": ["L"],
    "size_of": "{in.voc}/JPEGImages",
}  # fmt: skip
STEPS = (
    step("voc", _VOC, stage=1, test=True,
         outputs={"voc": {"path": "voc", "contract": {"kind": "folder", "globs": ["*.txt"]}}}),
    step("train", _TRAIN, stochastic=True, argv=["python", "-c", _TRAIN, "{out}", "{seed}"]),
    step("score", _SCORE, stage=9, score="final", inputs={"file": "steps.train.file"},
         outputs={"scores": {"path": "scores.json", "contract": {"kind": "json", "keys": ["scores"]}}}),
    step("predict-test", _PREDICT, stage=8, test=True,
         inputs={"file": "steps.train.file", "voc": "steps.voc.voc"},
         outputs={"labels": {"path": "labels", "contract": _LABELS}}),
)  # fmt: skip
SUBMISSION = ("submission", "toy", "--losses", "none", "--runtime", "process", "--json")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path, {})
    project.write_steps(*STEPS)
    return project


def test_five_runs_become_a_package_and_an_answer(project: Project) -> None:
    words = ("reproduce", "toy", "--losses", "none", "--runtime", "process", "--json")
    done = project.run(*words, "--seed", "1,2,3,4")
    assert done.returncode == 0, done.stderr
    early = project.run(*SUBMISSION)
    assert early.returncode == 3
    assert "4 of 5 runs are finished" in early.stderr
    assert "-s5-" in early.stderr
    assert project.run(*words, "--seed", "5").returncode == 0

    made = project.run(*SUBMISSION)
    assert made.returncode == 0, made.stderr
    package = valid(made.stdout)
    assert (package["val_J"], package["images"]) == (70.0, 1456)
    assert "-s2-" in package["run"]
    with tarfile.open(package["file"]) as archive:
        assert len(archive.getnames()) == 1456
    assert project.published().count("predict-test") == 1
    again = json.loads(project.run(*SUBMISSION).stdout)
    assert again == package
    assert project.published().count("predict-test") == 1

    answered = project.run(
        "submission", "result", package["run"], "--J", "69.4", "--date", "2026-11-29", "--json"
    )
    assert answered.returncode == 0, answered.stderr
    assert valid(answered.stdout)["J"] == 69.4
    found = {run.id: run.test_score for run in gather(RunLayout(project.runs)).runs}
    assert found.pop(package["run"]) == 69.4
    assert set(found.values()) == {None}
    other = project.run("submission", "result", package["run"], "--J", "70")
    assert other.returncode == 2
    assert "--replace" in other.stderr

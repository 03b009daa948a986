"""Bad manifests: each error names file, line, field, what was expected and the nearest name."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import ManifestError, UsageError
from harness.layout import ProjectLayout
from harness.manifest.load import (
    json_schemas,
    load_catalogue,
    load_method,
    load_published,
    method_names,
)
from tests.golden import PROJECT
from tests.toy import STEPS

REPOSITORY = {
    "url": "https://example.org/a/b",
    "commit": "a" * 40,
    "tree": "b" * 40,
    "date": "2020-01-01",
    "licence": "MIT",
    "stages": {"toy": "1-9"},
}


def project(root: Path, **changes: Any) -> ProjectLayout:
    """A project whose one method is the toy, with top-level fields changed."""
    layout = ProjectLayout(root)
    common = {"threads": {"paper": 1, "smoke": 1}, "resources": {"paper": {"cpus": 1}}}
    method: dict[str, Any] = {
        "method": "toy",
        "title": "Toy",
        "backbones": ["tiny"],
        "stacks": ["host"],
        "seeds": [1, 2],
        "repositories": {"up": []},
        "options": {
            "mode": {
                "about": "how",
                "default": "fast",
                "choices": {"fast": {"about": "f"}, "slow": {"about": "s"}},
            }
        },
        "parameters": {"lr": {"paper": 0.1, "smoke": 1, "source": "ours"}},
        "steps": [common | step for step in STEPS],
    }
    write(layout.method("toy"), method | changes)
    write(layout.repositories, {"repositories": {"up": REPOSITORY}})
    write(layout.embedded, {"repositories": {}})
    write(layout.assets, {"assets": {}})
    stack = {"title": "host", "python": "3.11", "torch": "2", "cuda": None, "base": "x"}
    write(layout.stacks, {"stacks": {"host": stack}})
    return layout


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(value, sort_keys=False))


def load(layout: ProjectLayout) -> Any:
    return load_method(layout, "toy", load_catalogue(layout))


def steps_with(index: int, **changes: Any) -> list[dict[str, Any]]:
    common = {"threads": {"paper": 1, "smoke": 1}, "resources": {"paper": {"cpus": 1}}}
    steps = [common | dict(step) for step in STEPS]
    steps[index] |= changes
    return steps


def test_a_good_project_loads(tmp_path: Path) -> None:
    layout = project(tmp_path)
    assert load(layout).title == "Toy"
    assert method_names(layout) == ("toy",)


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"titel": "x"}, "unknown key 'titel'", "did you mean 'title'"),
    ({"seeds": ["one"]}, "seeds[0]", "docs/schema"),
    ({"seeds": "1"}, "seeds", "docs/schema"),
    ({"stacks": ["hots"]}, "unknown stack 'hots'", "did you mean 'host'"),
    ({"repositories": {"down": []}}, "unknown repository 'down'", "known: up"),
    ({"steps": steps_with(1, inputs={"data": "steps.dta.data"})}, "unknown step", "'data'"),
    ({"steps": steps_with(1, inputs={"data": "steps.data.dat"})}, "unknown output", "'data'"),
    ({"steps": steps_with(1, inputs={"data": "assets.voc"})}, "unknown asset 'voc'", ""),
    ({"steps": steps_with(1, inputs={"data": "assets.voc/../x"})}, "stays inside its root", ""),
    ({"steps": steps_with(1, inputs={"data": "nowhere"})}, "expected steps.NAME.OUTPUT", ""),
    ({"steps": steps_with(1, inputs={"data": "assets.{p.lr}"})}, "expected steps.NAME.OUTPUT", ""),
    ({"steps": steps_with(1, inputs={"d": "assets.{o.mood.x}"})}, "unknown placeholder", "o.OPT"),
    ({"steps": steps_with(1, inputs={"d": "assets.{o.mode.x}"})}, "unknown placeholder", "o.OPT"),
    ({"steps": steps_with(1, inputs_when={"dat": {"mode": "x"}})}, "unknown input 'dat'", "'data'"),
    ({"steps": steps_with(1, inputs_when={"data": {"mood": "x"}})}, "unknown option 'mood'", ""),
    ({"steps": steps_with(2, score="{o.mode.label}")}, "unknown placeholder {o.mode.label}", ""),
    ({"steps": steps_with(1, cwd="/etc")}, "stays inside its root", ""),
    ({"steps": steps_with(1, links={"../x": "{out}"})}, "stays inside its root", ""),
    ({"steps": steps_with(0, argv=["{nowhere}"])}, "unknown placeholder {nowhere}", "in.INPUT"),
    ({"steps": steps_with(0, argv=["{p.nope}"])}, "unknown placeholder {p.nope}", ""),
    ({"steps": steps_with(0, argv=["{losses}"])}, "uses {losses}", "injects_losses"),
    ({"steps": steps_with(0, workers={"paper": "auto", "smoke": 0})}, "workers.paper", ""),
    ({"steps": steps_with(0, threads=None)}, "threads", ""),
    ({"steps": steps_with(0, stage=10)}, "stage", ""),
    ({"steps": steps_with(2, outputs={})}, "needs an output 'scores'", ""),
    ({"steps": steps_with(2, name="data")}, "step 'data' twice", ""),
    ({"steps": steps_with(0, inputs={"m": "steps.score.scores"})}, "in a circle", ""),
    (
        {"steps": steps_with(0, outputs={"d": {"path": "x", "contract": {"kind": "fil"}}})},
        "fil",
        "",
    ),
]


@pytest.mark.parametrize(("changes", "what", "hint"), BAD)
def test_bad_manifests(tmp_path: Path, changes: dict[str, Any], what: str, hint: str) -> None:
    with pytest.raises(ManifestError) as caught:
        load(project(tmp_path, **changes))
    text = str(caught.value)
    assert what in text
    assert hint in caught.value.hint
    assert "toy.yaml:" in text
    assert caught.value.exit_code == 2


def test_whatever_an_option_can_choose_must_be_there(tmp_path: Path) -> None:
    choices = {name: {"about": name, "fields": {"from": name}} for name in ("data", "dta")}
    option = {"about": "which", "default": "data", "choices": choices}
    steps = steps_with(1, inputs={"data": "steps.{o.mode.from}.data"})
    with pytest.raises(ManifestError, match="unknown step 'dta'"):
        load(project(tmp_path, options={"mode": option}, steps=steps))


def test_the_line_is_the_line_of_the_field(tmp_path: Path) -> None:
    layout = project(tmp_path, seeds=["one"])
    lines = layout.method("toy").read_text().splitlines()
    with pytest.raises(ManifestError) as caught:
        load(layout)
    number = int(str(caught.value).split("toy.yaml:")[1].split(":")[0])
    assert "one" in lines[number - 1]


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    layout = project(tmp_path)
    path = layout.method("toy")
    path.write_text(path.read_text() + "title: again\n")
    with pytest.raises(ManifestError, match="given twice"):
        load(layout)


def test_bad_yaml_names_the_place(tmp_path: Path) -> None:
    layout = project(tmp_path)
    layout.method("toy").write_text("method: [\n")
    with pytest.raises(ManifestError, match="not valid YAML"):
        load(layout)


def test_an_unknown_method_names_the_nearest(tmp_path: Path) -> None:
    layout = project(tmp_path)
    with pytest.raises(UsageError) as caught:
        load_method(layout, "tay", load_catalogue(layout))
    assert "'toy'" in caught.value.hint


@pytest.mark.parametrize("commit", ["abc", "A" * 40, "g" * 40])
def test_a_pin_is_a_full_commit(tmp_path: Path, commit: str) -> None:
    layout = project(tmp_path)
    write(layout.repositories, {"repositories": {"up": REPOSITORY | {"commit": commit}}})
    with pytest.raises(ManifestError, match=r"repositories\.up\.commit"):
        load_catalogue(layout)


def test_schemas_forbid_unknown_keys() -> None:
    assert json_schemas()["method"]["additionalProperties"] is False


def published(tmp_path: Path, **changes: Any) -> ProjectLayout:
    """The real published numbers, the first one changed."""
    layout = ProjectLayout(tmp_path)
    document = yaml.safe_load(PROJECT.paper.read_text())
    document["numbers"][0] |= changes
    write(layout.paper, document)
    return layout


def test_the_published_numbers_read_strictly(tmp_path: Path) -> None:
    numbers = load_published(published(tmp_path)).numbers
    assert len({number.id for number in numbers}) == len(numbers)
    assert all(0 < n.value < 100 for n in numbers if n.value is not None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"value": 61.0}, "with status not-found"),
        ({"value": None, "status": "printed"}, "with status printed"),
        ({"value": 161.0, "status": "printed"}, "less than or equal to 100"),
        ({"metric": "mIoU"}, "metric"),
        ({"vale": 1}, "unknown key 'vale'"),
        ({"id": "t6/seam/res38/none/F"}, "twice"),
    ],
)
def test_bad_published_numbers(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        load_published(published(tmp_path, **changes))

"""Bad manifests: each error names file, line, field, what was expected and the nearest name."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import ManifestError, UsageError
from harness.layout import ProjectLayout
from harness.manifest.load import json_schemas, load_catalogue, load_method, method_names
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


def at_scales(*scales: str) -> dict[str, Any]:
    return {"when": {"scale": list(scales)}, "args": ["{iterations}"]}


def test_a_good_project_loads(tmp_path: Path) -> None:
    layout = project(tmp_path)
    assert load(layout).title == "Toy"
    assert method_names(layout) == ("toy",)


def test_arguments_of_rehearsals_may_say_how_much_is_done(tmp_path: Path) -> None:
    argv = ["python", at_scales("rehearsal", "rehearsal-cpu")]
    lr = {"paper": 1, "rehearsal": "{iterations}", "smoke": 1, "source": "x"}
    layout = project(tmp_path, steps=steps_with(0, argv=argv), parameters={"lr": lr})
    assert load(layout).parameters["lr"].rehearsal == "{iterations}"


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
    ({"steps": steps_with(0, argv=["{images}"])}, "unknown placeholder {images}", ""),
    ({"steps": steps_with(0, argv=[at_scales("rehearsal", "paper")])}, "{iterations}", ""),
    ({"parameters": {"lr": {"paper": "{images}", "smoke": 1, "source": "x"}}}, "{images}", "{iter"),
    (
        {"parameters": {"lr": {"paper": 1, "rehearsal": "{p.lr}", "smoke": 1, "source": "x"}}},
        "unknown placeholder {p.lr} in '{p.lr}' at scale rehearsal",
        "",
    ),
    ({"steps": steps_with(1, trains={"list": "{in.data}", "batch": "2"})}, "trains.list", ""),
    ({"steps": steps_with(1, trains={"list": "{in.x}/a", "batch": "2"})}, "{in.x}", "in.INPUT"),
    ({"steps": steps_with(1, trains={"list": "{in.data}/a", "batch": "{p.b}"})}, "{p.b}", ""),
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
    ({"method": "other"}, "method: expected 'toy' as the file is named", ""),
    ({"seed_option": "s" * 90, "options": {"x": {"about": "x", "default": "d" * 5000,
      "choices": {"a": {"about": "a"}}}}}, "unknown choice 'ddd", "known: a"),
    ({"backbones": []}, "backbones", "docs/schema"),
    ({"stacks": []}, "stacks", "docs/schema"),
    ({"seeds": []}, "seeds", "docs/schema"),
    ({"seeds": [1, 2, 1]}, "seeds[2]: 1 twice", ""),
    ({"seeds": [-1]}, "seeds[0]", ""),
    ({"seeds": [2**32]}, "seeds[0]", ""),
    ({"seeds": [1e9]}, "seeds[0]", ""),
    ({"fixed_seed": True}, "fixed_seed", ""),
    ({"backbones": ["tiny", "tiny"]}, "backbones[1]: 'tiny' twice", ""),
    ({"stacks": ["host", "host"]}, "stacks[1]: 'host' twice", ""),
    ({"repositories": {"up": ["../x"]}}, "repositories.up[0]", ""),
    ({"seed_option": "mode"}, "options.mode.choices.fast.fields: no field 'steps'", ""),
    ({"losses_option": "mode"}, "no field 'steps', for losses_option", ""),
    ({"title": "x" * 5000, "seed_option": "y" * 5000}, "seed_option", "docs/schema"),
    ({"z" * 5000: 1}, "unknown key 'zzz", ""),
    ({"steps": "x" * 5000}, "steps", ""),
    ({"steps": steps_with(0, name="n" * 101)}, "steps[0].name", ""),
    ({"steps": steps_with(1, cwd="c" * 256)}, "a path that is too long", ""),
    ({"steps": steps_with(1, cwd="c/" * 600 + "c")}, "a path that is too long", ""),
    ({"steps": steps_with(1, folders=["a\nb"])}, "an unprintable character in a path", ""),
    ({"steps": steps_with(1, env={"A=B": "1"})}, "steps[1].env", ""),
    ({"steps": steps_with(1, losses_env={"": "1"})}, "steps[1].losses_env", ""),
    ({"steps": steps_with(1, inputs={"data": "steps.data.data/{seed}"})}, "no placeholder", ""),
    ({"steps": steps_with(1, inputs={"data": "repos.up/{o.mode}"})}, "no placeholder", ""),
    ({"steps": steps_with(2, score="{seed}")}, "steps[2].score", ""),
    ({"steps": steps_with(1, gpus="two")}, "a number of GPUs from 0 to 16, found 'two'", ""),
    ({"steps": steps_with(1, gpus="17")}, "a number of GPUs from 0 to 16, found '17'", ""),
    ({"steps": steps_with(1, gpus="{p.lr}")}, "no placeholder", ""),
    ({"steps": steps_with(1, progress="(")}, "not a regular expression", ""),
    ({"steps": steps_with(1, progress="(" * 5000)}, "a regular expression of more than", ""),
    ({"steps": steps_with(1, progress="x{99999999999}(?P<at>y)")}, "not a regular", ""),
    ({"steps": steps_with(1, progress="(?P<of>x)")}, "with a group (?P<at>...)", ""),
    ({"steps": steps_with(1, resources={"paper": {"memory_gb": 1e300}})}, "memory_gb", ""),
    ({"steps": steps_with(1, resources={"paper": {"hours": 10**18}})}, "hours", ""),
    ({"steps": steps_with(1, threads={"paper": 2**62, "smoke": 1})}, "threads.paper", ""),
    (
        {"steps": steps_with(0, outputs={"d": {"path": "x", "contract": {
            "kind": "file", "contains": ["[a"]}}})},
        "not a regular expression",
        "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "what", "hint"), BAD)
def test_bad_manifests(tmp_path: Path, changes: dict[str, Any], what: str, hint: str) -> None:
    with pytest.raises(ManifestError) as caught:
        load(project(tmp_path, **changes))
    text = str(caught.value)
    assert what in text
    assert hint in caught.value.hint
    assert "toy.yaml:" in text
    assert len(text) < 1000
    assert caught.value.exit_code == 2


def test_whatever_an_option_can_choose_must_be_there(tmp_path: Path) -> None:
    choices = {name: {"about": name, "fields": {"from": name}} for name in ("data", "dta")}
    option = {"about": "which", "default": "data", "choices": choices}
    steps = steps_with(1, inputs={"data": "steps.{o.mode.from}.data"})
    with pytest.raises(ManifestError, match="unknown step 'dta'"):
        load(project(tmp_path, options={"mode": option}, steps=steps))


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("data/../../etc", "stays inside its root"),
        ("x y", "expected steps.NAME.OUTPUT"),
        ("{o.mode.from}", "unknown repository"),
    ],
)
def test_what_an_option_chooses_is_a_reference(tmp_path: Path, field: str, what: str) -> None:
    option = {
        "about": "which",
        "default": "one",
        "choices": {"one": {"about": "one", "fields": {"from": field}}},
    }
    steps = steps_with(1, inputs={"data": "repos.{o.mode.from}"})
    with pytest.raises(ManifestError, match=what):
        load(project(tmp_path, options={"mode": option}, steps=steps))


def test_the_steps_that_a_seed_reaches_must_be_there(tmp_path: Path) -> None:
    choice = {"about": "all", "fields": {"steps": "data, trian"}}
    option = {"about": "which", "default": "all", "choices": {"all": choice}}
    with pytest.raises(ManifestError, match="unknown step 'trian'"):
        load(project(tmp_path, options={"mode": option}, seed_option="mode"))


def made(**changes: Any) -> dict[str, Any]:
    """An asset that is made at smoke scale."""
    smoke = {"argv": ["python", "{out}"], "contract": {"kind": "file"}} | changes
    return {"title": "made", "size_gb": 1, "contract": {"kind": "file"}, "smoke": smoke}


@pytest.mark.parametrize(
    ("assets", "what"),
    [
        ({"a": made(inputs={"x": "assets.b"})}, r"assets\.a\.smoke\.inputs\.x: .*names no asset"),
        ({"a": made(inputs={"x": "repos.down"})}, "names no asset and no repository"),
        ({"a": made(inputs={"x": "steps.a.b"})}, "names no asset and no repository"),
        ({"a": made(inputs={"x": "given.a"})}, "names no asset and no repository"),
        ({"a": made(inputs={"x": "repos.up/{seed}"})}, "unknown placeholder {seed}"),
        ({"a": made(inputs={"x": "repos.up/{out}"})}, "names no asset and no repository"),
        ({"a": made(inputs={"x": "assets.a"})}, "in a circle: a -> a"),
        (
            {"a": made(inputs={"x": "assets.b"}), "b": made(inputs={"x": "assets.a"})},
            "in a circle",
        ),
        ({"a": made(argv=["{p.lr}"])}, r"assets\.a\.smoke\.argv\[0\]: unknown placeholder {p.lr}"),
        ({"a": made(argv=["{in.x}"])}, "unknown placeholder {in.x}"),
        ({"a": made(argv=["{losses}"])}, "unknown placeholder {losses}"),
        (
            {"a": made(contract={"kind": "png-labels", "ids": "{o.a.b}"})},
            r"assets\.a\.smoke\.contract\.ids: unknown placeholder",
        ),
        ({"a/../b": made()}, "expected a name"),
        ({"": made()}, "expected a name"),
        ({"n" * 101: made()}, "expected a name"),
    ],
)
def test_assets_that_cannot_be_made(tmp_path: Path, assets: dict[str, Any], what: str) -> None:
    layout = project(tmp_path)
    write(layout.assets, {"assets": assets})
    with pytest.raises(ManifestError, match=what) as caught:
        load_catalogue(layout)
    assert "assets.yaml:" in str(caught.value)


def test_a_missing_field_is_named_alone(tmp_path: Path) -> None:
    layout = project(tmp_path)
    write(layout.method("toy"), {"method": "toy"})
    with pytest.raises(ManifestError, match=r"title: field required \(and \d more\)$"):
        load(layout)


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


@pytest.mark.parametrize("url", ["https://[x/y", "https://[::1", "//[z]w"])
def test_an_address_that_cannot_be_parsed_is_refused(tmp_path: Path, url: str) -> None:
    layout = project(tmp_path)
    write(layout.repositories, {"repositories": {"up": REPOSITORY | {"url": url}}})
    with pytest.raises(ManifestError, match=r"repositories\.up\.url"):
        load_catalogue(layout)


def test_schemas_forbid_unknown_keys() -> None:
    assert json_schemas()["method"]["additionalProperties"] is False

"""Plans are pure values: same manifests and request, same keys; each change reaches what it must."""

import copy
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import pytest

from harness.errors import UsageError
from harness.manifest.model import Losses, Method, Scale
from harness.plan.plan import read_step
from tests import toy


def test_runs_share_equal_steps() -> None:
    plan = toy.plan(losses=tuple(Losses), seed=(1, 2))
    assert len(plan.runs) == 8
    names = [step.name for step in plan.steps.values()]
    assert names.count("data") == 1
    assert names.count("train") == names.count("score") == 8
    assert plan.shared == 7


def test_parents_come_before_children() -> None:
    plan = toy.plan(losses=tuple(Losses), seed=(1, 2, 3))
    seen: set[str] = set()
    for key, step in plan.steps.items():
        assert set(step.parents) <= seen
        seen.add(key)


def test_losses_enter_only_the_step_that_injects_them() -> None:
    plan = toy.plan()
    train = plan.steps[toy.keys_of(plan, Losses.ISL)["train"]]
    assert train.argv[-2:] == ("--isl", "0.2")
    assert "--isl" not in plan.steps[toy.keys_of(plan)["train"]].argv


def test_baseline_does_not_depend_on_how_losses_are_computed() -> None:
    other = toy.digests(packages=dict(toy.digests().packages) | {"losses": "changed"})
    before, after = toy.plan(), toy.plan(with_digests=other)
    assert toy.keys_of(before) == toy.keys_of(after)
    assert toy.keys_of(before, Losses.ISL)["train"] != toy.keys_of(after, Losses.ISL)["train"]
    assert toy.keys_of(before, Losses.ISL)["data"] == toy.keys_of(after, Losses.ISL)["data"]


@pytest.mark.parametrize("package", ["site"])
def test_site_counts_in_every_key(package: str) -> None:
    other = toy.digests(packages=dict(toy.digests().packages) | {package: "changed"})
    before, after = toy.keys_of(toy.plan()), toy.keys_of(toy.plan(with_digests=other))
    assert all(before[name] != after[name] for name in before)


def test_seed_reaches_only_stochastic_steps_and_what_reads_them() -> None:
    plan = toy.plan(seed=(1, 2))
    one, two = toy.keys_of(plan, seed=1), toy.keys_of(plan, seed=2)
    assert one["data"] == two["data"]
    assert one["train"] != two["train"]
    assert one["score"] != two["score"]


def test_option_can_keep_the_seed_from_a_step() -> None:
    reach = {
        "about": "which steps the seed reaches",
        "default": "none",
        "choices": {
            "none": {"about": "-", "fields": {"steps": ""}},
            "all": {"about": "-", "fields": {"steps": "train"}},
        },
    }
    method = toy.method(
        options={"mode": dataclasses.asdict(toy.method().options["mode"]), "reach": reach},
        seed_option="reach",
    )
    kept = toy.plan(method, seed=(1, 2))
    assert toy.keys_of(kept, seed=1) == toy.keys_of(kept, seed=2)
    reached = toy.plan(method, seed=(1, 2), options={"reach": "all"})
    assert toy.keys_of(reached, seed=1)["train"] != toy.keys_of(reached, seed=2)["train"]


def test_option_can_keep_the_losses_from_a_step() -> None:
    where = {
        "about": "which steps get the losses",
        "default": "none",
        "choices": {
            "none": {"about": "-", "fields": {"steps": ""}},
            "all": {"about": "-", "fields": {"steps": "train"}},
        },
    }
    method = toy.method(
        options={"mode": dataclasses.asdict(toy.method().options["mode"]), "where": where},
        losses_option="where",
    )
    kept = toy.plan(method)
    assert toy.keys_of(kept, Losses.ISL) == toy.keys_of(kept, Losses.NONE)
    reached = toy.plan(method, options={"where": "all"})
    assert toy.keys_of(reached, Losses.ISL)["train"] != toy.keys_of(reached, Losses.NONE)["train"]


def test_scale_changes_parameters_and_the_cpu_shim() -> None:
    paper, smoke = toy.plan(), toy.plan(scale=Scale.SMOKE)
    step = smoke.steps[toy.keys_of(smoke)["train"]]
    assert step.argv[step.argv.index("--lr") + 1] == "1"
    assert step.key_inputs["cpu_shim"] is True
    assert toy.keys_of(paper)["data"] != toy.keys_of(smoke)["data"]


def test_estimates_and_descriptions_stay_out_of_keys() -> None:
    first = toy.method()
    steps = [
        dataclasses.replace(step, about="other", note="other", progress="(?P<at>x)")
        for step in first.steps
    ]
    assert toy.keys_of(toy.plan()) == toy.keys_of(toy.plan(dataclasses.replace(first, steps=steps)))


def test_until_stops_at_a_step_or_a_score() -> None:
    assert set(toy.keys_of(toy.plan(until=("train",)))) == {"data", "train"}
    assert set(toy.keys_of(toy.plan(until=("final",)))) == {"data", "train", "score"}
    with pytest.raises(UsageError, match="--until nowhere"):
        toy.plan(until=("nowhere",))


def test_an_option_can_choose_an_input_and_name_a_score() -> None:
    fields = {"slow": {"from": "train", "label": "final"}, "fast": {"from": "data", "label": "raw"}}
    choices = {name: {"about": name, "fields": given} for name, given in fields.items()}
    options = {"mode": {"about": "how", "default": "fast", "choices": choices}}
    first = toy.method(options=options)
    data, train, score = first.steps
    data = dataclasses.replace(data, outputs={**data.outputs, **train.outputs})
    score = dataclasses.replace(
        score, inputs={"model": "steps.{o.mode.from}.model"}, score="{o.mode.label}"
    )
    method = dataclasses.replace(first, steps=(data, train, score))
    assert set(toy.keys_of(toy.plan(method, until=("raw",)))) == {"data", "score"}
    slow = toy.plan(method, options={"mode": "slow"}, until=("final",))
    assert set(toy.keys_of(slow)) == {"data", "train", "score"}
    assert slow.steps[toy.keys_of(slow)["score"]].score == "final"


def test_an_input_can_be_there_under_a_choice_alone() -> None:
    first = toy.method()
    data, train, score = first.steps
    train = dataclasses.replace(train, inputs_when={"data": {"mode": "slow"}})
    method = dataclasses.replace(first, steps=(data, train, score))
    assert set(toy.keys_of(toy.plan(method, until=("train",)))) == {"train"}
    slow = toy.plan(method, options={"mode": "slow"}, until=("train",))
    assert set(toy.keys_of(slow)) == {"data", "train"}


def test_unknown_option_and_choice_are_refused() -> None:
    with pytest.raises(UsageError, match="no option 'mood'"):
        toy.plan(options={"mood": "x"})
    with pytest.raises(UsageError, match="no such choice"):
        toy.plan(options={"mode": "x"})


def test_document_is_plain_json() -> None:
    import json

    document = toy.plan().document()
    assert json.loads(json.dumps(document)) == document


def sized(gb: Mapping[str, float], **outputs: Any) -> Method:
    """The toy with these disks; the model is for consumers."""
    common = {"threads": {"paper": 1, "smoke": 1}}
    steps = [copy.deepcopy(step) for step in toy.STEPS]
    for step in steps:
        step.update(common, resources={"paper": {"disk_gb": gb[step["name"]]}})
    steps[1]["outputs"]["model"]["retain"] = "consumers"
    steps[1]["outputs"] |= outputs
    return toy.method(steps=steps)


def test_peak_disk_counts_an_intermediate_until_its_last_reader() -> None:
    plan = toy.plan(sized({"data": 10, "train": 3, "score": 1}))
    # Two runs: data 10, train 3 is dropped after its score 1; then train 3 and score 1 again.
    assert plan.peak_disk_gb() == 10 + 1 + 3 + 1
    assert plan.peak_disk_gb(keep=True) == 10 + 2 * (3 + 1)
    assert toy.plan().peak_disk_gb() == 0


def test_peak_disk_counts_each_output_of_a_step_by_itself() -> None:
    curve = {"path": "curve.txt", "contract": {"kind": "file"}, "disk_gb": 0.5}
    plan = toy.plan(sized({"data": 0, "train": 3, "score": 1}, curve=curve))
    train = next(step for step in plan.steps.values() if step.name == "train")
    assert train.disk_gb == {"model": 2.5, "curve": 0.5}
    # Of the first run the curve and the score stay; the second run has its whole training.
    assert plan.peak_disk_gb() == 0.5 + 1 + 3 + 1


def test_what_a_step_needs_beyond_its_outputs_is_freed_when_it_ends() -> None:
    big = {"path": "big.txt", "contract": {"kind": "file"}, "disk_gb": 1}
    model = {"path": "model.txt", "contract": {"kind": "file"}, "disk_gb": 1}
    plan = toy.plan(sized({"data": 0, "train": 9, "score": 1}, model=model, big=big))
    assert plan.peak_disk_gb() == 2 + 1 + 9


def test_what_a_plan_ends_in_stays() -> None:
    plan = toy.plan(sized({"data": 0, "train": 3, "score": 1}), until=("train",))
    assert plan.peak_disk_gb() == plan.peak_disk_gb(keep=True) == 2 * 3


def test_a_step_is_read_back_from_a_plan_as_it_was() -> None:
    plan = toy.plan(losses=tuple(Losses))
    document = json.loads(json.dumps(plan.document()))
    assert {key: read_step(one) for key, one in document["steps"].items()} == dict(plan.steps)

"""Rehearsals: the paper's steps on few pictures, with stand-ins for what is not there."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from harness.errors import UsageError
from harness.manifest.catalogue import Asset, Catalogue
from harness.manifest.load import load_catalogue, load_method
from harness.manifest.model import CountAt, Losses, Parameter, Resources, ResourcesAt, Scale
from harness.plan.make import Ask, make_plan
from harness.plan.plan import Plan
from tests import golden, toy

REHEARSALS = (Scale.REHEARSAL, Scale.REHEARSAL_CPU)


def test_a_value_that_is_not_declared_is_the_next_one_towards_the_papers() -> None:
    none = CountAt(paper=8, smoke=0)
    assert [none.at(scale) for scale in Scale] == [8, 8, 8, 8, 0]
    gpu = CountAt(paper=8, rehearsal=4, smoke=0)
    assert [gpu.at(scale) for scale in Scale] == [8, 8, 4, 4, 0]
    both = CountAt(paper=8, rehearsal=4, rehearsal_cpu=0, smoke=1)
    assert [both.at(scale) for scale in Scale] == [8, 8, 4, 0, 1]


def test_manifests_write_the_scale_as_it_is_called() -> None:
    read = TypeAdapter(Parameter).validate_python(
        {"paper": 16, "rehearsal-cpu": 2, "smoke": 1, "source": "x"}
    )
    assert [read.at(scale) for scale in Scale] == [16, 16, 16, 2, 1]
    resources = ResourcesAt(paper=Resources(gpus=2), rehearsal_cpu=Resources(memory_gb=3))
    assert [resources.at(scale).gpus for scale in Scale] == [2, 2, 2, 0, 0]


def test_a_rehearsal_has_the_papers_limits_but_takes_less_time_and_disk() -> None:
    paper = Resources(gpus=2, memory_gb=32, hours=20, disk_gb=53)
    resources = ResourcesAt(paper=paper, smoke=Resources(hours=0.01, disk_gb=0.5))
    assert resources.at(Scale.REHEARSAL) == replace(paper, hours=0.01, disk_gb=0.5)


COMMON = {"threads": {"paper": 1, "smoke": 1}, "resources": {"paper": {"cpus": 1}}}


def steps() -> list[dict[str, Any]]:
    """The toy's steps, whose training reads lists in batches."""
    lists, train, score = (COMMON | step for step in toy.STEPS)
    lists["outputs"] = {"data": {"path": "lists", "contract": {"kind": "folder"}}}
    lists["argv"] = [*lists["argv"], {"when": {"scale": list(REHEARSALS)}, "args": ["{images}"]}]
    train["trains"] = {"list": "{in.data}/train.txt", "batch": "{p.batch}"}
    return [lists, train, score]


def plan(scale: Scale, **ask: Any) -> Plan:
    batch = {"paper": 16, "rehearsal-cpu": 2, "smoke": 1, "source": "x"}
    lr = {"paper": 0.1, "rehearsal": "{iterations}", "smoke": 1, "source": "x"}
    method = toy.method(steps=steps(), parameters={"batch": batch, "lr": lr})
    asked = Ask(losses=(Losses.NONE,), seed=(1,), scale=scale, **ask)
    return make_plan([method], Catalogue({}, {}, {}), asked, lambda _: toy.digests())


def by_name(found: Plan) -> dict[str, Any]:
    return {step.name: step for step in found.steps.values()}


@pytest.mark.parametrize(("scale", "count"), [(Scale.REHEARSAL, 160), (Scale.REHEARSAL_CPU, 4)])
def test_a_training_reads_its_list_often_enough(scale: Scale, count: int) -> None:
    found = by_name(plan(scale))
    repeat = found[f"repeat-lists-{count}"]
    assert f"--name train.txt --count {count}" in " ".join(repeat.argv)
    assert repeat.inputs["lists"].ref == found["data"].key
    train = found["train"].inputs["data"]
    assert (train.ref, train.path, train.target) == (repeat.key, "lists", "/in/data")


@pytest.mark.parametrize("scale", [Scale.PAPER, Scale.SMOKE])
def test_at_other_scales_it_reads_it_as_it_is(scale: Scale) -> None:
    found = by_name(plan(scale))
    assert set(found) == {"data", "train", "score"}
    assert found["train"].inputs["data"].ref == found["data"].key


def test_how_much_is_done_fills_placeholders_and_enters_keys() -> None:
    usual = by_name(plan(Scale.REHEARSAL))
    assert usual["data"].argv[-1] == "8"
    assert usual["train"].argv[4] == "10"
    fewer = by_name(plan(Scale.REHEARSAL, images=3))
    assert fewer["data"].argv[-1] == "3"
    assert fewer["data"].key != usual["data"].key
    longer = by_name(plan(Scale.REHEARSAL, iterations=20))
    assert longer["data"].key == usual["data"].key
    assert longer["train"].key != usual["train"].key
    ids = {plan(Scale.REHEARSAL, images=n).runs[0].id for n in (None, 8, 3)}
    assert len(ids) == 2


def test_only_a_rehearsal_takes_images_and_iterations() -> None:
    with pytest.raises(UsageError, match="only a rehearsal"):
        plan(Scale.PAPER, images=3)


def test_rehearsed_steps_are_measured_and_others_are_not() -> None:
    for scale in toy.method().scales:
        measured = {"measure" in step.packages for step in plan(scale).steps.values()}
        assert measured == {scale.rehearsed}


def test_the_cpu_shim_counts_where_it_is_used() -> None:
    for scale in toy.method().scales:
        shims = {step.key_inputs["cpu_shim"] for step in plan(scale).steps.values()}
        assert shims == {scale.on_cpu}


def asset(**more: Any) -> Asset:
    made = {"argv": ["make", "{out}"], "packages": [], "contract": {"kind": "file"}}
    fields = {"title": "x", "size_gb": 1, "contract": {"kind": "file"}, "smoke": made, **more}
    return TypeAdapter(Asset).validate_python(fields)


def reading(scale: Scale, found: Asset, *, absent: bool) -> Plan:
    """The plan of a method whose one step reads an asset."""
    step = COMMON | toy.STEPS[0] | {"inputs": {"photos": "assets.photos"}}
    method = toy.method(steps=[step])
    digests = toy.digests(
        assets={"photos": "digest"}, absent=frozenset({"photos"} if absent else ())
    )
    ask = Ask(losses=(Losses.NONE,), seed=(1,), scale=scale)
    return make_plan([method], Catalogue({}, {"photos": found}, {}), ask, lambda _: digests)


@pytest.mark.parametrize("scale", REHEARSALS)
def test_an_asset_that_is_there_is_read(scale: Scale) -> None:
    found = by_name(reading(scale, asset(), absent=False))
    assert set(found) == {"data"}
    assert found["data"].inputs["photos"].kind == "asset"


@pytest.mark.parametrize("scale", REHEARSALS)
def test_one_that_is_not_is_made(scale: Scale) -> None:
    found = by_name(reading(scale, asset(), absent=True))
    assert found["data"].inputs["photos"].ref == found["make-photos"].key
    large = {"argv": ["large", "{images}"], "packages": [], "contract": {"kind": "file"}}
    count = {Scale.REHEARSAL: "8", Scale.REHEARSAL_CPU: "2"}[scale]
    found = by_name(reading(scale, asset(rehearsal=large), absent=True))
    assert found["make-photos"].argv == ("large", count)
    smoke = by_name(reading(Scale.SMOKE, asset(rehearsal=large), absent=True))
    assert smoke["make-photos"].argv == ("make", "{out}")


@pytest.mark.parametrize("chain", golden.chains())
@pytest.mark.parametrize("scale", REHEARSALS)
def test_every_step_of_every_chain_is_rehearsed(chain: str, scale: Scale) -> None:
    name, backbone = golden.chains()[chain]
    rehearsed, paper = (by_name(golden.plan([name], at, backbone)) for at in (scale, None))
    added = {step for step in rehearsed if step.startswith("repeat-")}
    assert rehearsed.keys() - added == paper.keys()
    method = load_method(golden.PROJECT, name, load_catalogue(golden.PROJECT))
    trained = {step.name for step in method.steps if step.stochastic} & paper.keys()
    if name != "demo":  # it draws as many pictures as its batches need
        assert trained == {step.name for step in method.steps if step.trains} & paper.keys()
    for step in rehearsed.values():
        assert not any("{images}" in text or "{iterations}" in text for text in step.argv)
        if scale is Scale.REHEARSAL and step.name in paper:
            few = {"hours": step.resources.hours, "disk_gb": step.resources.disk_gb}
            assert step.resources == replace(paper[step.name].resources, **few)
            assert (step.threads, step.workers) == (
                paper[step.name].threads,
                paper[step.name].workers,
            )
        assert scale is Scale.REHEARSAL or step.resources.gpus == 0

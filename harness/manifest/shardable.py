"""Whether a step can be run in shards: a rule on its manifest."""

from typing import NamedTuple

from harness.manifest.contract import PER_ID
from harness.manifest.model import Step
from harness.manifest.placeholders import placeholders
from harness.manifest.yaml_document import KeyPath


class Fault(NamedTuple):
    """Why a step cannot be sharded."""

    where: KeyPath
    what: str
    hint: str


def fault_of(step: Step) -> Fault | None:
    """Why the step's `shards` cannot work; None if they can, or if there are none."""
    if step.shards is None:
        return None
    if step.stochastic:
        what = "a stochastic step: its shards would draw other numbers than the whole"
        return Fault(("shards",), what, "leave `shards` out")
    for name, output in step.outputs.items():
        where = ("outputs", name, "contract")
        if not isinstance(output.contract, PER_ID):
            what = f"a sharded step has one file per id, not {output.contract.kind!r}"
            return Fault(where, what, "leave `shards` out, or move the output to a step of its own")
        if not _is_cuttable(step, output.contract.ids):
            what = f"ids {output.contract.ids!r} of a sharded step: no list of a step or repository"
            return Fault((*where, "ids"), what, "write {in.NAME}/FILE; assets are not copied")
    if not _is_cuttable(step, step.shards.by):
        what = f"{step.shards.by!r} is no list of a step or repository"
        return Fault(("shards", "by"), what, "write {in.NAME}/FILE; assets are not copied")
    return None


def _is_cuttable(step: Step, template: str) -> bool:
    """Whether it is `{in.NAME}` or a file in it, and that input small: no asset."""
    name, *more = placeholders(template) or ("",)
    kind, _, named = name.partition(".")
    begins = template == f"{{{name}}}" or template.startswith(f"{{{name}}}/")
    reference = step.inputs.get(named, "assets")
    return kind == "in" and not more and begins and not reference.startswith("assets")

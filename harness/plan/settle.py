"""Give a plan its final keys once the assets that nobody had hashed before are hashed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.plan.bind import PROVISIONAL
from harness.plan.keys import digest_plain
from harness.plan.plan import UNVERIFIED, BoundInput, BoundStep, Plan, PlannedRun


def settle(plan: Plan, digests: Mapping[str, str]) -> Plan:
    """The plan that would have been made had `digests` (asset name -> sha256) been known.

    Only steps that read such an asset, or a step that does, get another key.
    """
    keys: dict[str, str] = {}  # key in `plan` -> final key
    steps: dict[str, BoundStep] = {}
    for step in plan.steps.values():  # parents come first
        final = _settled(step, keys, steps, digests) if step.provisional else step
        keys[step.key] = final.key
        steps[final.key] = final
    runs = tuple(
        PlannedRun(run=one.run, steps={name: keys[key] for name, key in one.steps.items()})
        for one in plan.runs
    )
    return Plan(runs=runs, steps=steps)


def _settled(
    step: BoundStep,
    keys: Mapping[str, str],
    steps: Mapping[str, BoundStep],
    digests: Mapping[str, str],
) -> BoundStep:
    inputs = {name: _input(one, keys) for name, one in step.inputs.items()}
    hashed = {
        name: _hashed(one, inputs[name], digests) for name, one in step.key_inputs["inputs"].items()
    }
    content = {**step.key_inputs, "inputs": hashed}
    content.pop(PROVISIONAL, None)
    if any(steps[one.ref].provisional for one in inputs.values() if one.kind == "step"):
        content[PROVISIONAL] = True
    return replace(step, key=digest_plain(content), key_inputs=content, inputs=inputs)


def _input(one: BoundInput, keys: Mapping[str, str]) -> BoundInput:
    return replace(one, ref=keys[one.ref]) if one.kind == "step" else one


def _hashed(
    hashed: Mapping[str, Any], one: BoundInput, digests: Mapping[str, str]
) -> dict[str, Any]:
    """An input as the key hashes it, with the digest of its asset or the key of its step."""
    if one.kind == "step":
        return {**hashed, "step": one.ref}
    if one.kind == "asset" and hashed["asset"].startswith(UNVERIFIED):
        return {**hashed, "asset": digests.get(one.ref, hashed["asset"])}
    return dict(hashed)

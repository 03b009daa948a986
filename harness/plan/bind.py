"""Bind the steps of one run, parents first, and key them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import UsageError
from harness.manifest.catalogue import Catalogue, SmokeMaker
from harness.manifest.model import (
    Losses,
    Method,
    Output,
    Resources,
    Scale,
    Step,
    Training,
)
from harness.manifest.references import listed, parse_reference
from harness.manifest.rehearsal_steps import list_of, repeating_step
from harness.manifest.smoke_steps import StandIns, smoke_step
from harness.names import choose
from harness.plan import keys
from harness.plan.fill import Values, fill_options, join_path, staged_packages
from harness.plan.plan import BoundInput, BoundStep, Run
from harness.plan.work import BoundWork, bind_work

KEY_SCHEMA = 1
#: Stands in what a key hashes where the key rests on an asset that nobody has hashed yet.
PROVISIONAL = "provisional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """The content addresses that a pure planner cannot find out by itself."""

    environment: str
    assets: Mapping[str, str]  # name -> digest, or unverified:name
    sources: Mapping[str, Any]  # repository -> its pin and the hashes of its patches in order
    pristine: Mapping[str, Any]  # repository -> its pin alone
    packages: Mapping[str, str]  # container-side package -> hash of its files
    absent: frozenset[str] = frozenset()  # assets that are not here: a rehearsal makes stand-ins


class Binder:
    """Binds the steps of one run, parents first."""

    def __init__(
        self, method: Method, catalogue: Catalogue, digests: Digests, run: Run, *, with_test: bool
    ) -> None:
        self.method = method
        self.catalogue = catalogue
        self.digests = digests
        self.run = run
        self.with_test = with_test
        self.stand_ins = StandIns(catalogue.assets, run.scale, digests.absent)
        self.anchor = method.anchors[run.anchor] if run.anchor else None
        self.steps = {step.name: step for step in method.steps if self._applies(step)}
        self.bound: dict[str, BoundStep] = {}

    def bind(self, until: Sequence[str] = ()) -> dict[str, BoundStep]:
        """Bind all steps, or those that lead to `until` (names of steps or labels of scores)."""
        named = {s.name: {s.name, self._label(s)} for s in self.steps.values()}
        last = {self._last(one, named) for one in until}
        for name, names in named.items():
            if not last or names & last:
                self._step(name)
        return self.bound

    def _last(self, word: str, named: Mapping[str, set[str | None]]) -> str:
        """The step, or the label of scores, that `word` means."""
        known = [*named, *(one for names in named.values() for one in names if one)]
        unknown = f"--until {word}: {self.method.method} has no such step or score"
        return choose(word, known, unknown, listed="steps")

    def _applies(self, step: Step) -> bool:
        backbones = step.backbones or self.method.backbones
        asked = self.with_test or not step.test
        return asked and self.run.backbone in backbones and self.run.scale in step.scales

    def _label(self, step: Step) -> str | None:
        """What a scoring step's score is called."""
        return step.score and fill_options(step.score, self.method, self.run)

    def _step(self, name: str) -> BoundStep:
        if name not in self.bound:
            if name not in self.steps:
                raise UsageError(
                    f"step {name!r} does not exist for {self.run.backbone} at scale "
                    f"{self.run.scale}",
                    hint="fix `backbones` or `scales` in the method's manifest",
                )
            step = self.steps[name]
            # Inputs first, so that a plan lists parents before children.
            inputs = {
                key: self._input(key, text)
                for key, text in step.inputs.items()
                if step.inputs_when.get(key, {}).items() <= self.run.options.items()
            }
            if self.run.rehearsal and step.trains:
                inputs |= self._repeated(step, step.trains, inputs)
            self.bound[name] = self._bind(step, inputs)
        return self.bound[name]

    def _input(self, name: str, text: str) -> BoundInput:
        reference = parse_reference(fill_options(text, self.method, self.run))
        if reference.kind == "repos":
            return BoundInput(
                kind="repo", ref=reference.name, path=reference.path, target=f"/in/{name}"
            )
        if reference.kind == "assets":
            return self._asset(name, reference.name, reference.path)
        if self.anchor and self.anchor.replaces == f"{reference.name}.{reference.output}":
            return BoundInput(
                kind="asset", ref=self.anchor.asset, path=reference.path, target=f"/in/{name}"
            )
        parent = self._step(reference.name)
        path = join_path(parent.outputs[reference.output].path, reference.path)
        return BoundInput(kind="step", ref=parent.key, path=path, target=f"/in/{name}")

    def _asset(self, key: str, name: str, path: str) -> BoundInput:
        target = f"/data/{key}"
        maker = self.stand_ins.maker(name)
        if maker is None:
            return BoundInput(kind="asset", ref=name, path=path, target=target)
        step = self._made(name, maker)
        path = join_path(step.outputs["asset"].path, path)
        return BoundInput(kind="step", ref=step.key, path=path, target=target)

    def _made(self, name: str, made: SmokeMaker) -> BoundStep:
        step = smoke_step(name, self.catalogue.assets[name], made)
        if step.name not in self.bound:
            inputs = {key: self._input(key, text) for key, text in made.inputs.items()}
            self.bound[step.name] = self._bind(step, inputs)
        return self.bound[step.name]

    def _repeated(
        self, step: Step, trains: Training, inputs: Mapping[str, BoundInput]
    ) -> dict[str, BoundInput]:
        """The input that holds a training's list, with the list repeated to fill its iterations."""
        name, file = list_of(trains)
        lists = inputs[name]
        text = Values(self.method, self.run, step, None, Resources()).text
        count = int(text(trains.batch)) * int(text("{iterations}"))
        repeating = repeating_step(f"{lists.path}-{count}", file, count)
        if repeating.name not in self.bound:
            read = dataclasses.replace(lists, target="/in/lists")
            self.bound[repeating.name] = self._bind(repeating, {"lists": read})
        made = self.bound[repeating.name]
        path = made.outputs["lists"].path
        return {name: BoundInput(kind="step", ref=made.key, path=path, target=lists.target)}

    def _bind(self, step: Step, inputs: Mapping[str, BoundInput]) -> BoundStep:
        seed = self._seed(step)
        resources = self._resources(step, seed)
        losses = self._losses(step)
        run = dataclasses.replace(self.run, losses=losses)
        text = Values(self.method, run, step, seed, resources)
        outputs = {name: text.output(output) for name, output in step.outputs.items()}
        fields: dict[str, Any] = {
            "repo": step.repo,
            "cwd": step.cwd,
            "argv": text.argv(step.argv),
            "env": text.mapping({**step.env, **({} if losses is Losses.NONE else step.losses_env)}),
            "links": text.links(step.links),
            "folders": step.folders,
            "out_folders": step.out_folders,
            "packages": staged_packages(step, losses, self.run.scale),
            "seed": seed,
            "threads": step.threads.at(self.run.scale),
            "workers": step.workers.at(self.run.scale),
        }
        key_inputs = self._key_inputs(fields, inputs, outputs, resources)
        return BoundStep(
            key=keys.digest_plain(key_inputs),
            key_inputs=key_inputs,
            name=step.name,
            stage=step.stage,
            about=step.about,
            method=self.method.method,
            stack=self.run.stack,
            scale=self.run.scale,
            patches=self.method.repositories.get(step.repo, ()) if step.repo else (),
            inputs=inputs,
            outputs=outputs,
            resources=resources,
            progress=step.progress,
            score=self._label(step),
            work=self._work(text, step, seed, resources),
            shards=text.shards(step.shards),
            **fields,
        )

    def _work(self, here: Values, step: Step, seed: int | None, resources: Resources) -> BoundWork:
        def at_paper(text: str) -> str:  # few steps have such a text
            run = dataclasses.replace(self.run, scale=Scale.PAPER, rehearsal=None)
            return Values(self.method, run, step, seed, resources).text(text)

        return bind_work(step, here.text, at_paper)

    def _resources(self, step: Step, seed: int | None) -> Resources:
        """What the step needs at this scale, with the number of GPUs that an option may set."""
        resources = step.resources.at(self.run.scale)
        if self.run.scale.on_cpu or step.gpus is None:
            return resources
        text = Values(self.method, self.run, step, seed, resources).text(step.gpus)
        return dataclasses.replace(resources, gpus=int(text))

    def _seed(self, step: Step) -> int | None:
        """The effective seed: None for a deterministic step, the fixed one if an option says so."""
        if not step.stochastic:
            return None
        return self.run.seed if self._reaches("seed_option", step) else self.method.fixed_seed

    def _losses(self, step: Step) -> Losses:
        """The losses injected into a step: none where an option keeps the run's from it."""
        return self.run.losses if self._reaches("losses_option", step) else Losses.NONE

    def _reaches(self, which: Literal["seed_option", "losses_option"], step: Step) -> bool:
        """Whether the chosen option lists the step (true without such an option)."""
        name: str | None = getattr(self.method, which)
        if name is None:
            return True
        return step.name in listed(self.method.options[name].choices[self.run.options[name]])

    def _key_inputs(
        self,
        fields: Mapping[str, Any],
        inputs: Mapping[str, BoundInput],
        outputs: Mapping[str, Output],
        resources: Resources,
    ) -> dict[str, Any]:
        """What the key hashes. Labels, descriptions, estimates, host and executor stay out."""
        content = {name: value for name, value in fields.items() if name != "repo"} | {
            "schema": KEY_SCHEMA,
            "environment": self.digests.environment,
            "source": self.digests.sources[fields["repo"]] if fields["repo"] else None,
            "gpus": resources.gpus,
            "cpu_shim": self.run.scale.on_cpu,
            "packages": {
                name: self.digests.packages[name] for name in ("site", *fields["packages"])
            },
            "inputs": {name: self._content(one) for name, one in inputs.items()},
            "outputs": {
                name: {"path": output.path, "contract": output.contract}
                for name, output in outputs.items()
            },
        }
        if any(self._provisional(one) for one in inputs.values()):
            content[PROVISIONAL] = True
        plain: dict[str, Any] = keys.plain(content)
        return plain

    def _content(self, one: BoundInput) -> dict[str, Any]:
        source: Any = one.ref
        if one.kind == "asset":
            source = self.digests.assets[one.ref]
        elif one.kind == "repo":
            source = self.digests.pristine[one.ref]
        return {one.kind: source, "path": one.path, "target": one.target}

    def _provisional(self, one: BoundInput) -> bool:
        if one.kind != "step":
            return False
        parent = next(step for step in self.bound.values() if step.key == one.ref)
        return parent.provisional

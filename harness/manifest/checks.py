"""What a method manifest must fulfil beyond types: references, templates, conditions, no cycle."""

import graphlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import ManifestError
from harness.manifest.arithmetic import whole_number
from harness.manifest.catalogue import Asset, Catalogue, Repository
from harness.manifest.fields import check_reference, is_name
from harness.manifest.model import Anchor, Arguments, Method, Option, Scale, Step, When
from harness.manifest.placeholders import fill, placeholders
from harness.manifest.references import (
    Reference,
    expansions,
    expressions,
    is_choice,
    listed,
    parse_reference,
    texts,
)
from harness.manifest.shardable import fault_of
from harness.manifest.shared_steps import Origin
from harness.manifest.yaml_document import KeyPath
from harness.manifest.yaml_source import YamlSource
from harness.names import suggest

_CHOOSING = {"inputs", "score", "gpus"}
_GPUS = re.compile("[0-9]|1[0-6]")
_PLAIN = {"out", "work", "seed", "workers", "threads", "gpus", "backbone", "losses", "scale"}
#: Known at the scales of a rehearsal only.
_REHEARSED = {"images", "iterations"}


def check_options(options: Mapping[str, Option], source: YamlSource) -> None:
    """Raise ManifestError where a default is no choice."""
    for name, option in options.items():
        where = ("options", name, "default")
        _known(source, where, (option.default,), option.choices, "choice")


def check_method(
    method: Method, catalogue: Catalogue, source: YamlSource, origins: Sequence[Origin]
) -> None:
    """Raise ManifestError, with file and line, at the first thing that does not hold.

    `origins` holds the place of each of the method's steps.
    """
    assets = catalogue.assets
    check = _Check(method, source, origins)
    check.known(("stacks",), method.stacks, catalogue.stacks, "stack")
    check.known(("repositories",), method.repositories, catalogue.repositories, "repository")
    check.unique_steps()
    for field in ("backbones", "stacks", "seeds"):
        check.once((field,), getattr(method, field))
    for field in ("seed_option", "losses_option"):
        check.reach(field, getattr(method, field))
    for index, step in enumerate(method.steps):
        where: KeyPath = ("steps", index)
        check.conditions(where, step)
        check.templates(where, step)
        check.choosing(where, step)
        check.work(where, step)
        check.inputs(where, step, catalogue.repositories, assets)
        check.outputs(where, step)
    check.parameters()
    for name, anchor in method.anchors.items():
        check.anchor(("anchors", name), anchor, assets)
    check.acyclic()


@dataclass(frozen=True, slots=True)
class _Check:
    method: Method
    source: YamlSource
    origins: Sequence[Origin]

    def place(self, where: KeyPath) -> tuple[YamlSource, KeyPath]:
        """The file that holds `where` of the whole method, and its key path there."""
        match where:
            case ("steps", int(index), *rest):
                origin = self.origins[index]
                return origin.source, ("steps", origin.index, *rest)
            case _:
                return self.source, where

    def fail(self, where: KeyPath, what: str, hint: str) -> ManifestError:
        source, place = self.place(where)
        return source.error(place, what, hint=hint)

    def known(
        self, where: KeyPath, names: Collection[str], known: Collection[str], what: str
    ) -> None:
        _known(*self.place(where), names, known, what)

    def once(self, where: KeyPath, values: Sequence[object]) -> None:
        for index, one in enumerate(values):
            if one in values[:index]:
                raise self.fail((*where, index), f"{one!r} twice", "keep one of the two")

    def reach(self, field: str, option: str | None) -> None:
        """The choices of an option that says which steps the run's seed or losses reach."""
        if option is None:
            return
        self.known((field,), (option,), self.method.options, "option")
        steps = {step.name for step in self.method.steps}
        for name, choice in self.method.options[option].choices.items():
            where = ("options", option, "choices", name, "fields")
            if "steps" not in choice.fields:
                raise self.fail(where, f"no field 'steps', for {field}", "list the steps there")
            self.known((*where, "steps"), listed(choice), steps, "step")

    def unique_steps(self) -> None:
        seen: set[str] = set()
        for index, step in enumerate(self.method.steps):
            if step.name in seen:
                raise self.fail(("steps", index, "name"), f"step {step.name!r} twice", "rename one")
            seen.add(step.name)

    def inputs(
        self,
        where: KeyPath,
        step: Step,
        repositories: Mapping[str, Repository],
        assets: Mapping[str, Asset],
    ) -> None:
        steps = {other.name: other for other in self.method.steps}
        if step.repo is not None:
            self.known((*where, "repo"), (step.repo,), self.method.repositories, "repository")
        self.known((*where, "inputs_when"), step.inputs_when, step.inputs, "input")
        for name, options in step.inputs_when.items():
            self.condition((*where, "inputs_when", name), When(options=options), step)
        for place, reference in self.references(where, step):
            match reference.kind:
                case "assets":
                    self.known(place, (reference.name,), assets, "asset")
                case "repos":
                    self.known(place, (reference.name,), repositories, "repository")
                case "given":
                    raise self.fail(
                        place,
                        f"'given.{reference.name}' is only for shared steps",
                        "name a step, asset or repository",
                    )
                case _:
                    self.known(place, (reference.name,), steps, "step")
                    outputs = steps[reference.name].outputs
                    self.known(place, (reference.output,), outputs, "output")

    def references(self, where: KeyPath, step: Step) -> Iterator[tuple[KeyPath, Reference]]:
        """All that the step's inputs can be, with their places."""
        for name, text in step.inputs.items():
            place = (*where, "inputs", name)
            for expanded in expansions(text, self.method.options):
                try:
                    yield place, parse_reference(check_reference(expanded))
                except ValueError as error:
                    raise self.fail(place, f"{error}, found {expanded!r}", "fix it") from error

    def conditions(self, where: KeyPath, step: Step) -> None:
        for index, item in enumerate(step.argv):
            if isinstance(item, Arguments):
                self.condition((*where, "argv", index, "when"), item.when, step)

    def condition(self, where: KeyPath, when: When, step: Step) -> None:
        if when.losses is not None and not step.injects_losses:
            raise self.fail(
                where,
                "depends on the losses, but the step does not declare it",
                "set injects_losses",
            )
        if when.backbone is not None:
            self.known(where, (when.backbone,), self.method.backbones, "backbone")
        self.choices((*where, "options"), when.options)

    def templates(self, where: KeyPath, step: Step) -> None:
        for place, text in texts(step):
            rehearsed = _only_rehearsed(step, place)
            for name in placeholders(text):
                if not self.fills(name, step) and not (rehearsed and name in _REHEARSED):
                    raise self.fail(
                        (*where, *place),
                        f"unknown placeholder {{{name}}} in {text!r}",
                        "placeholders: in.INPUT, p.PARAMETER, o.OPTION[.FIELD], "
                        + ", ".join(sorted(_PLAIN)),
                    )
                if name == "losses" and not step.injects_losses:
                    raise self.fail((*where, *place), "uses {losses}", "set injects_losses")

    def parameters(self) -> None:
        """Values of rehearsals may hold how much one does; no other value holds a placeholder."""
        for name, parameter in self.method.parameters.items():
            for scale in Scale:
                value = str(parameter.at(scale))
                known = _REHEARSED if scale.rehearsed else set()
                if unknown := [one for one in placeholders(value) if one not in known]:
                    raise self.fail(
                        ("parameters", name),
                        f"unknown placeholder {{{unknown[0]}}} in {value!r} at scale {scale}",
                        "a rehearsal's value may hold {images} and {iterations}",
                    )

    def choosing(self, where: KeyPath, step: Step) -> None:
        """Texts that say what a step is, and not only what it is told."""
        for place, text in texts(step):
            if place[0] in _CHOOSING and not is_choice(text):
                raise self.fail(
                    (*where, *place),
                    f"expected no placeholder, or {{o.OPTION.FIELD}} once, found {text!r}",
                    "let an option choose",
                )
        for count in expansions(step.gpus or "0", self.method.options):
            if not _GPUS.fullmatch(count):
                what = f"expected a number of GPUs from 0 to 16, found {count!r}"
                raise self.fail((*where, "gpus"), what, "fix it, or the option's choices")
        for label in expansions(step.score or "none", self.method.options):
            if not is_name(label):
                raise self.fail((*where, "score"), f"{label!r} is no name", "rename it")

    def work(self, where: KeyPath, step: Step) -> None:
        """Whether its expressions are whole numbers with the parameters of paper scale."""

        def value(name: str) -> str:
            kind, _, rest = name.partition(".")
            return str(self.method.parameters[rest].paper) if kind == "p" else "1"

        for name, text in expressions(step):
            try:
                whole_number(fill(text, value))
            except ValueError as error:
                raise self.fail((*where, "work", name), str(error), "fix it") from error

    def fills(self, name: str, step: Step) -> bool:
        kind, _, rest = name.partition(".")
        match kind:
            case "in":
                return rest in step.inputs
            case "p":
                return rest in self.method.parameters
            case "o":
                option, _, field = rest.partition(".")
                choices = (
                    self.method.options[option].choices if option in self.method.options else {}
                )
                return bool(choices) and (
                    not field or all(field in choice.fields for choice in choices.values())
                )
            case _:
                return not rest and kind in _PLAIN

    def outputs(self, where: KeyPath, step: Step) -> None:
        if step.score is not None and "scores" not in step.outputs:
            raise self.fail((*where, "score"), "a scoring step needs an output 'scores'", "add it")
        if fault := fault_of(step):
            raise self.fail((*where, *fault.where), fault.what, fault.hint)
        for backbone in step.backbones:
            self.known((*where, "backbones"), (backbone,), self.method.backbones, "backbone")

    def anchor(self, where: KeyPath, anchor: Anchor, assets: Mapping[str, Asset]) -> None:
        self.known((*where, "asset"), (anchor.asset,), assets, "asset")
        self.known((*where, "backbone"), (anchor.backbone,), self.method.backbones, "backbone")
        self.choices((*where, "options"), anchor.options)
        step, _, output = anchor.replaces.partition(".")
        outputs = {other.name: other.outputs for other in self.method.steps}
        self.known((*where, "replaces"), (step,), outputs, "step")
        self.known((*where, "replaces"), (output,), outputs[step], "output")
        scores = self.labels()
        for index, expected in enumerate(anchor.expect):
            self.known((*where, "expect", index, "score"), (expected.score,), scores, "score")

    def labels(self) -> set[str]:
        """Every label that a score can have."""
        scores = (step.score for step in self.method.steps if step.score)
        return {label for score in scores for label in expansions(score, self.method.options)}

    def choices(self, where: KeyPath, options: Mapping[str, str]) -> None:
        for name, choice in options.items():
            self.known(where, (name,), self.method.options, "option")
            self.known((*where, name), (choice,), self.method.options[name].choices, "choice")

    def acyclic(self) -> None:
        graph = {
            step.name: {
                reference.name
                for _, reference in self.references((), step)
                if reference.kind == "steps"
            }
            for step in self.method.steps
        }
        try:
            tuple(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            raise self.fail(
                ("steps",),
                f"inputs run in a circle: {' -> '.join(error.args[1])}",
                "cut the circle",
            ) from error


def _only_rehearsed(step: Step, place: KeyPath) -> bool:
    """Whether a text of the step is there in rehearsals alone."""
    match place:
        case ("argv", int(index)):
            item = step.argv[index]
            return isinstance(item, Arguments) and item.rehearsed
        case _:
            return False


def _known(
    source: YamlSource,
    where: KeyPath,
    names: Collection[str],
    known: Collection[str],
    what: str,
) -> None:
    for name in names:
        if name not in known:
            hint = suggest(name, sorted(known), "known")
            raise source.error((*where, name), f"unknown {what} {name!r}", hint=hint)

"""Fill the placeholders of one step that are values: parameters, options, seed, counts."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache

from harness.manifest.contract import Contract
from harness.manifest.model import (
    Arguments,
    Choice,
    Losses,
    Method,
    Output,
    Resources,
    Scale,
    Shards,
    Step,
    When,
)
from harness.manifest.placeholders import fill
from harness.plan.plan import Run


def fill_options(text: str, method: Method, run: Run) -> str:
    """`text` with what the run's options choose; all other placeholders stay."""

    def value(name: str) -> str | None:
        kind, _, rest = name.partition(".")
        return _chosen(method, run, rest) if kind == "o" else None

    return fill(text, value)


def _chosen(method: Method, run: Run, name: str) -> str:
    option, _, field = name.partition(".")
    choice: Choice = method.options[option].choices[run.options[option]]
    return choice.fields[field] if field else run.options[option]


class Values:
    """Fills the placeholders that are values; places (`in.X`, `out`, `work`) are left for later."""

    def __init__(
        self,
        method: Method,
        run: Run,
        step: Step,
        seed: int | None,
        resources: Resources,
    ) -> None:
        self.method, self.run = method, run
        self.scale = run.scale
        self.plain = {
            "seed": str(method.fixed_seed if seed is None else seed),
            "workers": str(step.workers.at(run.scale)),
            "threads": str(step.threads.at(run.scale)),
            "gpus": str(resources.gpus),
            "backbone": run.backbone,
            "losses": run.losses.value,
            "scale": run.scale.value,
        }
        if run.rehearsal is not None:
            self.plain["images"] = str(run.rehearsal.images)
            self.plain["iterations"] = str(run.rehearsal.iterations)

    def argv(self, items: Sequence[str | Arguments]) -> tuple[str, ...]:
        """The argv with its conditions decided."""
        chosen: list[str] = []
        for item in items:
            if isinstance(item, str):
                chosen.append(item)
            elif self._holds(item.when):
                chosen.extend(item.args)
        return tuple(self.text(text) for text in chosen)

    def mapping(self, items: Mapping[str, str]) -> dict[str, str]:
        """Values filled, names as they are."""
        return {name: self.text(text) for name, text in items.items()}

    def links(self, items: Mapping[str, str]) -> dict[str, str]:
        """Names and targets filled: upstream may name a file after a parameter."""
        return {self.text(name): self.text(text) for name, text in items.items()}

    def contract(self, contract: Contract) -> Contract:
        """The contract with its templates filled."""
        changed = {
            name: filled
            for name, text in _templates(contract)
            if (filled := self.text(text)) != text
        }
        # A replaced value is validated again, which costs more than filling it.
        return dataclasses.replace(contract, **changed) if changed else contract  # type: ignore[arg-type]

    def shards(self, shards: Shards | None) -> Shards | None:
        """The list that is split, with its template filled."""
        return shards and dataclasses.replace(shards, by=self.text(shards.by))

    def output(self, output: Output) -> Output:
        """The output with its contract filled; its estimate is of the full scale."""
        disk_gb = output.disk_gb if self.scale.full else None
        contract = self.contract(output.contract)
        if contract is output.contract and disk_gb == output.disk_gb:
            return output
        return dataclasses.replace(output, contract=contract, disk_gb=disk_gb)

    def text(self, template: str) -> str:
        """One string."""
        return fill(template, self._value) if "{" in template else template

    def _value(self, name: str) -> str | None:
        kind, _, rest = name.partition(".")
        if kind == "p":
            return self.text(str(self.method.parameters[rest].at(self.scale)))
        if kind == "o":
            return _chosen(self.method, self.run, rest)
        return self.plain.get(name)

    def _holds(self, when: When) -> bool:
        injected = self.run.losses.injected
        losses = {"any": bool(injected), "none": not injected, None: True}
        return (
            losses.get(when.losses, when.losses in injected)
            and self.scale in when.scales
            and when.backbone in (None, self.run.backbone)
            and all(self.run.options[name] == choice for name, choice in when.options.items())
        )


def _templates(contract: Contract) -> list[tuple[str, str]]:
    """The fields of a contract that hold a template."""
    pairs = ((name, getattr(contract, name)) for name in _fields(type(contract)))  # type: ignore[arg-type]  # a type is hashable
    return [(name, text) for name, text in pairs if isinstance(text, str) and name != "kind"]


@cache
def _fields(kind: type[Contract]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def staged_packages(step: Step, losses: Losses, scale: Scale) -> tuple[str, ...]:
    """The container-side packages that the step gets; a rehearsal is measured by one more."""
    # The patched script imports the losses inside its switch: without losses nothing is staged,
    # so that baseline keys do not depend on how the losses are computed.
    skip = {"losses"} if step.injects_losses and losses is Losses.NONE else set()
    measured = ("measure",) if scale.rehearsed else ()
    return (*(package for package in step.packages if package not in skip), *measured)


def join_path(first: str, second: str) -> str:
    """A path inside a path, where `.` is the root."""
    if "." in (first, second):
        return second if first == "." else first
    return f"{first}/{second}"

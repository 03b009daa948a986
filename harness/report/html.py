"""A report as one HTML file that needs nothing else: no network, no other file."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from harness.report.blocks import Report

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE, _STYLE, _SCRIPT = "report.html.j2", "report.css", "report.js"


def render(report: Report) -> str:
    """The report as HTML. All text is escaped, for it may come from logs of foreign code."""
    style, script = (_asset(name) for name in (_STYLE, _SCRIPT))
    return _template().render(report=report, style=style, script=script).lstrip()


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_asset(_TEMPLATE))


@cache
def _asset(name: str) -> str:
    return files("harness.report").joinpath("page", name).read_text(encoding="utf-8")

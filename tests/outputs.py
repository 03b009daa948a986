"""What --json prints, held against the schemas of `harness manifest schema`."""

import json
from functools import cache
from typing import Any

import jsonschema

from harness.shapes.outputs import output_schemas


@cache
def _validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(output_schemas()[name])


def valid(text: str) -> dict[str, Any]:
    """The one document that a command printed; it is as its schema says, or an error."""
    document: dict[str, Any] = json.loads(text)
    name = "error" if "error" in document else document["command"]
    _validator(name).validate(document)
    return document

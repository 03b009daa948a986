"""The JSON Schema of what each command prints with --json, and of its errors.

Fields that a command has only at times are named with a question mark.
"""

from collections.abc import Mapping
from typing import Any, Final

from harness.console import SCHEMA

Schema = Mapping[str, Any]

TEXT: Final = {"type": "string"}
COUNT: Final = {"type": "integer"}
NUMBER: Final = {"type": "number"}
FLAG: Final = {"type": "boolean"}
ANY: Final[Schema] = {}
NAMES: Final = {"type": "array", "items": TEXT}
MAP: Final = {"type": "object"}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def mapping(fields: Mapping[str, Schema]) -> Schema:
    """An object of these fields and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in fields if not name.endswith("?")],
        "properties": {name.removesuffix("?"): one for name, one in fields.items()},
    }


def fields(**found: Schema) -> Schema:
    """The same; a field that is not always there ends in two underscores."""
    return mapping({_name(name): one for name, one in found.items()})


def rows(**found: Schema) -> Schema:
    """Rows with a name and these fields."""
    return {"type": "array", "items": fields(name=TEXT, **found)}


def open_rows() -> Schema:
    """Rows with a name, and fields that are described elsewhere."""
    item = {"type": "object", "required": ["name"], "properties": {"name": TEXT}}
    return {"type": "array", "items": item}


def _name(name: str) -> str:
    return f"{name[:-2]}?" if name.endswith("__") else name


def output_schema(command: str, alternatives: tuple[Mapping[str, Schema], ...]) -> Schema:
    """The schema of a command: one of these documents, each in its envelope."""
    envelope: Mapping[str, Schema] = {"schema": {"const": SCHEMA}, "command": {"const": command}}
    found = [
        mapping({**envelope, **{_name(name): one for name, one in one_of.items()}})
        for one_of in alternatives
    ]
    inner = found[0] if len(found) == 1 else {"anyOf": found}
    return {"$schema": _DRAFT, "title": f"harness {command} --json", **inner}


def error_schema() -> Schema:
    """The schema of every command's error."""
    found = mapping(
        {
            "schema": {"const": SCHEMA},
            "command": TEXT,
            "error": TEXT,
            "hint": TEXT,
            "exit_code": COUNT,
            "missing?": open_rows(),
        }
    )
    return {"$schema": _DRAFT, "title": "an error of any command with --json", **found}


_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

#: Scores in percent; null where there are none.
J_AND_F: Final = maybe(fields(J=NUMBER, F=NUMBER, JF__=NUMBER))

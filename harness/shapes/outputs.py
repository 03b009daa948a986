"""The JSON Schemas of all that --json prints, by command: {"schema", "command", ...}."""

from collections.abc import Mapping

from harness.shapes import outputs_of_files, outputs_of_runs
from harness.shapes.schemas import Schema, error_schema, output_schema


def output_schemas() -> Mapping[str, Schema]:
    """The schema of each command's output by the command's words, and that of errors."""
    documents = {**outputs_of_runs.DOCUMENTS, **outputs_of_files.DOCUMENTS}
    found = {name: output_schema(name, one) for name, one in documents.items()}
    return {**found, "error": error_schema()}

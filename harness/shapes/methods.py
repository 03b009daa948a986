"""How methods are shown."""

from typing import Any

from harness.commands.context import Context
from harness.manifest.load import method_names


def method_rows(context: Context) -> list[dict[str, Any]]:
    """`methods --json`."""
    rows = []
    for name in method_names(context.project):
        method = context.method(name)
        rows.append(
            {
                "method": name,
                "title": method.title,
                "backbones": list(method.backbones),
                "stacks": list(method.stacks),
                "seeds": list(method.seeds),
                "steps": len(method.steps),
                "options": {
                    key: {"default": option.default, "choices": list(option.choices)}
                    for key, option in method.options.items()
                },
            }
        )
    return rows

"""How defaults of one's own are shown."""

from pathlib import Path
from typing import Any

from harness.commands.notify import without_secrets
from harness.commands.settings import Setting


def setting_row(one: Setting) -> dict[str, Any]:
    """One setting: its name, its value as text and what set it."""
    value = None if one.value is None else _hidden(str(one.value))
    return {"name": one.name, "value": value, "origin": one.origin}


def settings_file_row(file: Path) -> dict[str, Any]:
    """One place where settings are looked for."""
    return {"name": str(file), "found": file.is_file()}


def _hidden(text: str) -> str:
    """An address without what follows its host."""
    if not text.startswith(("http://", "https://")):
        return text
    return f"{without_secrets(text)}/..."

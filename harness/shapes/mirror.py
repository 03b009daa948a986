"""How mirrors are shown."""

from collections.abc import Mapping
from typing import Any

from harness.environments.mirror_folder import Damage


def made_document(made: Mapping[str, Any]) -> dict[str, Any]:
    """`mirror create --json`."""
    return {
        **made,
        "images": [{"name": tag, "id": image} for tag, image in made["images"].items()],
        "missing": [{"name": name, "how": how} for name, how in made["missing"].items()],
    }


def damaged_file_row(damage: Damage) -> dict[str, str]:
    """One file of a mirror that is not as listed."""
    return {"name": damage.path, "expected": damage.expected, "found": damage.found}

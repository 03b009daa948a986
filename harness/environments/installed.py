"""What is installed in the Python that runs this: here, and as the beginning of the probe.

So it runs on every stack (Python >= 3.9), and imports nothing of harness.
"""

import importlib.metadata
from typing import Any


def installed() -> dict[str, Any]:
    """Return every package with its version; the packages by installer; the packages by wheel.

    One version may have several wheels for a platform. The tags of a wheel tell which one it was.
    """
    versions: dict[str, str] = {}
    installers: dict[str, list[str]] = {}
    wheels: dict[str, list[str]] = {}
    for one in importlib.metadata.distributions():
        name = (one.metadata["Name"] or "").lower()
        if name and name not in versions:
            versions[name] = one.version
            installer = (one.read_text("INSTALLER") or "unknown").strip()
            installers.setdefault(installer, []).append(name)
            wheels.setdefault(wheel_tags(one.read_text("WHEEL") or ""), []).append(name)
    return {
        "pip_freeze": sorted(name + "==" + version for name, version in versions.items()),
        "installers": {by: sorted(names) for by, names in installers.items()},
        "wheels": {tags: sorted(names) for tags, names in wheels.items()},
    }


def wheel_tags(text: str) -> str:
    """Return the tags of a WHEEL file as the names of wheels join them; without any, `unknown`.

    `Tag: py2-none-any` and `Tag: py3-none-any` are `py2.py3-none-any`.
    """
    lines = [line.partition(":") for line in text.splitlines()]
    tags = [value.strip() for field, _, value in lines if field.strip().lower() == "tag"]
    parts = zip(*(tag.split("-", 2) for tag in tags))  # noqa: B905 - new in Python 3.10
    return "-".join(".".join(sorted(set(part))) for part in parts) or "unknown"

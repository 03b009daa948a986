"""Entities of a crate as JSON-LD has them, and the names of those that several modules refer to."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

Entity = dict[str, Any]

#: The program that ran the steps.
ENGINE = "#harness"
#: Terms of Workflow Run RO-Crate 0.5 that the context of RO-Crate 1.1 does not have.
TERMS: Mapping[str, str] = {
    **{
        name: f"https://w3id.org/ro/terms/workflow-run#{name}"
        for name in (
            "ContainerImage",
            "containerImage",
            "environment",
            "registry",
            "resourceUsage",
            "sha256",
            "tag",
        )
    },
    "buildInstructions": "https://codemeta.github.io/terms/buildInstructions",
}


def ref(identity: str) -> dict[str, str]:
    """A reference to an entity; that to a file is its place as a URI has it."""
    is_file = not identity.startswith(("#", "http"))
    return {"@id": quote(identity) if is_file else identity}


def refs(identities: Iterable[str]) -> list[dict[str, str]] | dict[str, str]:
    """References to entities, each once, in order; one alone without a list (RO-Crate 1.1)."""
    found = [ref(one) for one in dict.fromkeys(identities)]
    return found[0] if len(found) == 1 else found


def entity(identity: str, kind: str, **properties: Any) -> Entity:
    """An entity without the properties that are None or empty."""
    given = {name: one for name, one in properties.items() if one not in (None, "", [], {})}
    return {"@id": identity, "@type": kind, **given}


def property_value(identity: str, name: str, value: Any, **more: Any) -> Entity:
    """A named value."""
    return {**entity(identity, "PropertyValue", name=name, **more), "value": value}


def short_hash(*content: Any) -> str:
    """16 hex digits that tell contents apart, for the id of an entity."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

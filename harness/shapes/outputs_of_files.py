"""What commands about records, results, manifests and files print with --json."""

from collections.abc import Mapping
from typing import Final

from harness.shapes.schemas import (
    ANY,
    COUNT,
    FLAG,
    J_AND_F,
    MAP,
    NAMES,
    NUMBER,
    TEXT,
    Schema,
    maybe,
    open_rows,
    rows,
)

_DIFFERENCES: Final = rows(kind=TEXT, left=ANY, right=ANY, steps=NAMES)

#: By command; several where it prints one of several documents.
DOCUMENTS: Final[Mapping[str, tuple[Mapping[str, Schema], ...]]] = {
    "record list": (
        {
            "runs": rows(
                status=TEXT,
                steps=COUNT,
                start=maybe(TEXT),
                end=maybe(TEXT),
                hosts=NAMES,
                J=maybe(NUMBER),
                F=maybe(NUMBER),
            ),
            "damage": NAMES,
        },
        {
            "steps": rows(
                stage=maybe(COUNT),
                key=TEXT,
                run=TEXT,
                status=TEXT,
                start=maybe(TEXT),
                seconds=maybe(NUMBER),
                host=maybe(TEXT),
            ),
            "damage": NAMES,
        },
    ),
    "record show": ({"records": rows(record=maybe(MAP))},),
    "record diff": (
        {
            "left": TEXT,
            "right": TEXT,
            "explanation": TEXT,
            "suspect": maybe(TEXT),
            "diverging": maybe(TEXT),
            "equal_scores": maybe(FLAG),
            "scores": rows(left=J_AND_F, right=J_AND_F),
            "unrecorded": NAMES,
            "differences": _DIFFERENCES,
        },
    ),
    "record check": ({"run": TEXT, "same": FLAG, "differences": _DIFFERENCES},),
    "record export": ({"archive": TEXT, "runs": rows(), "files": NAMES, "damage": NAMES},),
    "record rebuild": (
        {
            "run": TEXT,
            "rebuilt": TEXT,
            "identical": FLAG,
            "steps": rows(equal=FLAG),
            "scores": rows(recorded=J_AND_F, rebuilt=J_AND_F),
        },
    ),
    "submission package": (
        {"run": TEXT, "val_J": NUMBER, "images": COUNT, "sha256": TEXT, "file": TEXT},
    ),
    "submission result": ({"run": TEXT, "J": NUMBER, "url": maybe(TEXT), "date": maybe(TEXT)},),
    "verdict": (
        {
            "paper": TEXT,
            "seeds": COUNT,
            "rows": open_rows(),
            "claims": open_rows(),
            "reported": open_rows(),
            "apart": MAP,
            "damage": NAMES,
            "unexpected": NAMES,
        },
    ),
    "gc": (
        {
            "dry_run": FLAG,
            "bytes": COUNT,
            "found": rows(kind=TEXT, bytes=maybe(COUNT), why=TEXT, error=maybe(TEXT)),
        },
    ),
    "cancel": ({"finished": FLAG, "cancelled": rows(key=TEXT, state=TEXT, holder=maybe(TEXT))},),
    "shell": ({"argv": NAMES, "env": maybe(MAP), "cwd": maybe(TEXT), "line": TEXT, "step": NAMES},),
    "score": (
        {
            "scores": MAP,
            "classes": rows(J=maybe(NUMBER), F=maybe(NUMBER)),
            "images": COUNT,
            "extra": MAP,
            "curve__": MAP,
        },
    ),
    "ablate fsl": (
        {
            "options": MAP,
            "pictures": NAMES,
            "baseline": MAP,
            "mu": {"type": "array", "items": MAP},
            "sigma": {"type": "array", "items": MAP},
            "best": MAP,
            "sensitivity": MAP,
            "notes": MAP,
        },
    ),
    "repos": ({"repositories": open_rows()},),
    "table": ({"table": ANY, "title": TEXT, "rows": open_rows(), "notes": NAMES},),
    "methods": (
        {
            "methods": rows(
                title=TEXT,
                backbones=NAMES,
                stacks=NAMES,
                seeds={"type": "array", "items": COUNT},
                steps=COUNT,
                options=rows(default=TEXT, choices=NAMES),
            )
        },
        {
            "method": TEXT,
            "title": TEXT,
            "backbones": NAMES,
            "losses": NAMES,
            "stacks": NAMES,
            "seeds": {"type": "array", "items": COUNT},
            "gpu_hours": NUMBER,
            "steps": open_rows(),
            "options": open_rows(),
            "anchors": open_rows(),
            "repositories": open_rows(),
            "paper": MAP,
        },
    ),
    "method new": ({"method": TEXT, "written": rows()},),
    "assets list": ({"assets": open_rows()},),
    "assets add": ({"assets": rows(path=TEXT)},),
    "manifest check": (
        {
            "ok": FLAG,
            "repositories": COUNT,
            "assets": COUNT,
            "stacks": COUNT,
            "published_numbers": COUNT,
            "methods": rows(steps=COUNT),
        },
    ),
    "config": ({"settings": rows(value=maybe(TEXT), origin=TEXT), "files": rows(found=FLAG)},),
}

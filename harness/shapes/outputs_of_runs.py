"""What commands that plan, execute and watch runs print with --json, inside the envelope."""

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
    fields,
    maybe,
    open_rows,
    rows,
)

_STEP: Final = {
    "stage": COUNT,
    "repo": maybe(TEXT),
    "status": TEXT,
    "cached": FLAG,
    "seconds": maybe(NUMBER),
    "key": TEXT,
    "error": maybe(TEXT),
    "remade": NAMES,
}
_RUN: Final = {
    "method": TEXT,
    "backbone": TEXT,
    "losses": TEXT,
    "seed": COUNT,
    "scale": TEXT,
    "stack": TEXT,
    "runtime": TEXT,
    "options": MAP,
}
_LOAD: Final = {
    "steps": COUNT,
    "done": COUNT,
    "to_do": COUNT,
    "gpu_hours": NUMBER,
    "disk_gb": NUMBER,
}
_CARDS: Final = {"peak_memory_gb": maybe(NUMBER), "peak_gpu_memory_gb": maybe(NUMBER)}

_SUBMITTED: Final[Mapping[str, Schema]] = {
    "plan": TEXT,
    "steps": rows(key=TEXT, job=maybe(TEXT), state=TEXT),
}

#: By command; several where it prints one of several documents.
DOCUMENTS: Final[Mapping[str, tuple[Mapping[str, Schema], ...]]] = {
    "reproduce": (
        {
            "plan": TEXT,
            "totals": fields(
                runs=COUNT, steps=COUNT, done=COUNT, failed=COUNT, blocked=COUNT, interrupted=COUNT
            ),
            "runs": rows(**_RUN, status=TEXT, scores=MAP, stage_scores=MAP, steps=rows(**_STEP)),
        },
        _SUBMITTED,
    ),
    "exec-step": ({"plan": TEXT, "steps": rows(**_STEP, hint=maybe(TEXT), exit_code=COUNT)},),
    "submit": (_SUBMITTED,),
    "rehearse": (
        {
            "scale": TEXT,
            "steps": rows(method=TEXT, **_STEP, **_CARDS, disk_gb=maybe(NUMBER)),
        },
    ),
    "plan": (
        {
            "plan": TEXT,
            "runs": rows(run=MAP, steps=MAP),
            "steps": open_rows(),
            "totals": fields(runs=COUNT, steps=COUNT, done=COUNT, to_do=COUNT, shared=COUNT),
            "arms": rows(method=TEXT, backbone=TEXT, losses=TEXT, runs=COUNT, **_LOAD),
            "jobs": rows(method=TEXT, stage=COUNT, **_LOAD, hours_each=maybe(NUMBER), gpus=COUNT),
            "missing": open_rows(),
            "disk_gb": NUMBER,
            "peak_disk_gb": NUMBER,
            "peak_disk_kept_gb": NUMBER,
            "outlook": MAP,
            "verdicts": maybe(MAP),
            "gpus": NAMES,
        },
        {  # with --simulate
            "plan": TEXT,
            "totals": fields(
                runs=COUNT,
                steps=COUNT,
                gpu_steps=COUNT,
                hours_measured=COUNT,
                gpu_hours=NUMBER,
                enough_gpus=COUNT,
            ),
            "critical_path": maybe(
                fields(
                    run=TEXT,
                    hours=NUMBER,
                    steps=rows(key=TEXT, stage=COUNT, gpus=COUNT, hours=NUMBER, hours_from=TEXT),
                )
            ),
            "fleets": rows(
                gpus=COUNT,
                hours=NUMBER,
                least_hours=NUMBER,
                utilisation=NUMBER,
                peak_gpus=COUNT,
                peak_cpus=COUNT,
                peak_memory_gb=NUMBER,
                peak_disk_gb=NUMBER,
                peak_disk_kept_gb=NUMBER,
            ),
        },
    ),
    "doctor": (
        {
            "methods": NAMES,
            "ready": FLAG,
            "lines": rows(state=TEXT, found=TEXT, needed=TEXT),
            "missing": open_rows(),
            "notes": open_rows(),
        },
    ),
    "anchor": (
        {
            "anchor": TEXT,
            "holds": FLAG,
            "scores": rows(
                metric=TEXT,
                stage=COUNT,
                expected=NUMBER,
                tolerance=NUMBER,
                found=maybe(NUMBER),
                source=TEXT,
                agrees=FLAG,
            ),
        },
    ),
    "fetch": ({"fetched": rows(kind=TEXT, path=TEXT)},),
    "build": ({"built": rows(method=TEXT, stack=TEXT, id=TEXT, handle=TEXT, pushed__=TEXT)},),
    "lock": ({"bases": rows(pinned=TEXT, current=TEXT)},),
    "mirror create": (
        {
            "mirror": TEXT,
            "methods": NAMES,
            "repositories": NAMES,
            "images": rows(id=TEXT),
            "assets": NAMES,
            "missing": rows(how=TEXT),
            "files": COUNT,
            "bytes": COUNT,
        },
    ),
    "mirror verify": ({"ok": FLAG, "files": COUNT, "damage": rows(expected=TEXT, found=TEXT)},),
    "verify": (
        {"ok": FLAG, "findings": rows(ok=FLAG, what=TEXT, expected=TEXT, found=TEXT)},
        {
            "ok": FLAG,
            "checked": COUNT,
            "damaged": rows(kind=TEXT, path=TEXT, damage=TEXT, moved_to=maybe(TEXT)),
        },
    ),
    "status": (
        {
            "runs": rows(
                number=maybe(COUNT),
                plan=TEXT,
                state=TEXT,
                final=J_AND_F,
                steps=rows(stage=COUNT, key=TEXT, state=TEXT),
            )
        },
    ),
    "scores": (
        {
            "ddof": COUNT,
            "groups": rows(
                **{name: one for name, one in _RUN.items() if name != "seed"},
                runs=MAP,
                scores=MAP,
                per_class__=MAP,
                cam_background=maybe(MAP),
            ),
            "unfinished": rows(status=TEXT),
            "damage": NAMES,
        },
    ),
    "report": ({"file": TEXT, "runs": rows()},),
    "logs": ({"step": TEXT, "key": TEXT, "log": TEXT},),
    "why": (
        {
            "run": TEXT,
            "step": TEXT,
            "key": TEXT,
            "state": TEXT,
            "reason": maybe(TEXT),
            "log": maybe(TEXT),
            "start": maybe(TEXT),
            "end": maybe(TEXT),
            "seconds": maybe(NUMBER),
            "host": maybe(TEXT),
            "holder": maybe(TEXT),
            "waits_for": NAMES,
            "nearest": maybe(TEXT),
            "differences": rows(finished=ANY, planned=ANY),
        },
    ),
}

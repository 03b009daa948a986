"""Checks of what a plan is made of: that it can be made, data, weights, mirror, upstream files."""

from harness.assets.declared import AssetState, AssetStatus
from harness.doctor.check import Line, Machine, Needs, State, line, not_needed, unknown
from harness.doctor.finding import Finding
from harness.environments.mirror import MirrorLayout, open_mirror
from harness.errors import EngineGone, HarnessError

_GRAVEST_LAST = (State.OK, State.NOTE, State.MISSING)


def plan(_: Machine, needs: Needs) -> Line:
    """Whether the methods can be planned here, and how much is to do."""
    if not needs.methods:
        return not_needed("plan", "no method named")
    needed = f"{needs.names} at --scale {needs.scale} on {needs.runtime}"
    if isinstance(needs.unplanned, EngineGone):
        return unknown("plan", needed, "engine")
    found = "; ".join([f"{len(needs.steps)} steps to do", *needs.ahead])
    if needs.unplanned is None:
        return Line(name="plan", state=State.OK, found=found, needed=needed)
    why = Finding(name="plan", what=str(needs.unplanned), steps=(needs.unplanned.hint,))
    return line("plan", found="none", needed=needed, bad=State.MISSING, findings=[why])


def data(_: Machine, needs: Needs) -> Line:
    """Whether data sets and weights are there or can be downloaded."""
    if not needs.assets:
        return not_needed("data", "no step that is to do reads any")
    absent = [one for one in needs.assets if one.state is AssetState.MISSING]
    by_hand = [one for one in absent if not one.downloads]
    changed = [one for one in needs.assets if one.state is AssetState.CHANGED]
    there = len(needs.assets) - len(absent)
    found = {
        "to be downloaded": [one.name for one in absent if one.downloads],
        "missing": [one.name for one in by_hand],
        "changed since they were hashed": [one.name for one in changed],
    }
    texts = [f"{what}: {', '.join(names)}" for what, names in found.items() if names]
    return line(
        "data",
        found="; ".join([f"{there} of {len(needs.assets)} there", *texts]),
        needed=", ".join(one.name for one in needs.assets),
        bad=State.MISSING if by_hand else State.NOTE,
        findings=[_by_hand(one) for one in by_hand] or [_changed(one) for one in changed],
    )


def mirror(_: Machine, needs: Needs) -> Line:
    """Whether the mirror named holds the repositories that the plan checks out."""
    if needs.mirror is None:
        return not_needed("mirror", "none named: repositories are cloned from their addresses")
    layout = MirrorLayout(needs.mirror)
    wanted = {name: layout.repository(one.url) for name, one in needs.repositories.items()}
    missing = [name for name, path in wanted.items() if not (path / "objects").is_dir()]
    needed = ", ".join(wanted) or "no repository"
    try:
        kind = "complete" if open_mirror(needs.mirror) else "repositories only"
    except HarnessError as error:
        broken = Finding(name="mirror", what=str(error), steps=(error.hint,))
        found = f"{needs.mirror} cannot be used"
        return line("mirror", found=found, needed=needed, bad=State.MISSING, findings=[broken])
    incomplete = Finding(
        name="mirror",
        what=f"{needs.mirror} misses {', '.join(missing)}",
        command=f"harness mirror create {needs.mirror} {needs.names}",
        instead=("leave --mirror (HARNESS_MIRROR) out: they are cloned from their addresses",),
    )
    return line(
        "mirror",
        found=f"{needs.mirror} ({kind})" + (f" misses {', '.join(missing)}" if missing else ""),
        needed=needed,
        bad=State.MISSING,
        findings=[incomplete] if missing else [],
    )


def files(_: Machine, needs: Needs) -> Line:
    """Whether the files of repositories that are here hold what steps read in them."""
    if not needs.files:
        return not_needed("files", "no file to check before it is read")
    state = max((one.state for one in needs.files), key=_GRAVEST_LAST.index)
    return line(
        "files",
        found="; ".join(f"{one.name}: {one.found}" for one in needs.files),
        needed=", ".join(one.name for one in needs.files),
        bad=state,
        findings=[
            Finding(name="files", what=f"{one.name}: {one.found}", steps=(one.fix,))
            for one in needs.files
            if one.state is state is not State.OK
        ],
    )


def _by_hand(asset: AssetStatus) -> Finding:
    return Finding(
        name=asset.name,
        what=f"{asset.title} ({asset.size_gb:g} GB) is not here",
        steps=asset.steps,
        command=asset.command,
        instead=(asset.elsewhere,),
    )


def _changed(asset: AssetStatus) -> Finding:
    return Finding(
        name=asset.name,
        what=f"{asset.path} changed since it was hashed",
        steps=("nothing, if it was meant: the next use hashes it again, and refuses another",),
    )

"""Checks of what a plan is made of: that it can be made, data, weights, mirror, upstream files."""

from harness.assets.declared import AssetState
from harness.doctor.check import Line, Machine, Needs, State, line
from harness.environments.mirror import MirrorLayout, open_mirror
from harness.errors import HarnessError

_GRAVEST_LAST = (State.OK, State.NOTE, State.MISSING)


def plan(_: Machine, needs: Needs) -> Line:
    """Whether the method can be planned here, and how much is to do."""
    if needs.method is None:
        return Line(check="plan", state=State.OK, found="no method named", needed="-")
    needed = f"{needs.method} at --scale {needs.scale} on {needs.runtime}"
    if needs.unplanned is not None:
        return Line(
            check="plan",
            state=State.MISSING,
            found=needs.unplanned,
            needed=needed,
            fix=needs.unplanned_fix,
        )
    found = "; ".join([f"{len(needs.steps)} steps to do", *needs.ahead])
    return Line(check="plan", state=State.OK, found=found, needed=needed)


def data(_: Machine, needs: Needs) -> Line:
    """Whether data sets and weights are there or can be fetched."""
    absent = [one for one in needs.assets if one.state is AssetState.MISSING]
    by_hand = [one for one in absent if one.name not in needs.downloadable]
    changed = [one for one in needs.assets if one.state is AssetState.CHANGED]
    there = len(needs.assets) - len(absent)
    found = [f"{there} of {len(needs.assets)} there"]
    found += [f"to be fetched: {', '.join(one.name for one in absent if one not in by_hand)}"]
    found += [f"missing: {', '.join(one.name for one in by_hand)}"]
    found += [f"changed since they were hashed: {', '.join(one.name for one in changed)}"]
    fixes = [f"{one.name}: {one.how}" for one in by_hand]
    if changed:
        fixes.append("changed ones are hashed again at their next use, and refused if they differ")
    return line(
        "data",
        good=not by_hand and not changed,
        bad=State.MISSING if by_hand else State.NOTE,
        found="; ".join(text for text in found if not text.endswith(": ")),
        needed=", ".join(one.name for one in needs.assets) or "none",
        fix="; ".join(fixes),
    )


def mirror(_: Machine, needs: Needs) -> Line:
    """Whether the mirror named holds the repositories that the plan checks out."""
    if needs.mirror is None:
        found = "none named: repositories are cloned from their addresses"
        return Line(check="mirror", state=State.OK, found=found, needed="-")
    layout = MirrorLayout(needs.mirror)
    wanted = {name: layout.repository(one.url) for name, one in needs.repositories.items()}
    missing = [name for name, path in wanted.items() if not (path / "objects").is_dir()]
    needed = ", ".join(wanted) or "no repository"
    make = f"harness mirror create {needs.mirror} {needs.method or ''}".strip()
    try:
        kind = "complete" if open_mirror(needs.mirror) else "repositories only"
    except HarnessError as error:
        return Line(
            check="mirror", state=State.MISSING, found=str(error), needed=needed, fix=error.hint
        )
    return line(
        "mirror",
        good=not missing,
        bad=State.MISSING,
        found=f"{needs.mirror} ({kind})" + (f" misses {', '.join(missing)}" if missing else ""),
        needed=needed,
        fix=make,
    )


def files(_: Machine, needs: Needs) -> Line:
    """Whether the files of repositories that are here hold what steps read in them."""
    return Line(
        check="files",
        state=max((one.state for one in needs.files), key=_GRAVEST_LAST.index, default=State.OK),
        found="; ".join(f"{one.name}: {one.found}" for one in needs.files) or "none to check",
        needed=", ".join(one.name for one in needs.files) or "-",
        fix="; ".join(one.fix for one in needs.files if one.state is not State.OK),
    )

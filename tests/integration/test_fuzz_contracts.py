"""Changed outputs against every kind of contract: accepted, and equal when read again, or refused.

They are read in a child process, as after a step; many in one, since starting one takes longer.
HARNESS_FUZZ says how many of a kind.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from pydantic import TypeAdapter

from harness.contracts import content
from harness.contracts.confined import Confined
from harness.contracts.failure import ContractError
from harness.contracts.outputs import Declared, inspect_outputs
from harness.files import remove_tree
from harness.manifest.contract import Contract
from tests.fuzz import rounds
from tests.mutations import mutated
from tests.unit.contracts.test_corrupt_outputs import CASES, lay_out

GB = 2.0**30
AT_ONCE = 100


@pytest.fixture(scope="module")
def confined() -> Iterator[Confined]:
    made = Confined()
    yield made
    made.close()


@pytest.mark.parametrize("kind", sorted(CASES))
def test_a_changed_output_is_accepted_and_equal_or_refused(
    confined: Confined, tmp_path: Path, kind: str
) -> None:
    lay_out(tmp_path)
    (tmp_path / "good").mkdir()
    CASES[kind].good(tmp_path / "good")
    ends: Counter[str] = Counter()
    for start in range(0, count := rounds(40), AT_ONCE):
        numbers = list(range(start, min(count, start + AT_ONCE)))
        ends.update(_ends(confined, tmp_path, kind, numbers))
    print(kind, dict(ends))  # with -s
    assert set(ends) <= {"accepted", "refused", "contained"}, ends
    assert ends["refused"] > 0


def _ends(confined: Confined, root: Path, kind: str, numbers: list[int]) -> list[str]:
    """How each ended; each is tried alone if one of them ended the process."""
    try:
        found: list[str] = confined.call(inspect_changed, root, kind, numbers, what="all")
    except ContractError:
        if len(numbers) == 1:
            return ["contained"]
        return [end for one in numbers for end in _ends(confined, root, kind, [one])]
    return found


def inspect_changed(root: Path, kind: str, numbers: list[int]) -> list[str]:
    """What `inspect_outputs` says of changed copies of a good output; runs in the child."""
    contract: Contract = TypeAdapter(Contract).validate_python(
        {"kind": kind, **CASES[kind].contract}
    )
    ends = []
    for number in numbers:
        out = root / "out"
        remove_tree(out)
        _copy_changed(root / "good", out, Random(f"{kind} {number}"))
        ends.append(_end(root, out, contract))
    return ends


def _end(root: Path, out: Path, contract: Contract) -> str:
    call = (out, {"x": Declared("x", contract)}, {"in.data": str(root / "data")}, GB)
    try:
        found = inspect_outputs(*call)
    except ContractError as error:
        return _named(error, out)
    except Exception:  # noqa: BLE001 - the caller of the child gets a refusal
        return "contained"
    again = inspect_outputs(*call)
    same = content.same(found["x"], content.describe(out / "x"))
    return "accepted" if found == again and same else f"unequal: {found} {again}"


def _copy_changed(good: Path, out: Path, rng: Random) -> None:
    """A copy of `good` in which one file is changed."""
    files = [path for path in sorted(good.rglob("*")) if path.is_file()]
    chosen = rng.choice(files)
    for path in files:
        target = out / path.relative_to(good)
        target.parent.mkdir(parents=True, exist_ok=True)
        data = path.read_bytes()
        target.write_bytes(mutated(data, rng) if path == chosen else data)


def _named(error: ContractError, out: Path) -> str:
    """A refusal names the file, in text that can be printed and stored."""
    text = f"{error}\n{error.hint}"
    fine = str(out) in text and all(sign.isprintable() or sign == "\n" for sign in text)
    return "refused" if fine else f"ill-named: {text!a}"

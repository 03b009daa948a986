"""The tone of each verdict."""

from collections.abc import Mapping
from typing import Final

from harness.report.blocks import Tone
from harness.verdict.results import Held, Status

TONES: Final[Mapping[str, Tone]] = {
    Status.REPRODUCED: Tone.GOOD,
    Status.SHIFTED: Tone.WARN,
    Status.CONSISTENT: Tone.PLAIN,
    Status.NOT_REPRODUCED: Tone.BAD,
    Status.INCOMPLETE: Tone.MUTED,
    Status.NOT_JUDGED: Tone.MUTED,
    Held.HOLDS: Tone.GOOD,
    Held.FAILS: Tone.BAD,
    Held.OPEN: Tone.MUTED,
}

"""The colours of states; the words stay where there is no colour."""

from typing import Final

_GREEN = "done ok ready equal yes holds reproduced consistent;as pinned"
_CYAN = "running cached"
_RED = "failed missing mismatch other no damaged absent;not reproduced"
_YELLOW = "stopped interrupted blocked leftover note changed incomplete;new pin;reproduced-shifted"


def _words(text: str) -> list[str]:
    """The words of the first part, and each other part as it is."""
    first, *others = text.split(";")
    return [*first.split(), *others]


_STYLES: Final = {
    word: colour
    for colour, text in (("green", _GREEN), ("cyan", _CYAN), ("red", _RED), ("yellow", _YELLOW))
    for word in _words(text)
}
#: Heads of the columns whose cells are states.
STATE_COLUMNS: Final = frozenset({"state", "status", "agrees", "verdict", "than recorded"})


def state_style(text: str) -> str:
    """The style of a state, which a reason may follow behind a colon; "" for one without."""
    return _STYLES.get(text.partition(":")[0].strip().lower(), "")

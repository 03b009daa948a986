"""Untrusted text on its way to a terminal: it may be read, and do nothing else.

Logs, file names and what other programs print can hold sequences that move the cursor, set the
clipboard, hide text or turn it around. Here they are taken out; stored files keep their bytes.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

#: A whole sequence: a string (OSC, DCS, ...) with its end, one of CSI, or a short one.
_SEQUENCE: Final = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\n\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
)
#: The beginning of a sequence at the end of a text, whose rest may come with the next piece.
_BEGUN: Final = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\n\x07\x1b\x90\x98\x9c-\x9f]*\x1b?\Z"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*\Z|\x1b[ -/]*\Z|\r\Z"
)
_LONGEST: Final = 4096  # characters of a sequence that is waited for
#: Controls, invisible and direction-changing characters, line separators, halves of characters.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_KEPT: Final = frozenset("\n\t")
_PLAIN: Final = re.compile(r"[\n\t -~]*")


def readable(text: str) -> str:
    r"""`text` without terminal sequences; any other unseen character as its escape, such as \x07.

    A line that was overprinted after a carriage return becomes several lines.

    >>> readable("\x1b[31mred\x1b[0m 10%\r20%\r\n\u202edone\x07")
    'red 10%\n20%\n\\u202edone\\x07'
    """
    if _PLAIN.fullmatch(text):
        return text
    plain = _SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one if _is_seen(one) else _escaped(one) for one in plain)


def readable_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """Each piece of a text as `readable`, also where a sequence is cut between two pieces."""
    waiting = ""
    for piece in pieces:
        text = waiting + piece
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST))
        end = begun.start() if begun else len(text)
        waiting = text[end:]
        yield readable(text[:end])
    yield readable(waiting)


def _is_seen(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in _UNSEEN


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()

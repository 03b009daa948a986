"""Take the picture of the live view: `.venv/bin/python docs/images/live.py` writes live.svg.

It runs the demo in a terminal of its own (tmux, 100 x 22) and keeps what that shows once a few
steps are done and a training is running. Nothing of it is drawn by hand.
"""

import io
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH, HEIGHT = 100, 22
DONE, MINUTES = 12, 30
WORDS = "reproduce demo --losses all --seeds 2 --runtime process --no-report"
TMUX = ("tmux", "-L", "harness-picture", "-f", "/dev/null")
FOLDER = Path(__file__).resolve().parent


def main() -> None:
    """Run, look, draw."""
    with tempfile.TemporaryDirectory() as runs:
        screen = watched(Path(runs))
    file = FOLDER / "live.svg"
    file.write_text(svg(screen, f"harness {WORDS.partition(' --no')[0]}"), encoding="utf-8")
    sys.stdout.write(f"{file}\n")


def watched(runs: Path) -> str:
    """What the terminal shows, with its colours, in the midst of the demo's run."""
    harness = Path(sys.executable).with_name("harness")
    size = ("-x", str(WIDTH), "-y", str(HEIGHT))
    command = f"{harness} {WORDS} --runs {runs}"
    tmux("new-session", "-d", *size, "-e", "COLORTERM=truecolor", command)
    try:
        end = time.monotonic() + 60 * MINUTES
        while time.monotonic() < end:
            time.sleep(0.5)
            screen = tmux("capture-pane", "-p", "-e")
            if len(list(runs.glob("store/*/*/record.json"))) >= DONE and is_telling(screen):
                return screen
        raise SystemExit(f"the demo was not half way after {MINUTES} minutes:\n{screen}")
    finally:
        tmux("kill-server")


def is_telling(screen: str) -> bool:
    """Whether a training is shown that is on its way."""
    found = re.findall(r"train-\S+ .*?(\d+)/(\d+)", Text.from_ansi(screen).plain)
    return any(0 < int(at) < int(of) for at, of in found)


def svg(screen: str, title: str) -> str:
    """The screen as a picture; it names no font that would have to be fetched."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(screen.rstrip()), soft_wrap=True)
    drawn = console.export_svg(title=title, unique_id="live")
    without_fonts = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    return re.sub(r"<!-- Generated .*? -->\n?", "", without_fonts)


def tmux(*words: str) -> str:
    """A command of tmux; what it prints."""
    argv: Sequence[str] = (*TMUX, *words)
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()

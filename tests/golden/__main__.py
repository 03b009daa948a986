"""Write the golden plans anew."""

from harness.core.model import Scale
from tests.golden import FOLDER, methods, plan, text

for name in methods():
    for scale in Scale:
        (FOLDER / f"{name}-{scale}.txt").write_text(text(plan(name, scale)), encoding="utf-8")

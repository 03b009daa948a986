"""The paper's Fig. 7: what FSL alone does to a rough map, over its two parameters (Sec. S.1).

    from harness.ablate import Options, run
    run(out, voc=Path | None, options=Options(), progress=None) -> Ablation

``voc=None`` uses drawn pictures. Writes ``fig7.png``, ``fig7.svg``, ``fig7.csv`` and
``fig7.json`` into ``out``; ``Ablation.text()`` is what a terminal shows.
"""

from __future__ import annotations

from .optimise import Options
from .study import Ablation, run

__all__ = ["Ablation", "Options", "run"]

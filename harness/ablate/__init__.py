"""Fig. 7 of the paper: optimise a rough map by FSL alone, over mu and over sigma (Sec. S.1).

    from harness.ablate import Options, run
    run(out, voc=Path | None, options=Options(), progress=None) -> Ablation

``voc=None`` uses drawn pictures. ``run`` writes ``fig7.png``, ``fig7.svg``, ``fig7.csv`` and
``fig7.json`` to ``out``. ``Ablation.text()`` formats the result for a terminal.
"""

from __future__ import annotations

from .optimise import Options
from .study import Ablation, run

__all__ = ["Ablation", "Options", "run"]

"""J, F and J&F of segmentations, as reported in Tables 6 and 7.

The package runs inside steps. It needs Python 3.9 or newer, numpy, Pillow and OpenCV.

    from harness.metrics.score import score_folder
    score_folder(pred, gt, ids, kind="png" | "cam", curve=False, allow_void=False, workers=None,
                 progress=None)
        -> Scores; .as_dict() is the documented shape

    python -m harness.metrics.score --pred DIR --gt DIR --list FILE --out scores.json
        [--kind png|cam] [--curve] [--classes N] [--allow-extra] [--allow-void] [--samples DIR]
        [--workers N] [--quiet]

J: mean over 21 classes of the intersection over union, from one confusion matrix of the whole data
set. Pixels with value 255 in the ground truth are ignored.
F: mean over the 20 foreground classes of the harmonic mean of contour precision and recall, both
from counts over the whole data set.
J&F: mean of J and F.
All values are in percent.
"""

from __future__ import annotations

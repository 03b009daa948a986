"""Speed and memory of the losses and scores, as ratios measured in one run.

``python -m benchmarks [--reference DIR] [--only fsl|scoring] [--device cpu|cuda]``
"""

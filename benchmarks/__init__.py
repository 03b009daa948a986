"""Speed and memory as ratios measured in one run, and error rates of verdicts by simulation.

``python -m benchmarks [--reference DIR] [--only NAME] [--device cpu|cuda] [--quick]``
"""

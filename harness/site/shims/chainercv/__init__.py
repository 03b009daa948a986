"""Stand-in for ChainerCV, so that SIPE's training script can be imported.

The script uses it only where it validates on masks, every ``--val_freq`` steps; the chain sets that
beyond the last step, scores with harness.metrics, and so needs no more than the names.
"""

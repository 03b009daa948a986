"""A stub of ChainerCV, so that SIPE's training script can be imported.

The script uses ChainerCV only to validate on masks, every ``--val_freq`` iterations. The manifest
sets that beyond the last iteration and scores with harness.metrics, so only the names are needed.
"""

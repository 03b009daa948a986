"""Reproduce *High-fidelity Pseudo-labels* from nine pinned repositories."""

__version__ = "0.1.0"

"""The error for files that cannot be scored."""

from __future__ import annotations


class ScoreError(ValueError):
    """Invalid input: no score can be computed from it. The text names the file."""

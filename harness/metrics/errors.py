"""What can be wrong with the files to be scored."""

from __future__ import annotations


class ScoreError(ValueError):
    """Input that no score may be computed from; the text names the file."""

"""Fetch, patch and verify upstream repositories; the only place that runs git."""

"""Manifests: their model and how they are read; no I/O but reading YAML, no machine."""

"""From manifests to runs and keyed steps, as pure values; no files, clock, network or process."""

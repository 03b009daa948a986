"""Pure planning: manifests, keys, plans. No network, git, docker, torch or clock."""

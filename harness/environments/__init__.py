"""Build what steps run in, venvs and images, and keep both in a mirror; starts no step."""

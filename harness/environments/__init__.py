"""Build what steps run in, virtual environments and images, and keep them in a mirror; starts no step."""

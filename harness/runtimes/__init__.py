"""Start, follow and end one isolated step: container, process, sandbox; nothing of plans or of the store."""

"""Start, follow and end one isolated step: container, process, sandbox; not the store or plans."""

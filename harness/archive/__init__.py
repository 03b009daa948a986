"""Hand finished runs over as a Workflow Run RO-Crate, and read them from there."""

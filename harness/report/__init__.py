"""One self-contained page about finished runs."""

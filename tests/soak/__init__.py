"""Faults at random points of the demo chain, and what must hold after each: `make soak`."""

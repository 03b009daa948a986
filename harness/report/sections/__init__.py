"""The sections of a report: each a pure function from evidence to blocks."""

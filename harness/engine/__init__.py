"""What fetches, builds, runs, stores and records."""

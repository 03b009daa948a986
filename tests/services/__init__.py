"""Real services for the tests, started and stopped by the project itself."""

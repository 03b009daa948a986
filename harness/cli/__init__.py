"""The command line: options in, one verb each, errors to exit codes. Heavy imports come late."""

from harness.cli import run, images, doctor, tend, anchor, look, own, study  # noqa: I001 - the order of --help
from harness.cli.app import main

__all__ = ["anchor", "doctor", "images", "look", "main", "own", "run", "study", "tend"]

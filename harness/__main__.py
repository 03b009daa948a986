"""`python -m harness`, and the script `harness`."""

from harness import again


def main() -> None:
    """Run the command line, unless nothing has changed since the same call."""
    if again.answered():
        return
    from harness import cli

    cli.main()


if __name__ == "__main__":
    main()

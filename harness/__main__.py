"""`python -m harness`, and the script `harness`."""

import sys


def main() -> None:
    """Run the command line, unless nothing has changed since the same call."""
    if sys.argv[1:2] == ["reproduce"]:  # no other command leaves notes
        from harness import again

        if again.answered():
            return
    from harness import cli

    cli.main()


if __name__ == "__main__":
    main()

"""`python -m harness`, and the script `harness`."""

import os
import sys

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def main() -> None:
    """Run the command line, unless nothing has changed since the same call."""
    _open_closed_streams()
    if sys.argv[1:2] == ["reproduce"]:  # no other command leaves notes
        from harness import again

        if again.answered():
            return
    from harness import cli

    cli.main()


def _open_closed_streams() -> None:
    """Have the null device for each standard stream that whoever called had closed.

    The next file that is opened would take its number, and what steps print would go there.
    """
    for name, mode in _STREAMS:
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)  # the lowest that is free: the stream's own
            os.set_inheritable(number, True)  # noqa: FBT003 - it takes no keyword
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()

"""Groups of commands: an unknown command is answered with the nearest one."""

from typing import Any

from typer.core import TyperGroup

from harness.errors import Interrupted, UsageError
from harness.names import suggest


class Commands(TyperGroup):
    """A group that says which command was meant perhaps."""

    #: The command that may be left out, if there is one.
    usual: str | None = None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that `args` begin with. Raises UsageError."""
        word = args[0]
        if self.get_command(ctx, word) is None and not ctx.resilient_parsing:
            shown = [name for name, one in self.commands.items() if not one.hidden]
            what = f"{ctx.command_path}: no command {word!r}"
            raise UsageError(what, hint=suggest(word, shown, "commands"))
        return super().resolve_command(ctx, args)


class Root(Commands):
    """All commands: Ctrl-C ends any of them as an error that says how to go on."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises Interrupted."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            hint = "run the same command again: it goes on from what is there"
            raise Interrupted("interrupted", hint=hint) from error

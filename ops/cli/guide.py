"""How the help reads: commands under headings in the order of a migration, paragraphs as wide as the terminal."""

from typing import Any

import typer.core

HEADINGS = {
    "Prepare": ("stack", "init", "try", "schema", "check", "plan", "document"),
    "Run": ("run", "produce", "consume", "pause", "resume", "add"),
    "Look": ("status", "serve", "metrics"),
    "Mend": ("dead-letters", "parked", "resync", "reapply"),
    "Prove": ("account", "verify", "trace"),
    "Cut over, and back": ("rehearse", "cutover", "ids", "reverse", "rollback"),
    "Replay": ("replay", "swap"),
    "End": ("drop",),
    "About": ("version",),
}


class Guide(typer.core.TyperGroup):
    """The commands of understudy."""

    def __init__(self, **settings: Any) -> None:
        """Give each command its heading."""
        super().__init__(**settings)
        _unwrap(self)
        for heading, names in HEADINGS.items():
            for name in names:
                command = self.commands[name]
                if isinstance(command, typer.core.TyperCommand | typer.core.TyperGroup):
                    command.rich_help_panel = heading

    def list_commands(self, _ctx: object) -> list[str]:
        """In the order of the headings."""
        return [name for names in HEADINGS.values() for name in names]


def _unwrap(group: typer.core.TyperGroup) -> None:
    """Join the lines of each paragraph: the library keeps a docstring's line breaks, and wraps them again."""
    for command in group.commands.values():
        paragraphs = (command.help or "").split("\n\n")
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        if isinstance(command, typer.core.TyperGroup):
            _unwrap(command)

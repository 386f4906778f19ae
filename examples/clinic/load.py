"""Creates the legacy clinic with its data, and the new schema.

examples/clinic/generate --scale 0.05 --seed 1 [--source DSN [--target DSN]]
"""

import argparse
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from ops import wiring
from ops.stack.state import Endpoints
from schemas.errors import ConfigError, ConflictError, SourceError, TargetError, UnderstudyError

FOLDER = Path(__file__).parent
FIGURES = FOLDER / "figures.toml"
# The files of each domain are called after it, with a number before: 10_foundation.sql.
FOUNDATION = "foundation"
DOMAINS = (FOUNDATION, "clinical", "business", "communications", "technical")
SCALE_MIN = 0.001  # Below it there would be doctors and patients, but no staff.
# Fewer rows than two, or no blemish at all, would show nothing. What is money may be any sum.
_SMALLEST = {"rows": 2, "blemishes": 1, "cents": 0}


def figures(scale: float, changed: Mapping[str, int]) -> dict[str, int]:
    """How many rows, blemishes and cents a clinic of this scale has.

    Args:
        scale: 1.0 is the whole clinic.
        changed: Other figures than those of figures.toml, by dotted name; at scale 1.0.

    Raises:
        ConfigError: The scale is too small, or nobody knows a name.
    """
    if scale < SCALE_MIN:
        raise ConfigError("the clinic cannot be that small", scale=scale, smallest=SCALE_MIN)
    base = dict(_flat(tomllib.loads(FIGURES.read_text(encoding="utf-8")), ""))
    for name in changed:
        if name not in base:
            raise ConfigError("no figure is called so", figure=name, file=FIGURES)
    return {
        name: max(_SMALLEST[name.partition(".")[0]], round(figure * scale))
        for name, figure in {**base, **changed}.items()
    }


def _flat(table: Mapping[str, object], prefix: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, int(str(value))))
    return found


def create_source(
    dsn: str,
    scale: float,
    seed: int,
    *,
    domains: Sequence[str] = DOMAINS,
    changed: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Create the legacy tables of all domains and fill them, in one transaction.

    Args:
        dsn: An empty database.
        scale: 1.0 is the whole clinic, about 1.2 million rows.
        seed: Another seed gives other values, but the same counts.
        domains: Whose tables get rows; the foundation at least.
        changed: Other figures than those of figures.toml.

    Returns:
        Rows per table.

    Raises:
        ConfigError: The scale is too small, or nobody knows a figure.
        ConflictError: The tables are there already.
        SourceError: The server refused.
    """
    settings = {name: str(figure) for name, figure in figures(scale, changed or {}).items()}
    try:
        with psycopg.connect(dsn) as connection:
            _run_files(connection, sorted((FOLDER / "legacy").glob("*.sql")))
            for name, value in ({"seed": str(seed)} | settings).items():
                connection.execute("SELECT set_config(%s, %s, true)", (f"clinic.{name}", value))
            _run_files(connection, _generators(domains))
            return _count_rows(connection)
    except (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateObject) as error:
        raise ConflictError(
            "the legacy clinic is loaded already", remedy="Use an empty database."
        ) from error
    except psycopg.Error as error:
        raise SourceError(_first_line(error)) from error


def _generators(domains: Sequence[str]) -> list[Path]:
    """The generator's files for some domains; those that are named after none are for all."""
    left_out = set(DOMAINS) - set(domains)
    files = sorted((FOLDER / "generator").glob("*.sql"))
    return [file for file in files if file.stem.partition("_")[2] not in left_out]


def create_target(dsn: str) -> None:
    """Create the schema "clinic" without rows, in one transaction.

    Raises:
        ConflictError: The schema is there already.
        TargetError: The server refused.
    """
    try:
        with psycopg.connect(dsn) as connection:
            _run_files(connection, sorted((FOLDER / "target").glob("*.sql")))
    except psycopg.errors.DuplicateSchema as error:
        raise ConflictError(
            "the schema clinic exists already", remedy="Use an empty database."
        ) from error
    except psycopg.Error as error:
        raise TargetError(_first_line(error)) from error


def _run_files(connection: psycopg.Connection, files: Sequence[Path]) -> None:
    for path in files:
        connection.execute(path.read_bytes())


def _count_rows(connection: psycopg.Connection) -> dict[str, int]:
    tables = connection.execute(
        "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    )
    count = sql.SQL("SELECT count(*) FROM {}")
    return {
        name: connection.execute(count.format(sql.Identifier(name))).fetchall()[0][0]
        for (name,) in tables.fetchall()
    }


def _first_line(error: psycopg.Error) -> str:
    return str(error).partition("\n")[0]


def main() -> int:
    """Run from the command line.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog="examples/clinic/generate", description="Creates the legacy clinic with its data."
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="1.0 is about 1.2 million rows (default)"
    )
    parser.add_argument("--seed", type=int, default=1, help="other values, the same counts")
    parser.add_argument(
        "--source",
        metavar="DSN",
        help="empty database for the legacy clinic; without it both are those that understudy.toml names",
    )
    parser.add_argument("--target", metavar="DSN", help="database for the new schema")
    parser.add_argument(
        "--figure",
        action="append",
        default=[],
        type=_figure,
        metavar="NAME=N",
        help="another figure than that of figures.toml, for instance blemishes.orders.unknown_status=7",
    )
    options = parser.parse_args()
    try:
        source, target = options.source, options.target
        if not source:
            source, target = servers().source_dsn, target or servers().target_dsn
        counts = create_source(source, options.scale, options.seed, changed=dict(options.figure))
        if target:
            create_target(target)
    except UnderstudyError as error:
        sys.stderr.write(f"{error}\n{error.advice or ''}".rstrip() + "\n")
        return error.exit_code
    for table, rows in counts.items():
        sys.stdout.write(f"{table:<22} {rows:>9,}\n")
    sys.stdout.write(f"{'in all':<22} {sum(counts.values()):>9,}\n")
    return 0


def servers() -> Endpoints:
    """Where the pipeline of this folder runs: on the embedded stack, if nobody says otherwise."""
    return wiring.endpoints(wiring.read(FOLDER))


def _figure(text: str) -> tuple[str, int]:
    """NAME=N."""
    name, _, figure = text.partition("=")
    return name, int(figure)


if __name__ == "__main__":
    sys.exit(main())

"""Creates the legacy clinic with its data, and the new schema.

python -m examples.clinic.load --scale 0.05 --seed 1 --source DSN [--target DSN]
"""

import argparse
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from schemas.errors import ConfigError, ConflictError, SourceError, TargetError, UnderstudyError

FOLDER = Path(__file__).parent
SCALE_MIN = 0.001  # Below it there would be doctors and patients, but no staff.


def create_source(dsn: str, scale: float, seed: int) -> dict[str, int]:
    """Create the legacy tables and fill them, in one transaction.

    Args:
        dsn: An empty database.
        scale: 1.0 is the whole clinic, about 173,000 rows.
        seed: Another seed gives other values, but the same counts.

    Returns:
        Rows per table.

    Raises:
        ConfigError: The scale is too small.
        ConflictError: The tables are there already.
        SourceError: The server refused.
    """
    if scale < SCALE_MIN:
        raise ConfigError("the clinic cannot be that small", scale=scale, smallest=SCALE_MIN)
    try:
        with psycopg.connect(dsn) as connection:
            _run_folder(connection, FOLDER / "legacy")
            for name, value in (("clinic.scale", str(scale)), ("clinic.seed", str(seed))):
                connection.execute("SELECT set_config(%s, %s, true)", (name, value))
            _run_folder(connection, FOLDER / "generator")
            return _count_rows(connection)
    except (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateObject) as error:
        raise ConflictError(
            "the legacy clinic is loaded already", remedy="Use an empty database."
        ) from error
    except psycopg.Error as error:
        raise SourceError(_first_line(error)) from error


def create_target(dsn: str) -> None:
    """Create the schema "clinic" without rows, in one transaction.

    Raises:
        ConflictError: The schema is there already.
        TargetError: The server refused.
    """
    try:
        with psycopg.connect(dsn) as connection:
            _run_folder(connection, FOLDER / "target")
    except psycopg.errors.DuplicateSchema as error:
        raise ConflictError(
            "the schema clinic exists already", remedy="Use an empty database."
        ) from error
    except psycopg.Error as error:
        raise TargetError(_first_line(error)) from error


def _run_folder(connection: psycopg.Connection, folder: Path) -> None:
    for path in sorted(folder.glob("*.sql")):
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
    parser = argparse.ArgumentParser(prog="python -m examples.clinic.load", description=__doc__)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="1.0 is about 173,000 rows (default)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--source", required=True, metavar="DSN", help="empty database for the legacy clinic"
    )
    parser.add_argument("--target", metavar="DSN", help="database for the new schema")
    options = parser.parse_args()
    try:
        counts = create_source(options.source, options.scale, options.seed)
        if options.target:
            create_target(options.target)
    except UnderstudyError as error:
        sys.stderr.write(f"{error}\n{error.advice or ''}".rstrip() + "\n")
        return error.exit_code
    for table, rows in counts.items():
        sys.stdout.write(f"{table:<16} {rows:>8,}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What COPY prints, in blocks of whole rows: psycopg's own loop over the rows costs twice as much.

Source: PostgreSQL manual, "Functions Associated with the COPY Command" (libpq).
"""

import select
from collections.abc import Iterator

from psycopg import errors, pq, sql

from ops.databases import Connection

# As get_copy_data says it; above, it is the length of a row.
_END, _NOT_YET = -1, 0
BLOCK_ROWS = 20_000
BLOCK_BYTES = 16_000_000


def blocks(
    connection: Connection, query: sql.Composable, rows_max: int = BLOCK_ROWS
) -> Iterator[bytes]:
    """Run a COPY ... TO STDOUT.

    Args:
        connection: Nothing else may be asked of it meanwhile.
        query: The command.
        rows_max: Of a block.

    Yields:
        Whole rows, as they are printed; fewer than `rows_max` where they come to BLOCK_BYTES.
    """
    pgconn = connection.pgconn
    _require(pgconn.exec_(query.as_bytes(connection)), pq.ExecStatus.COPY_OUT)
    ended = False
    try:
        while not ended:
            rows, ended = _rows(pgconn, rows_max)
            if rows:
                yield b"".join(rows)
    finally:
        if not ended:
            _give_up(pgconn)
    while result := pgconn.get_result():
        _require(result, pq.ExecStatus.COMMAND_OK)


def _rows(pgconn: pq.abc.PGconn, rows_max: int) -> tuple[list[memoryview], bool]:
    """The rows of one block, and whether they were the last ones."""
    rows: list[memoryview] = []
    size, get, take = 0, pgconn.get_copy_data, rows.append
    while size < BLOCK_BYTES and len(rows) < rows_max:
        length, row = get(1)
        if length > 0:
            take(row)
            size += length
        elif length == _NOT_YET:
            select.select([pgconn.socket], [], [])
            pgconn.consume_input()
        else:
            return rows, True
    return rows, False


def _give_up(pgconn: pq.abc.PGconn) -> None:
    """Leave the connection as a query that has failed does."""
    pgconn.get_cancel().cancel()
    while pgconn.get_copy_data(0)[0] != _END:
        continue
    while pgconn.get_result():
        continue


def _require(result: pq.abc.PGresult, status: pq.ExecStatus) -> None:
    if result.status != status:
        raise errors.error_from_result(result)

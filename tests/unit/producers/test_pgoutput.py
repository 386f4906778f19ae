"""Messages of pgoutput, built as the manual describes them."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers import pgoutput
from producers.pgoutput import UNCHANGED, Row
from schemas.errors import InvariantError

# Texts have no zero byte; some are as long as makes their length look like a mark.
TEXTS = st.binary(max_size=300).map(lambda text: text.replace(b"\0", b"t"))
LENGTHS = st.sampled_from([0x74, 0x7400, 0x7474, 0xFFFF, 0x1_0000, 0x1_7400, 0x74_0000])
AWKWARD = st.builds(bytes.__mul__, st.sampled_from([b"t", b"n", b"u", b"N"]), LENGTHS)
VALUES = st.one_of(st.none(), st.just(UNCHANGED), TEXTS)
ROWS = st.lists(VALUES, max_size=30) | st.lists(VALUES | AWKWARD, max_size=4)


def tuple_data(row: Row) -> bytes:
    parts = [struct.pack("!H", len(row))]
    for value in row:
        if value is None:
            parts.append(b"n")
        elif value is UNCHANGED:
            parts.append(b"u")
        else:
            parts.append(b"t" + struct.pack("!I", len(value)) + value)
    return b"".join(parts)


def same(read: Row, written: Row) -> bool:
    marks = [value is UNCHANGED for value in written]
    return read == written and [value is UNCHANGED for value in read] == marks


@settings(max_examples=50)
@given(st.sampled_from([b"I", b"U"]), st.integers(0, 2**32 - 1), st.lists(ROWS, min_size=1))
def test_a_run_of_inserts_or_updates_shows_relation_and_rows(
    kind: bytes, oid: int, rows: list[Row]
) -> None:
    run = [kind + struct.pack("!I", oid) + b"N" + tuple_data(row) for row in rows]
    (head,) = set(map(pgoutput.head, run))
    assert pgoutput.brings_new_rows(head)
    assert pgoutput.relation_oid(head) == oid
    assert all(map(same, pgoutput.new_rows(run), rows))


@settings(max_examples=50)
@given(ROWS, ROWS, st.sampled_from([b"K", b"O"]))
def test_an_update_shows_old_and_new_row(old: Row, new: Row, kind: bytes) -> None:
    data = b"U" + bytes(4) + kind + tuple_data(old) + b"N" + tuple_data(new)
    assert not pgoutput.brings_new_rows(pgoutput.head(data))
    before, after, whole = pgoutput.updated(data)
    assert whole == (kind == b"O")
    assert same(after, new)
    assert same(before, old)


@settings(max_examples=50)
@given(ROWS)
def test_a_delete_shows_the_old_row(old: Row) -> None:
    assert same(pgoutput.deleted(b"D" + bytes(4) + b"K" + tuple_data(old)), old)


def test_a_value_that_reads_like_the_mark_is_not_the_mark() -> None:
    data = b"I" + bytes(4) + b"N" + tuple_data([bytes(bytearray(UNCHANGED))])
    (row,) = pgoutput.new_rows([data])
    assert row == [UNCHANGED]
    assert row[0] is not UNCHANGED


def test_a_binary_column_is_refused() -> None:
    data = b"I" + bytes(4) + b"N" + struct.pack("!H", 1) + b"b" + struct.pack("!I", 1) + b"x"
    with pytest.raises(InvariantError):
        pgoutput.new_rows([data])


def test_a_relation_shows_names_types_and_key() -> None:
    columns = b"\x01id\0" + struct.pack("!Ii", 23, -1) + b'\x00a"b\0' + struct.pack("!Ii", 1700, 6)
    data = b"R" + struct.pack("!I", 77) + b"public\0Odd.Name\0d" + struct.pack("!H", 2) + columns
    relation = pgoutput.relation(data)
    assert (relation.oid, relation.schema, relation.name) == (77, "public", "Odd.Name")
    assert [(c.name, c.type_oid, c.type_modifier, c.key) for c in relation.columns] == [
        ("id", 23, -1, True),
        ('a"b', 1700, 6, False),
    ]


def test_a_transaction_carries_the_lsn_of_its_commit_and_unix_time() -> None:
    transaction = pgoutput.begin(b"B" + struct.pack("!QqI", 0x1_0000_0010, 1_500_000, 7))
    assert (transaction.lsn, transaction.xid, transaction.ts_ms) == (
        0x1_0000_0010,
        7,
        946_684_801_500,
    )
    assert pgoutput.commit_end(b"C\0" + struct.pack("!QQq", 1, 2, 3)) == 2


def test_a_logical_message_shows_prefix_and_content() -> None:
    data = b"M\x01" + struct.pack("!Q", 9) + b"understudy\0" + struct.pack("!I", 2) + b"{}"
    message = pgoutput.message(data)
    assert (message.transactional, message.lsn, message.prefix, message.content) == (
        True, 9, "understudy", b"{}",
    )  # fmt: skip


def test_a_truncate_names_all_its_relations() -> None:
    assert pgoutput.truncated(b"T" + struct.pack("!IBII", 2, 0, 5, 6)) == (5, 6)

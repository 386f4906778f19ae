"""A session that stays between two looks: it is the same one, until it breaks or nobody looks."""

import psycopg
import pytest

from ops.databases import Connection
from ops.watch.kept import Kept
from schemas.errors import TargetError
from tests.shop import Shop


def pid(connection: Connection) -> int:
    ((found,),) = connection.execute("SELECT pg_backend_pid()").fetchall()
    return int(str(found))


def test_a_session_stays_until_it_is_let_go(shop: Shop) -> None:
    kept = Kept(shop.target_dsn, "test", TargetError)
    first = kept.ask(pid)
    assert kept.ask(pid) == first
    with pytest.raises(TargetError, match="does not exist"):
        kept.ask(lambda connection: connection.execute("SELECT FROM nowhere"))
    assert kept.ask(pid) == first
    kept.close()
    again = kept.ask(pid)
    assert again != first
    kept.close()


def test_a_session_that_broke_between_two_questions_is_opened_anew(shop: Shop) -> None:
    kept = Kept(shop.target_dsn, "test", TargetError)
    first = kept.ask(pid)
    with psycopg.connect(shop.target_dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [first])
    assert kept.ask(pid) != first
    kept.close()


def test_a_server_that_does_not_answer_is_an_error_each_time() -> None:
    kept = Kept("postgresql://nobody@127.0.0.1:1/nothing", "test", TargetError)
    for _ in range(2):
        with pytest.raises(TargetError):
            kept.ask(pid)

"""Dead letters and parked rows as an operator deals with them, on a pipeline that runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.commands import running, wait_for, waiting
from tests.here import command_here
from tests.shop import Shop


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    """Orders 1 to 3 are too dear for the target, order 4 has a customer that does not exist."""
    empty_shop.source("""
        INSERT INTO customers VALUES (1, 'Ada', NULL, '2020-02-02 12:00');
        INSERT INTO orders SELECT n, 1, 0, 1000000, NULL FROM generate_series(1, 3) n;
        INSERT INTO orders VALUES (4, 99, 0, 100, NULL), (5, 1, 0, 100, NULL);
    """)
    empty_shop.target("ALTER TABLE shop.orders ADD CONSTRAINT modest CHECK (total < 5000)")
    return empty_shop


def told(shop: Shop, *words: str) -> dict[str, Any]:
    """What a command says in JSON."""
    ended = command_here(*words[:2], shop.folder, *words[2:])
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def keys(shop: Shop, *words: str) -> list[str]:
    """The legacy keys of what is listed."""
    listed = told(shop, *words, "--output", "json")
    assert listed["found"] >= len(listed["rows"])
    return [row["legacy_key"] for row in listed["rows"]]


def arrived(shop: Shop) -> int:
    """How many orders are in the target."""
    ((count,),) = shop.read("SELECT count(*) FROM shop.orders")
    return int(count)


def test_dead_letters_are_found_tried_again_and_given_up(shop: Shop, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder):
        wait_for("the good order", lambda: arrived(shop) == 1, log)
        wait_for("all that wait", lambda: waiting(shop) == 4, log)
        assert len(keys(shop, "dead-letters", "list")) == 3
        assert keys(shop, "parked", "list") == ["4"]
        assert keys(shop, "dead-letters", "list", "--only", "key=2") == ["2"]
        assert len(keys(shop, "dead-letters", "list", "--only", "reason=MODEST")) == 3
        assert keys(shop, "dead-letters", "list", "--only", "sqlstate=22003") == []
        assert keys(shop, "dead-letters", "list", "--only", "since=2999-01-01") == []
        assert keys(shop, "parked", "list", "--entity", "customers") == []
        letter = told(shop, "dead-letters", "show", "--entity", "orders", "--key", "2")
        assert letter["image"]["cents"] == 1000000
        assert (letter["sqlstate"], letter["constraint_name"]) == ("23514", "modest")
        parked = told(shop, "parked", "show", "--entity", "orders", "--key", "4")
        assert parked["waits_for"] == "customers"
        lines = command_here("dead-letters", "export", shop.folder).stdout.splitlines()
        assert [json.loads(line)["image"]["id"] for line in lines] == [1, 2, 3]

        given_up = command_here(
            "dead-letters", "discard", shop.folder, "--only", "key=3", "--because", "a test order"
        )
        assert (given_up.returncode, given_up.stdout) == (0, "orders 3\n")
        shop.target("ALTER TABLE shop.orders DROP CONSTRAINT modest")
        tried = command_here(
            "dead-letters", "retry", shop.folder, "--only", "key=1", "--wait", "30"
        )
        assert (tried.returncode, tried.stderr) == (0, "to be tried again: 1\nleft: 0\n")
        assert arrived(shop) == 2
        command_here("dead-letters", "retry", shop.folder, "--wait", "30")
        assert arrived(shop) == 3
        shop.source("UPDATE orders SET cents = 5 WHERE id = 3")
        wait_for("the newer version", lambda: arrived(shop) == 4, log)
    audited = shop.read("SELECT action, subject, detail FROM understudy.audit_log ORDER BY id")
    assert audited[:2] == [
        ("discard", "orders", {"why": "a test order", "count": 1, "keys": ["3"]}),
        ("retry", "orders", {"count": 1, "keys": ["1"]}),
    ]


@pytest.mark.long
def test_a_corrected_rule_is_taken_up_by_the_workers_that_run(shop: Shop, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with running(log, "run", shop.folder):
        wait_for("the good order", lambda: arrived(shop) == 1, log)
        wait_for("all that wait", lambda: waiting(shop) == 4, log)
        shop.edit(
            "entities/orders.toml", "cents::numeric / 100", "least(cents, 499900)::numeric / 100"
        )
        shop.edit("entities/orders.toml", 'where  = "cents', 'where  = "customer_id < 99 and cents')
        tried = command_here("dead-letters", "retry", shop.folder, "--wait", "30")
        assert tried.stderr == "to be tried again: 3; new rules: orders\nleft: 0\n"
        assert arrived(shop) == 4
        wait_for("the parked one", lambda: waiting(shop) == 0, log)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("list", "--only", "colour=red"), 2, "nothing can be chosen by colour=red"),
        (("list", "--only", "since=yesterday"), 2, "yesterday is no time"),
        (("list", "--entity", "ordes"), 2, "did you mean orders?"),
        (("discard", "--because", "x"), 2, "this would discard them all"),
        (("discard", "--because", " ", "--only", "key=1"), 2, "wants a reason"),
        (("list",), 7, "no control schema yet"),
        (("retry",), 7, "no control schema yet"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    empty_shop: Shop, words: tuple[str, ...], code: int, text: str
) -> None:
    ended = command_here("dead-letters", words[0], empty_shop.folder, *words[1:])
    assert ended.returncode == code, ended.stderr
    assert text in ended.stderr
    assert "Traceback" not in ended.stderr

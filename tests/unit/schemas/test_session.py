import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.session import consumer_options, options, parameters, producer_options, redacted

HIDDEN = "s3cr3t"


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{HIDDEN}@host:5432/db",
        f"postgres://me:a{HIDDEN}/x@host/db",
        f"postgresql://:{HIDDEN}@/db",
        f"postgresql://host/db?user=me&password={HIDDEN}",
        f"host=h password={HIDDEN} dbname=d",
        f"host=h password = '{HIDDEN} it\\'s {HIDDEN}' dbname=d",
        f"host=h password=a\\ {HIDDEN} dbname=d",
        f"host=h password='never closed {HIDDEN}",
        f"host=h PASSWORD={HIDDEN}",
        f"sslpassword={HIDDEN} host=h",
        f"http://someone:{HIDDEN}@127.0.0.1:8081/apis",
    ],
)
def test_no_password_is_left_in_a_dsn(dsn: str) -> None:
    assert HIDDEN not in redacted(dsn)
    assert "***" in redacted(dsn)


@pytest.mark.parametrize("dsn", ["host=h dbname=d user=u", "postgresql://u@h:5432/d", ""])
def test_a_dsn_without_a_password_stays_as_it_is(dsn: str) -> None:
    assert redacted(dsn) == dsn


def test_what_is_not_the_password_stays_readable() -> None:
    assert redacted("postgresql://u:x@h:5432/d") == "postgresql://u:***@h:5432/d"
    assert redacted("host=h password=x dbname=d") == "host=h password=*** dbname=d"


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_a_quoted_password_never_shows(password: str) -> None:
    escaped = password.replace("\\", "\\\\").replace("'", "\\'")
    assert redacted(f"password='{escaped}' host=h") == "password=*** host=h"


def test_every_session_is_pinned() -> None:
    text = options(lock_timeout="5s", application="a b\\c")
    assert "-c TimeZone=UTC" in text
    assert "-c search_path= " in text
    assert text.endswith("-c lock_timeout=5s -c application=a\\ b\\\\c")
    assert parameters("worker")["application_name"] == "understudy worker"


def test_kafka_neither_gives_up_a_record_nor_resets_an_offset() -> None:
    producing, consuming = producer_options("b", "c"), consumer_options("b", "g", "c")
    assert producing["message.timeout.ms"] == 0
    assert (producing["acks"], producing["enable.idempotence"]) == ("all", True)
    assert producing["partitioner"] == "murmur2_random"
    assert consuming["auto.offset.reset"] == "error"
    assert not consuming["enable.auto.commit"]

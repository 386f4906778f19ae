import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from ops import logs
from ops.cli.output import report, say
from ops.logs import FORMAT_VARIABLE, Seldom
from schemas.errors import ConfigError, TargetError

DEADLINE_S = 20.0

log = structlog.get_logger("consumers.lane")


@pytest.fixture(autouse=True)
def root_as_before() -> Iterator[None]:
    """The handlers of the tests themselves stay."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    logs._PART.clear()


def test_in_a_container_everything_on_stderr_is_an_event(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FORMAT_VARIABLE, "json")
    logs.configure()
    logs.name_part("worker")
    log.info("assigned", partitions="orders/0")
    logging.getLogger("librdkafka").warning("broker %s is down", 7)
    say("stopped")
    code = report(TargetError("it refuses", sqlstate="42P01"))
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(one["level"], one["event"].split(":")[0]) for one in events] == [
        ("info", "assigned"),
        ("warning", "broker 7 is down"),
        ("info", "stopped"),
        ("error", "The target database refused or failed"),
    ]
    assert all(one["part"] == "worker" and one["pid"] for one in events)
    assert events[0]["partitions"] == "orders/0"
    assert code == 6


def test_a_form_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORMAT_VARIABLE, "xml")
    with pytest.raises(ConfigError, match="UNDERSTUDY_LOG_FORMAT is xml"):
        logs.configure()


def test_a_warning_that_repeats_is_told_once_a_minute_with_how_often(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moment = [1000.0]
    monkeypatch.setattr("ops.logs.time.monotonic", lambda: moment[0])
    logs.configure()
    for second in range(121):
        moment[0] = 1000.0 + second
        log.warning("not applied", topic="orders", delay_s=0.1 * second)
        if second == 30:
            log.warning("not applied", topic="items", delay_s=0.1)
    log.error("stopped", entity="orders")
    log.error("stopped", entity="orders")
    lines = capsys.readouterr().err.splitlines()
    assert ["repeated=59" in line for line in lines if "topic=orders" in line] == [
        False,
        True,
        True,
    ]
    assert sum("topic=items" in line for line in lines) == 1
    assert sum("event=stopped" in line for line in lines) == 2


def test_what_a_library_repeats_with_other_numbers_is_the_same() -> None:
    seldom = Seldom()
    told = [
        seldom.filter(logging.LogRecord("kafka", logging.WARNING, "", 0, text, None, None))
        for text in ("down after 12ms", "down after 9ms", "up after 9ms")
    ]
    assert told == [True, False, True]


def test_a_kafka_that_is_away_is_one_line_a_minute_for_each_thing_that_librdkafka_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moment = [1000.0]
    monkeypatch.setattr("ops.logs.time.monotonic", lambda: moment[0])
    logs.configure()
    for second in range(61):
        moment[0] = 1000.0 + second
        for client in ("producer", "consumer"):
            logging.getLogger("understudy.kafka").error(
                "FAIL [understudy-shop#%s-%s] [thrd:127.0.0.1:9092/1]: 127.0.0.1:9092/1: Connect to "
                "ipv4#127.0.0.1:9092 failed: Connection refused (after %sms in state CONNECT%s)",
                *(client, second % 3, second, ", 30 identical error(s) suppressed" * (second % 2)),
            )
    first, second_line = capsys.readouterr().err.splitlines()
    assert "repeated" not in first
    assert "repeated=119" in second_line


def test_a_file_that_is_appended_to_can_be_cut_while_it_is_written(tmp_path: Path) -> None:
    """As logrotate does with copytruncate."""
    file, program = (
        tmp_path / "run.log",
        "from ops import logs; logs.configure(); import structlog\n",
    )
    program += "for line in open(0): structlog.get_logger('ops').info(line.strip())"
    with file.open("ab") as stderr:
        writer = subprocess.Popen(
            [sys.executable, "-P", "-c", program], stdin=subprocess.PIPE, stderr=stderr
        )
    assert writer.stdin is not None
    for word in ("before", "after"):
        writer.stdin.write(f"{word}\n".encode())
        writer.stdin.flush()
        deadline = time.monotonic() + DEADLINE_S
        while f"event={word}" not in file.read_text():
            assert time.monotonic() < deadline
        os.truncate(file, 0 if word == "before" else file.stat().st_size)
    writer.communicate()
    written = file.read_text()
    assert "\0" not in written
    assert written.count("\n") == 1
    assert "event=after" in written

"""ops/bin/demo: the clinic moves while it is being written to, and an independent checker says whether it arrived.

Starts the embedded stack, loads the legacy clinic, runs the pipeline, writes to the legacy side during snapshot
and tail, takes the account meanwhile, stops the writer, waits until everything written is applied, takes the account
again, and has an independent program compare both sides, value by value.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from examples.clinic.load import FOLDER, create_source, create_target
from examples.clinic.writer import Writer
from ops import wiring
from ops.cli import output
from ops.cli.output import Format
from ops.proof import account_text, accounting
from ops.proof.account import Account
from ops.stack import postgres, stack
from ops.stack.state import Endpoints, temporary_home
from schemas.errors import MismatchError, NotReadyError, UnderstudyError
from schemas.event_id import lsn_text
from tests.checker.check import check
from tests.checker.report import Report

SEED = 1
POLL_S = 0.2
LOG = "run.log"
LOG_LINES = 15
APPLIED_S_MAX = 900.0
STOP_S_MAX = 15.0
# Rows that waited for each other are tried again by sweeps; the comparison is repeated for so long.
SETTLE_S_MAX = 20.0
ACCOUNT_S_MAX = 120.0
NOTES = """  parked, dead letters: awkward legacy rows, made on purpose; examples/clinic/README.md lists them and why
  an independent program has computed from the source what each row should be, column by column, and read the target"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PIPELINE = (sys.executable, "-m", "ops", "run", str(FOLDER))


@app.command()
def demo(
    scale: Annotated[
        float, typer.Option(help="1.0 is the whole clinic, 1.24 million rows.", min=0.001)
    ] = 0.1,
    seconds: Annotated[
        float, typer.Option(help="How long the writer goes on after the snapshot.", min=0)
    ] = 10.0,
    rate: Annotated[float, typer.Option(help="Transactions of the writer per second.", min=1)] = 20,
    accounts: Annotated[
        int, typer.Option(help="Accounts taken while the clinic works on.", min=1)
    ] = 1,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave stack and pipeline running.")] = False,
    form: Annotated[
        Format, typer.Option("--output", help="table, or json: one object in the last line.")
    ] = Format.TABLE,
) -> None:
    """Move the legacy clinic while it is being written to, and prove that every row arrived."""
    started = time.monotonic()
    with ExitStack() as running:
        home = _home(running, keep=keep)
        at = _stack(running, home, keep=keep)
        _say(f"loading the legacy clinic at scale {scale}")
        create_source(at.source_dsn, scale, SEED)
        create_target(at.target_dsn)
        _say("starting the pipeline: snapshot and tail, while the clinic goes on working")
        pipeline = _pipeline(running, home, keep=keep)
        written = _write(at, rate, seconds, accounts, pipeline)
        _say("the writer has stopped; waiting until all of it is applied")
        lag_ms = _drained(at, pipeline)
        account = _take_account(at)
        _say("comparing both sides value by value")
        report = _settled(at)
        summary = _summary(account, report, lag_ms, time.monotonic() - started)
        _tell(account, report, summary, written, form)
        if keep:
            _tell_where(home, at, pipeline.pid)
    if not (report.clean and account.is_clean):
        raise MismatchError("see the account above", unaccounted=summary["unaccounted"])


def _say(text: str) -> None:
    output.say(f"demo: {text}")


def _home(running: ExitStack, *, keep: bool) -> Path:
    """A new home for the stack; its binaries come from the user's cache."""
    home = temporary_home("demo")
    if not keep:
        running.callback(shutil.rmtree, home)
    return home


def _stack(running: ExitStack, home: Path, *, keep: bool) -> Endpoints:
    _say(
        "starting PostgreSQL (legacy, target), Kafka and the registry; the first time fetches them"
    )
    if not keep:
        running.callback(stack.down, home)
    return stack.up(home)


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "UNDERSTUDY_STACK_HOME": str(home)}


def _pipeline(running: ExitStack, home: Path, *, keep: bool) -> "subprocess.Popen[bytes]":
    """Start `understudy run`; its words go to a file."""
    log = home / LOG
    with log.open("wb") as file:
        process = subprocess.Popen(
            PIPELINE, stderr=file, env=_environment(home), start_new_session=keep
        )
    running.push(lambda kind, *_: _show(log) if kind else None)
    running.push(lambda kind, *_: _stop(process, keep=keep and kind is None))
    return process


def _show(log: Path) -> None:
    for line in log.read_text().splitlines()[-LOG_LINES:]:
        output.say(f"  run: {line}")


def _stop(process: "subprocess.Popen[bytes]", *, keep: bool) -> None:
    if not keep:
        process.terminate()
        process.wait(STOP_S_MAX)


def _write(
    at: Endpoints,
    rate: float,
    seconds: float,
    accounts: int,
    pipeline: "subprocess.Popen[bytes]",
) -> int:
    """Write until the snapshot is applied and some seconds more, and until the accounts are taken.

    Returns:
        Transactions written.
    """
    stop = threading.Event()
    writer = Writer(at.source_dsn, seed=SEED, rate=rate)
    thread = threading.Thread(target=writer.run, args=(stop,))
    thread.start()
    try:
        with psycopg.connect(at.target_dsn, autocommit=True) as target:
            _wait(lambda: _in_tail(target), "the snapshot to be applied", pipeline)
        stop.wait(seconds)
        for _ in range(accounts):
            _account_meanwhile(at)
    finally:
        stop.set()
        thread.join()
    return writer.counts.total()


def _in_tail(target: psycopg.Connection) -> bool:
    if target.execute("SELECT to_regclass('understudy.entities')").fetchone() == (None,):
        return False
    query = "SELECT count(*) > 0 AND bool_and(phase = 'tail') FROM understudy.entities"
    return target.execute(query).fetchone() == (True,)


def _drained(at: Endpoints, pipeline: "subprocess.Popen[bytes]") -> int:
    """Wait until a heartbeat that was written after the last transaction is applied everywhere.

    Returns:
        Milliseconds that the furthest entity is behind then.
    """
    with psycopg.connect(at.source_dsn) as source:
        row = source.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    lsn = int(row[0]) if row else 0
    query = """
        SELECT count(*) > 0 AND min(watermark) > %s,
            (extract(epoch FROM clock_timestamp()) * 1000 - min(watermark_ms))::bigint
        FROM understudy.checkpoints"""
    with psycopg.connect(at.target_dsn, autocommit=True) as target:
        lag = [0]

        def is_applied() -> bool:
            passed, lag[0] = target.execute(query, [lsn]).fetchall()[0]
            return bool(passed)

        _wait(is_applied, "the last transaction to be applied", pipeline)
    return lag[0]


def _take_account(at: Endpoints) -> Account:
    """The account at an exact point, as `understudy account` takes it."""
    migration = wiring.read(FOLDER)
    entities = tuple(migration.entities)
    return accounting.take(migration, at, entities, lambda _: None, timeout_s=ACCOUNT_S_MAX)


def _account_meanwhile(at: Endpoints) -> None:
    _say("taking the account while the clinic works on")
    account = _take_account(at)
    _say(f"at {lsn_text(account.lsn)}: {account.verdict()}")
    if not account.is_clean:
        raise MismatchError("while the clinic worked on", unaccounted=account.unaccounted)


def _settled(at: Endpoints) -> Report:
    """Compare; where rows still wait for each other, again."""
    namespace = str(wiring.read(FOLDER).pipeline.namespace)
    deadline = time.monotonic() + SETTLE_S_MAX
    while True:
        report = check(at.source_dsn, at.target_dsn, namespace)
        if report.clean or time.monotonic() > deadline:
            return report


def _wait(condition: Callable[[], bool], what: str, pipeline: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + APPLIED_S_MAX
    while not condition():
        if pipeline.poll() is not None:
            raise NotReadyError(
                "the pipeline has ended; what it said stands above", waited_for=what
            )
        if time.monotonic() > deadline:
            raise NotReadyError(f"waited {APPLIED_S_MAX:.0f} s for {what}")
        time.sleep(POLL_S)


def _summary(account: Account, report: Report, lag_ms: int, seconds: float) -> dict[str, Any]:
    document = account.as_json()
    names = (
        "rows_source",
        "rows_target",
        "merged",
        "repaired",
        "dead_letters",
        "parked",
        "excluded",
    )
    return {name: document[name] for name in names} | {
        "unaccounted": max(account.unaccounted, report.unaccounted),
        "wrong": len(report.problems),
        "lag_ms": lag_ms,
        "seconds": round(seconds, 1),
    }


def _tell(
    account: Account, report: Report, summary: dict[str, Any], written: int, form: Format
) -> None:
    if form is Format.JSON:
        print(json.dumps(summary))  # noqa: T201 - data goes to stdout
    else:
        for headings, rows in account_text.tables(account):
            output.print_table(headings, rows, account_text.SPARE)
            print()  # noqa: T201 - as above
        output.say(NOTES)
    for problem in report.problems[:20]:
        output.say(f"  wrong: {problem}")
    _say(account.verdict())
    verdict = "every value is as it should be" if report.clean else "SOURCE AND TARGET DIFFER"
    _say(f"{verdict}; {written} transactions were written meanwhile; {summary['seconds']} s in all")


def _tell_where(home: Path, at: Endpoints, pipeline: int) -> None:
    psql = postgres.reachable_programs(home, postgres.account()) / "psql"  # The machine needs none.
    for line in (
        "source .venv/bin/activate",
        f"export UNDERSTUDY_STACK_HOME={home}",
        "understudy status examples/clinic --watch     how far behind it is",
        f"{psql} '{at.source_dsn}'     the legacy clinic: change something",
        f"{psql} '{at.target_dsn}'     the new clinic: see it arrive",
        "understudy account examples/clinic     the account again, now",
        f"kill {pipeline} && understudy stack down && rm -r {home}     the end: pipeline, servers, data",
    ):
        output.say(f"  {line}")


if __name__ == "__main__":
    try:
        app(prog_name="ops/bin/demo")
    except UnderstudyError as error:
        sys.exit(output.report(error))

"""What capture cannot do it refuses in one line that names place and remedy, and skips nothing."""

import secrets

import psycopg
import pytest
from psycopg import conninfo, sql

from producers import point
from schemas.errors import BrokerError, ConfigError, ConflictError, SourceError, UnderstudyError
from tests.integration.producers import history
from tests.integration.producers.conftest import Pipeline, Source

pytestmark = pytest.mark.integration


def refusal(pipeline: Pipeline) -> UnderstudyError:
    """What the pipeline stops with."""
    with pytest.raises(UnderstudyError) as refused, pipeline.running() as capture:
        history.wait_for("the refusal", lambda: capture.progress().phase == "stopped")
    assert "\n" not in str(refused.value)
    return refused.value


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1", "no such table"),
        ("CREATE VIEW public.t AS SELECT 1 AS id", "not a table"),
        ("CREATE TABLE public.t (id int)", "no primary key"),
        (
            """CREATE TABLE public.t (id int PRIMARY KEY);
            ALTER TABLE public.t REPLICA IDENTITY NOTHING""",
            "replica identity nothing",
        ),
        (
            """CREATE TABLE public.t (id int PRIMARY KEY, other int NOT NULL UNIQUE);
            ALTER TABLE public.t REPLICA IDENTITY USING INDEX t_other_key""",
            "lacks a column of the primary key",
        ),
        ("CREATE TABLE public.t (id int PRIMARY KEY DEFERRABLE)", "key is deferrable"),
        (
            "CREATE TABLE public.t (a int, id int GENERATED ALWAYS AS (a) STORED PRIMARY KEY)",
            "generated",
        ),
    ],
)
def test_case_006_a_table_that_does_not_tell_its_keys_is_refused(
    source: Source, pipeline: Pipeline, statement: str, expected: str
) -> None:
    source.execute(statement.encode())
    error = refusal(pipeline.with_tables("public.t"))
    assert isinstance(error, ConfigError)
    assert expected in str(error)
    assert "table=public.t" in str(error)


@pytest.fixture
def role(source: Source, pipeline: Pipeline) -> str:
    """A role that may replicate, and read and publish one table; it owns nothing else."""
    name = f"role_{secrets.token_hex(4)}"
    role = sql.Identifier(name)
    source.execute(sql.SQL("CREATE ROLE {} LOGIN REPLICATION").format(role))
    source.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(
        sql.Identifier(source.info.dbname), role
    ))  # fmt: skip
    source.execute("CREATE TABLE public.t (id int PRIMARY KEY)")
    source.execute(sql.SQL("ALTER TABLE public.t OWNER TO {}").format(role))
    assert pipeline.settings.source_dsn
    return name


def as_role(pipeline: Pipeline, name: str) -> Pipeline:
    dsn = conninfo.make_conninfo(pipeline.settings.source_dsn, user=name)
    return pipeline.with_tables("public.t", source_dsn=dsn)


def test_case_048_rows_that_a_policy_hides_stop_the_snapshot(
    source: Source, pipeline: Pipeline, role: str
) -> None:
    source.execute("ALTER TABLE public.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    source.execute("INSERT INTO public.t VALUES (1)")
    error = refusal(as_role(pipeline, role))
    assert isinstance(error, SourceError)
    assert "BYPASSRLS" in (error.advice or "")


def test_a_role_that_may_not_replicate_is_refused(
    source: Source, pipeline: Pipeline, role: str
) -> None:
    source.execute(sql.SQL("ALTER ROLE {} NOREPLICATION").format(sql.Identifier(role)))
    error = refusal(as_role(pipeline, role))
    assert isinstance(error, SourceError)
    assert "REPLICATION" in (error.advice or "")


def test_a_role_that_may_not_publish_is_told_what_the_owner_must_run(
    source: Source, pipeline: Pipeline, role: str
) -> None:
    source.execute("ALTER TABLE public.t OWNER TO CURRENT_USER")
    source.execute(sql.SQL("GRANT SELECT ON public.t TO {}").format(sql.Identifier(role)))
    error = refusal(as_role(pipeline, role))
    assert "CREATE PUBLICATION" in (error.advice or "")
    statement = (error.advice or "").partition("run: ")[2].encode()
    source.execute(statement)
    with as_role(pipeline, role).running() as capture:
        as_role(pipeline, role).snapshot_done(capture)


@pytest.mark.parametrize("change", [{"dbname": "no-such-database"}, {"port": "1"}])
def test_a_wrong_dsn_is_one_line_without_its_password(
    pipeline: Pipeline, change: dict[str, str]
) -> None:
    wrong = {"password": "hush-hush", **change}
    dsn = conninfo.make_conninfo(pipeline.settings.source_dsn, **wrong)
    error = refusal(pipeline.with_tables("public.t", source_dsn=dsn))
    assert error.exit_code == 4
    assert error.advice
    assert "hush-hush" not in str(error)


def test_case_044_an_open_transaction_that_blocks_the_slot_is_named(
    source: Source, source_database: str, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.execute("CREATE TABLE public.t (id int PRIMARY KEY)")
    with psycopg.connect(source_database) as writer, monkeypatch.context() as impatient:
        impatient.setattr(point, "CREATE_WAIT", "1s")
        writer.execute("INSERT INTO public.t VALUES (1)")
        error = refusal(pipeline.with_tables("public.t"))
        assert isinstance(error, ConflictError)
        assert str(writer.info.backend_pid) in str(error)
    with pipeline.with_tables("public.t").running() as capture:
        pipeline.with_tables("public.t").snapshot_done(capture)


@pytest.mark.parametrize("tail", [False, True])
def test_case_068_a_row_that_is_too_large_stops_the_capture_and_is_named(
    source: Source, pipeline: Pipeline, *, tail: bool
) -> None:
    source.execute("CREATE TABLE public.t (id int PRIMARY KEY, other text)")
    small = pipeline.with_tables("public.t", kafka_options={"message.max.bytes": 100_000})
    if tail:
        with small.running() as capture:
            small.snapshot_done(capture)
    source.execute("INSERT INTO public.t SELECT i, repeat('x', i) FROM generate_series(1, 100) i")
    source.execute("INSERT INTO public.t VALUES (101, repeat('x', 200000))")
    error = refusal(small)
    assert isinstance(error, BrokerError)
    assert "table=public.t" in str(error)
    assert "key=id" in str(error)
    assert "message.max.bytes" in (error.advice or "")
    assert "xxx" not in str(error)

"""Values on their way into the types of the target: exact, or a dead letter."""

from typing import Any

from tests.integration.apply.migrated import Migrated, change

# Legacy type, target type, a value that fits, and one that does not.
MISFITS: dict[str, tuple[str, str, object, object]] = {
    "null in a NOT NULL column": ("text", "text NOT NULL", "a", None),
    "a text that is too long": ("text", "varchar(3)", "abc", "abcd"),
    "a text that would lose its spaces": ("text", "varchar(3)", "abc", "abc  "),
    "a longer varchar": ("varchar(9)", "varchar(3)", "abc", "abcd"),
    "a text for char": ("text", "char(3)", "ab", "abcd"),
    "a numeric that would be rounded": ("numeric", "numeric(5,2)", "1.50", "1.005"),
    "a numeric that is too big": ("numeric", "numeric(5,2)", "999.99", "1000"),
    "a numeric with decimals for an integer": ("numeric(9,2)", "int", "1.00", "1.01"),
    "a bigint that is too big": ("bigint", "int", 2**31 - 1, 2**31),
    "a float for an integer": ("double precision", "bigint", 3.0, 3.5),
    "a float that is no number": ("double precision", "bigint", 1e15, float("nan")),
    "a float that loses digits": ("double precision", "real", 0.5, 0.1),
    "words in an integer column": ("text", "int", "12", "twelve"),
    "a text that would be rounded": ("text", "numeric(5,2)", "1.5", "1.005"),
    "a text that is no date": ("text", "date", "2020-02-29", "2021-02-29"),
    "a text with a time for a date": ("text", "date", "2020-02-29", "2020-02-29 10:00"),
    "a text with a zone for a local time": ("text", "timestamp", "2020-02-29 10:00", "2020-02-29 10:00+02"),
    "a timestamp with a time for a date": ("timestamp", "date", "2020-02-29 00:00:00", "2020-02-29 10:00:00"),
    "a timestamp that would be rounded": ("timestamp", "timestamp(0)", "2020-02-29 10:00:00", "2020-02-29 10:00:00.6"),
    "an interval that would be rounded": ("interval", "interval(0)", "00:00:01", "00:00:01.6"),
    "bits of another length": ("bit varying", "bit(3)", "101", "1011"),
    "fewer bits": ("text", "bit(3)", "101", "10"),
    "a number that is no boolean": ("int", "boolean", 1, 2),
    "an unknown value of an enum": ("text", "app.mood", "glad", "sad"),
    "a text that is no uuid": ("text", "uuid", "018f3c1e-0000-7000-8000-000000000001", "18f3"),
    "a NUL in jsonb": ("json", "jsonb", '{"a": "b"}', '{"a": "\\u0000"}'),
    "a text that is no json": ("text", "jsonb", "1", "{"),
    "an array whose elements are too long": ("text[]", "varchar(2)[]", "{ab}", "{abc}"),
    "an array whose elements would be rounded": ("numeric[]", "numeric(3,1)[]", "{1.5}", "{1.55}"),
    "a value outside of a domain": ("int", "app.grade", 5, 6),
    "a numeric that a domain would round": ("numeric(9,2)", "app.whole", "5.00", "5.40"),
    "a text that a domain would cut": ("text", "app.short", "abc", "abcd"),
    "a timestamp for a domain that is a date": ("timestamp", "app.day", "2020-02-29 00:00:00", "2020-02-29 10:00:00"),
    "a CHECK": ("int", "int CHECK (a_check < 10)", 9, 10),
}  # fmt: skip
# Legacy type, target type, a value, and what it is in the target.
FITTING = [
    ("numeric", "numeric(5,2)", "1.5", "1.50"),
    ("numeric(9,2)", "bigint", "-7.00", "-7"),
    ("numeric", "double precision", "0.1", "0.1"),
    ("real", "double precision", 0.5, "0.5"),
    ("text", "varchar(3)", "äöü", "äöü"),
    ("char(5)", "text", "ab", "ab"),
    ("text", "timestamptz", "2020-02-29 10:00+02", "2020-02-29 08:00:00+00"),
    ("text", "timestamp", "2020-02-29 10:00", "2020-02-29 10:00:00"),
    ("date", "timestamp", "2020-02-29", "2020-02-29 00:00:00"),
    ("int", "boolean", 0, "false"),
    ("json", "jsonb", '{"b": 1, "a": 1e2}', '{"a": 100, "b": 1}'),
    ("jsonb", "text", '{"a": 1}', '{"a": 1}'),
    ("uuid", "text", "018f3c1e-0000-7000-8000-000000000001", "018f3c1e-0000-7000-8000-000000000001"),
    ("int", "app.grade", 5, "5"),
    ("timestamp", "date", "infinity", "infinity"),
    ("text", "text", 'a\tb\n\\N "c" \x7f', 'a\tb\n\\N "c" \x7f'),
]  # fmt: skip
TYPES = """
CREATE TYPE app.mood AS ENUM ('glad'); CREATE DOMAIN app.grade AS int CHECK (VALUE BETWEEN 1 AND 5);
CREATE DOMAIN app.whole AS numeric(5,0); CREATE DOMAIN app.short AS varchar(3); CREATE DOMAIN app.day AS date"""


def test_case_087_a_value_that_does_not_fit_is_a_dead_letter(migrated: Migrated) -> None:
    columns = {name.replace(" ", "_").lower(): misfit for name, misfit in MISFITS.items()}
    _wide(migrated, {name: (old, new) for name, (old, new, _, _) in columns.items()})
    good: dict[str, Any] = {name: value for name, (_, _, value, _) in columns.items()}
    bad = [good | {name: value} for name, (_, _, _, value) in columns.items()]
    rows = [good, *bad, good]
    migrated.apply("t", *(change(10, n, id=n, **row) for n, row in enumerate(rows, start=1)))
    waiting = migrated.waiting("t")
    assert sorted(map(int, waiting)) == list(range(2, len(rows)))
    assert set(waiting.values()) == {"rule"}
    assert len(migrated.rows("SELECT FROM app.t")) == 2
    errors = [error for (error,) in migrated.rows("SELECT error FROM understudy.waiting")]
    texts = [
        value for _, _, _, value in columns.values() if isinstance(value, str) and len(value) > 2
    ]
    assert not [error for error in errors for text in texts if text in error]


def test_a_value_that_fits_is_converted(migrated: Migrated) -> None:
    names = [f"c{n}" for n in range(len(FITTING))]
    _wide(migrated, {n: (old, new) for n, (old, new, *_) in zip(names, FITTING, strict=True)})
    values: dict[str, Any] = {name: fit[2] for name, fit in zip(names, FITTING, strict=True)}
    nothing: dict[str, Any] = dict.fromkeys(names)
    migrated.apply("t", change(10, 1, id=1, **values), change(10, 2, id=2, **nothing))
    assert migrated.waiting("t") == {}
    for name, (_, _, _, wanted) in zip(names, FITTING, strict=True):
        found = migrated.rows(f"SELECT CAST({name} AS text) FROM app.t")  # noqa: S608 - c0, c1, ...
        assert sorted(found, key=str) == sorted([(None,), (wanted,)], key=str)


def _wide(migrated: Migrated, columns: dict[str, tuple[str, str]]) -> None:
    """An entity with many columns, each of a legacy and a target type."""
    migrated.connection.execute(TYPES.encode())
    legacy = ", ".join(f"{name} {old}" for name, (old, _) in columns.items())
    target = ", ".join(f"{name} {new}" for name, (_, new) in columns.items())
    migrated.table("t", f"id bigint PRIMARY KEY, {legacy}", f"id uuid PRIMARY KEY, {target}")
    rules: dict[str, Any] = {name: name for name in columns}
    migrated.migrate({"t": {"columns": {"id": {"uuid": True}} | rules}})

"""A small migration as the documents see it, without servers: a clinic's front desk."""

from pathlib import Path

from consumers.catalog import Check, ForeignKey, TargetTable, UniqueKey
from ops.document import remarks
from ops.document.model import Comments, Model
from schemas import migration
from schemas.table import Column, Table

ENTITIES = {
    "people/doctors.toml": """
# Those who treat: "#" is no comment here.
source = "public.aerzte"
target = "new.doctors"
where  = "status <> '# gone'"  # they left before we came

[columns]
id    = { uuid = true }
# As on the door.
name  = "name"
grade = { from = "rang", values = { A = "senior", B = "junior" }, else = "null" }
""",
    "people/titles.toml": """
source = "public.aerzte"
target = "new.doctors"
[columns]
id    = { join = "doctors", from = "arzt" }
title = "titel"
""",
    "desk/visits.toml": """
source     = "public.visits"
target     = "new.visits"
partitions = 2
totals_by  = ["doctor_id"]
[columns]
id         = { uuid = true }
doctor_id  = { ref = "doctors", from = "dr", missing = "null" }
referrer   = { ref = "doctors", sql = "case when kind = 'dr' then nullif(referred, '')::text end" }
follows_id = { ref = "visits", from = "follows", missing = "dead-letter" }
price      = { sql = "cents::numeric | 100" }
seen_at    = { from = "seen", timezone = "Europe/Vienna", gap = "shift" }
[expect]
price = "cents >= 0"
""",
}
PIPELINE = """
pipeline  = "desk"
namespace = "6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10"
"""


def columns(**types: str) -> tuple[Column, ...]:
    """Columns; a type that ends in ! may not be NULL."""
    return tuple(
        Column(name=name, type=kind.rstrip("!"), base=kind.rstrip("!"), not_null=kind[-1] == "!")
        for name, kind in types.items()
    )


def _foreign(column: str, parent: str) -> ForeignKey:
    return ForeignKey(
        name=f"visits_{column}",
        table=("new", "visits"),
        columns=(column,),
        parent=("new", parent),
        parent_columns=("id",),
        deferrable=False,
        on_delete="a",
        on_update="a",
    )


SOURCES = (
    Table(
        schema="public",
        name="aerzte",
        key=("nr",),
        columns=columns(
            nr="integer!", name="text!", rang="character(1)", titel="text", arzt="integer",
            status="text", fax="text"
        ),
    ),
    Table(
        schema="public",
        name="visits",
        key=("id", "part"),
        columns=columns(
            id="bigint!", part="smallint!", dr="integer", kind="text", referred="text",
            follows="bigint", cents="integer!", seen="timestamp without time zone", blob="bytea",
        ),
    ),
    Table(schema="public", name="old_log", key=("id",), columns=columns(id="integer!")),
)  # fmt: skip
DOCTORS = Table(
    schema="new",
    name="doctors",
    key=("id",),
    columns=columns(id="uuid!", name="text!", grade="text", title="text", born="date"),
)
VISITS = Table(
    schema="new",
    name="visits",
    key=("id",),
    columns=columns(
        id="uuid!", doctor_id="uuid", referrer="uuid", follows_id="uuid", price="numeric(14,2)!",
        seen_at="timestamp with time zone",
    ),
)  # fmt: skip
TARGETS = (
    TargetTable(
        table=DOCTORS,
        uniques=(
            UniqueKey(name="pk", columns=("id",), deferrable=False, plain=True),
            UniqueKey(name="doctors_name", columns=("name",), deferrable=False, plain=True),
        ),
    ),
    TargetTable(
        table=VISITS,
        checks=(Check(name="positive", columns=("price",), expression="price >= 0"),),
        references=(_foreign("doctor_id", "doctors"), _foreign("follows_id", "visits")),
    ),
    TargetTable(table=Table(schema="new", name="rooms", key=("id",), columns=columns(id="uuid!"))),
)


def model_of(folder: Path, *, backwards: bool = False) -> Model:
    """Write the folder and read it.

    Args:
        folder: Empty.
        backwards: The catalogs list their tables the other way round.
    """
    (folder / "understudy.toml").write_text(PIPELINE)
    for name, text in ENTITIES.items():
        file = folder / "entities" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    read = migration.load(folder, {})
    step = -1 if backwards else 1
    return Model(
        migration=read,
        sources={(table.schema, table.name): table for table in SOURCES[::step]},
        targets={table.place: table for table in TARGETS[::step]},
        source_comments={
            (table.schema, table.name): Comments(columns={"fax": "<nobody> calls | it"})
            for table in SOURCES
        },
        target_comments={table.place: Comments(table="Of now", columns={}) for table in TARGETS},
        remarks={name: remarks.read(file.read_text()) for name, file in read.files.items()},
    )

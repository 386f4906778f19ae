import json

import fastavro
import pytest
from hypothesis import given, settings

from schemas import envelope
from schemas.errors import InvariantError
from schemas.table import Column, Table
from tests.unit.schemas.rows import tables


@settings(max_examples=30)
@given(tables())
def test_a_table_reads_back_from_the_schema_of_its_values(table: Table) -> None:
    schema = json.loads(json.dumps(envelope.value_schema("clinic.public.t", table)))
    assert envelope.table_of(schema) == table


@settings(max_examples=30)
@given(tables())
def test_81_both_schemas_are_avro_whatever_the_names(table: Table) -> None:
    fastavro.parse_schema(envelope.value_schema("my-clinic.1st.t", table))
    fastavro.parse_schema(envelope.key_schema("my-clinic.1st.t", table))


def test_generated_columns_do_not_travel() -> None:
    shown = Column(name="a", type="integer", base="integer")
    computed = Column(name="b", type="integer", base="integer", generated=True)
    table = Table(schema="s", name="t", key=("a",), columns=(shown, computed))
    assert envelope.published(table) == (shown,)
    assert envelope.table_of(envelope.value_schema("c.s.t", table)).columns == (shown,)


def test_the_key_has_its_columns_in_key_order_and_without_null() -> None:
    columns = tuple(Column(name=name, type="bigint", base="bigint") for name in "abc")
    table = Table(schema="s", name="t", key=("c", "a"), columns=columns)
    fields = envelope.key_schema("clinic.s.t", table)["fields"]
    assert [field["name"] for field in fields] == ["c", "a"]
    assert [field["type"]["type"] for field in fields] == ["long", "long"]


def test_types_whose_text_is_the_value_carry_the_name_that_debezium_gives_them() -> None:
    column = Column(name="a", type="uuid", base="uuid")
    table = Table(schema="s", name="t", key=("a",), columns=(column,))
    [field] = envelope.key_schema("clinic.s.t", table)["fields"]
    assert field["type"]["connect.name"] == "io.debezium.data.Uuid"
    assert field["type"]["pg.base"] == "uuid"


@pytest.mark.parametrize("schema", [{}, {"fields": []}, {"name": "Envelope", "fields": [{}]}])
def test_a_schema_of_somebody_else_is_refused(schema: envelope.Schema) -> None:
    with pytest.raises(InvariantError, match="not a schema of understudy"):
        envelope.table_of(schema)

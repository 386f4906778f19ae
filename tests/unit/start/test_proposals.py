"""What is proposed for tables that nobody has described; the whole way on a server is in tests/integration."""

import tomllib
from collections.abc import Sequence

from consumers.catalog import TargetTable
from ops.start import ddl, folder, links
from ops.start.entity_text import entity_file
from ops.start.legacy import Legacy, LegacyTable, Place
from ops.start.proposal import Proposal
from ops.start.sampling import Sampled
from schemas.entity import Entity
from tests.unit.start.tables import column, legacy, table

CUSTOMERS = table("customers", [column("id", not_null=True), column("name", "text")])


def proposed(
    found: Legacy,
    sampled: Sampled | None = None,
    targets: dict[Place, TargetTable] | None = None,
) -> dict[str, Proposal]:
    def ask(
        _child: LegacyTable, _columns: Sequence[str], _parent: LegacyTable, _key: Sequence[str]
    ) -> Sampled | None:
        return sampled

    made = folder.propose(found, links.find(found, ask), targets or {}, "shop")
    for one in made:
        Entity.model_validate({**tomllib.loads(entity_file(one)), "name": one.name})
    return {one.name: one for one in made}


def rule(proposal: Proposal, name: str) -> object:
    return {one.name: one.written for one in proposal.columns}[name]


def orders(name: str = "customer_no", kind: str = "integer") -> LegacyTable:
    return table("orders", [column("id", not_null=True), column(name, kind)])


def test_a_name_and_values_that_are_there_make_a_reference_with_a_foreign_key() -> None:
    made = proposed(legacy(CUSTOMERS, orders()), Sampled(values=9, found=9))["orders"]
    assert rule(made, "customer_id") == {
        "ref": "customers",
        "from": "customer_no",
        "missing": "park",
    }


def test_orphans_in_the_sample_make_a_reference_without_a_foreign_key_and_a_risk() -> None:
    made = proposed(legacy(CUSTOMERS, orders()), Sampled(values=9, found=8))["orders"]
    assert rule(made, "customer_id") == {
        "ref": "customers",
        "from": "customer_no",
        "missing": "keep",
    }
    assert "# RISK: of 9 sampled values 1 have no parent" in entity_file(made)


def test_values_that_are_not_there_leave_a_column_as_it_is_and_a_comment() -> None:
    made = proposed(legacy(CUSTOMERS, orders()), Sampled(values=9, found=1))["orders"]
    assert rule(made, "customer_no") == "customer_no"
    assert "of 9 sampled values only 1 are there" in entity_file(made)


def test_a_name_without_values_is_no_reference_and_keys_of_other_types_are_none() -> None:
    unknown = proposed(legacy(CUSTOMERS, orders()))["orders"]
    other = proposed(legacy(CUSTOMERS, orders(kind="date")), Sampled(values=9, found=9))["orders"]
    assert rule(unknown, "customer_no") == rule(other, "customer_no") == "customer_no"


def test_a_made_up_key_goes_and_a_key_that_people_know_stays_and_stays_unique() -> None:
    invoices = table(
        "invoices", [column("invoice_no", "bigint", not_null=True)], key=("invoice_no",)
    )
    made = proposed(legacy(CUSTOMERS, invoices))
    assert "id" in made["customers"].left_out
    assert rule(made["invoices"], "invoice_no") == "invoice_no"
    assert [key.columns for key in made["invoices"].uniques] == [("invoice_no",)]


def test_a_table_without_a_key_is_a_risk_that_names_the_index_that_would_do() -> None:
    visits = table("visits", [column("day", "date", not_null=True)], key=(), uniques=[("day",)])
    text = entity_file(proposed(legacy(visits))["visits"])
    assert "# RISK: no primary key" in text
    assert "ADD PRIMARY KEY USING INDEX visits_key0" in text


def test_a_type_that_only_the_legacy_server_knows_becomes_text_and_says_so() -> None:
    moods = table(
        "moods",
        [column("id"), column("mood", "public.mood", base="text"), column("of", "regclass")],
    )
    made = proposed(legacy(moods))["moods"]
    assert [one.type for one in made.columns] == ["uuid", "text", "text"]
    assert all(one.notes for one in made.columns[1:])


def test_columns_of_a_target_that_is_there_are_matched_by_name_and_the_others_are_named() -> None:
    target = table(
        "Customer",
        [column("id", "uuid", not_null=True), column("Name", "text"), column("vip", "boolean")],
    ).constrained
    made = proposed(legacy(CUSTOMERS), targets={target.place: target})["customers"]
    assert made.target == ("public", "Customer")
    assert rule(made, "Name") == "name"
    assert made.open_columns == ("vip: boolean",)
    assert ddl.target_sql([made], ddl.Names(reserved=frozenset())) == ""


def test_tables_whose_names_become_one_are_two_entities() -> None:
    found = legacy(CUSTOMERS, table("customers ", [column("id", not_null=True)]))
    assert list(proposed(found)) == ["customers", "public_customers"]


def test_a_name_that_would_end_a_comment_does_not() -> None:
    found = legacy(table("x\n[sources]\n--", [column("id", not_null=True), column("a\nb", "text")]))
    (made,) = proposed(found).values()
    script = ddl.target_sql([made], ddl.Names(reserved=frozenset()))
    assert "\n[sources]" not in script


def test_a_number_of_the_table_itself_is_no_reference_to_it_but_a_parent_is() -> None:
    customers = table(
        "customers", [column("id", not_null=True), column("customer_no"), column("parent_id")]
    )
    made = proposed(legacy(customers), Sampled(values=9, found=9))["customers"]
    assert rule(made, "customer_no") == "customer_no"
    assert rule(made, "parent_id") == {"ref": "customers", "from": "parent_id", "missing": "park"}


def test_a_table_whose_name_kafka_would_not_take_gets_a_topic_by_number() -> None:
    found = legacy(table("я" * 31, [column("id", not_null=True)]), CUSTOMERS)
    pipeline = "s" * 31
    made = folder.propose(found, links.find(found, lambda *_: None), {}, pipeline)
    assert [one.topic for one in made] == [f"{pipeline}.table-1", None]


def test_the_ddl_quotes_what_must_be_quoted_and_indexes_references() -> None:
    parent = table("order", [column("id", not_null=True)])
    child = table(
        "Lines", [column("id", not_null=True), column("order_id")], refers={"order_id": "order"}
    )
    made = list(proposed(legacy(parent, child)).values())
    script = ddl.target_sql(made, ddl.Names(reserved=frozenset({"order"})))
    assert (
        'ALTER TABLE shop.lines ADD FOREIGN KEY (order_id) REFERENCES shop."order" (id);' in script
    )
    assert "CREATE INDEX ON shop.lines (order_id);" in script

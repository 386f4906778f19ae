"""The foundation: the entities that most others hang on."""

import re

from tests.checker.entity import Entity, reference


def phone_number(typed: str | None) -> str | None:
    """The E.164 form of an Austrian or international number."""
    digits = re.sub(r"[^0-9]", "", typed or "")
    if not typed or not digits:
        return None
    if typed.lstrip()[0] == "+":
        return "+" + digits
    return "+" + re.sub(r"^(00|0|)", lambda prefix: "" if prefix[0] == "00" else "43", digits)


FOUNDATION = (
    Entity(name="offices"),
    Entity(name="profiles", conversions={"phone": phone_number}),
    Entity(
        name="doctors",
        references={
            "profile_id": reference("profiles", "park"),
            "office_id": reference("offices", "null"),
        },
        money=("consultation_fee",),
    ),
    Entity(
        name="doctor_titles",
        legacy_table="doctors",
        target_table="profiles",
        joins=True,
        references={"id": reference("profiles", "park")},
    ),
    Entity(
        name="patients",
        references={
            "profile_id": reference("profiles", "null"),
            "office_id": reference("offices", "park"),
        },
        money=("balance",),
        conversions={"phone": phone_number},
    ),
    Entity(
        name="patients_2012",
        key=("pat_nr",),
        target_table="patients",
        references={"office_id": reference("offices", "park")},
    ),
    Entity(name="products", key=("sku",), money=("price",)),
    Entity(
        name="orders",
        references={
            "patient_id": reference("patients", "park"),
            "doctor_id": reference("doctors", "park"),
            "referrer_id": reference("doctors", "keep"),
            "product_id": reference("products", "park"),
        },
        money=("total",),
    ),
    Entity(
        name="jaws",
        key=("patient_id", "side"),
        references={"patient_id": reference("patients", "park")},
    ),
    Entity(
        name="projects",
        references={
            "patient_id": reference("patients", "park"),
            "active_plan_id": reference("treatment_plans", "null"),
        },
        money=("budget",),
    ),
    Entity(
        name="treatment_plans",
        references={
            "project_id": reference("projects", "park"),
            "doctor_id": reference("doctors", "null"),
        },
        money=("cost",),
    ),
)

"""The nine core entities as the checker knows them: what refers to what, and what is money.

Written by hand from the two schemas, not from the entity files; the column rules are in expected/.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

Conversion = Callable[[str | None], str | None]


class Missing(Enum):
    """What a row does whose parent is not there."""

    PARK = "park"
    NULL = "null"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A target column that names a row of another entity."""

    parent: str
    missing: Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One entity.

    Attributes:
        name: Stands before the legacy key in what is hashed; also both tables' name.
        key: Columns of the legacy primary key, in key order.
        references: By target column; the query in expected/ gives the parent's legacy key there.
        money: Target columns whose sum must be right to the cent.
        conversions: What the query leaves to Python, by target column.
    """

    name: str
    key: tuple[str, ...] = ("id",)
    references: dict[str, Reference] = field(default_factory=dict)
    money: tuple[str, ...] = ()
    conversions: dict[str, Conversion] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The legacy table as the mapping names it."""
        return f"public.{self.name}"


def phone_number(typed: str | None) -> str | None:
    """The E.164 form of an Austrian or international number."""
    digits = re.sub(r"[^0-9]", "", typed or "")
    if not typed or not digits:
        return None
    if typed.lstrip()[0] == "+":
        return "+" + digits
    return "+" + re.sub(r"^(00|0|)", lambda prefix: "" if prefix[0] == "00" else "43", digits)


def _ref(parent: str, missing: str) -> Reference:
    return Reference(parent=parent, missing=Missing(missing))


CORE = (
    Entity(name="offices"),
    Entity(name="profiles", conversions={"phone": phone_number}),
    Entity(
        name="doctors",
        references={"profile_id": _ref("profiles", "park"), "office_id": _ref("offices", "null")},
        money=("consultation_fee",),
    ),
    Entity(
        name="patients",
        references={"profile_id": _ref("profiles", "null"), "office_id": _ref("offices", "park")},
        money=("balance",),
    ),
    Entity(name="products", key=("sku",), money=("price",)),
    Entity(
        name="orders",
        references={
            "patient_id": _ref("patients", "park"),
            "doctor_id": _ref("doctors", "park"),
            "referrer_id": _ref("doctors", "keep"),
            "product_id": _ref("products", "park"),
        },
        money=("total",),
    ),
    Entity(
        name="jaws", key=("patient_id", "side"), references={"patient_id": _ref("patients", "park")}
    ),
    Entity(
        name="projects",
        references={
            "patient_id": _ref("patients", "park"),
            "active_plan_id": _ref("treatment_plans", "null"),
        },
        money=("budget",),
    ),
    Entity(
        name="treatment_plans",
        references={
            "project_id": _ref("projects", "park"),
            "doctor_id": _ref("doctors", "null"),
        },
        money=("cost",),
    ),
)

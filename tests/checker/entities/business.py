"""The business side: offices at work, prices, stock, offers, invoices and money."""

from tests.checker.entity import Entity, reference

OFFICE = reference("offices", "park")
PRODUCT = reference("products", "park")
PATIENT = reference("patients", "park")

BUSINESS = (
    Entity(
        name="office_hours",
        key=("office_id", "wochentag", "nr"),
        references={"office_id": OFFICE},
    ),
    Entity(name="office_rooms", key=("kennung",), references={"office_id": OFFICE}),
    Entity(
        name="office_staff",
        references={"profile_id": reference("profiles", "keep"), "office_id": OFFICE},
    ),
    Entity(
        name="product_categories", references={"parent_id": reference("product_categories", "park")}
    ),
    Entity(
        name="product_prices",
        key=("sku", "gilt_ab"),
        references={"product_id": PRODUCT},
        money=("price",),
    ),
    Entity(
        name="stock_items",
        references={
            "office_id": OFFICE,
            "product_id": PRODUCT,
            "category_id": reference("product_categories", "park"),
            "room_id": reference("office_rooms", "null"),
        },
        money=("purchase_price",),
    ),
    Entity(name="stock_movements", references={"item_id": reference("stock_items", "park")}),
    Entity(name="discounts", money=("amount",), unique_by="code_whatever_case"),
    Entity(
        name="offers",
        references={
            "patient_id": PATIENT,
            "office_id": OFFICE,
            "plan_id": reference("treatment_plans", "null"),
            "discount_id": reference("discounts", "park"),
        },
        money=("total",),
    ),
    Entity(
        name="offer_items",
        key=("angebot", "pos"),
        references={
            "offer_id": reference("offers", "park"),
            "product_id": reference("products", "null"),
        },
        money=("unit_price",),
    ),
    Entity(
        name="invoices",
        references={
            "patient_id": PATIENT,
            "office_id": OFFICE,
            "order_id": reference("orders", "null"),
        },
        money=("net", "vat", "gross"),
    ),
    Entity(
        name="invoice_items",
        key=("rechnung", "pos"),
        references={"invoice_id": reference("invoices", "park"), "product_id": PRODUCT},
        money=("unit_price",),
    ),
    Entity(
        name="payments",
        references={
            "office_id": OFFICE,
            "invoice_id": reference("invoices", "null"),
            "split_from_id": reference("payments", "null"),
        },
        money=("amount",),
    ),
    Entity(
        name="ledger_entries",
        references={"office_id": OFFICE, "payment_id": reference("payments", "park")},
        money=("amount",),
    ),
)

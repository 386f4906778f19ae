"""What the offices' staff do with offers, discounts, invoices and payments."""

from collections.abc import Callable
from typing import LiteralString

from examples.clinic.hand import OF_A_PATIENT, Children, Hand, NothingToChange

# The codes that differ only in the case of their letters are left alone.
ONLY_CODE: LiteralString = (
    "NOT EXISTS (SELECT FROM discounts AS o WHERE o.id <> t.id AND upper(o.code) = upper(t.code))"
)
NUMBER: LiteralString = "t.betrag ~ '[0-9][.][0-9]'"  # Not words.
DIVISIBLE: LiteralString = "payment_cents(t) > 1"
LAST_PART: LiteralString = "NOT EXISTS (SELECT FROM payments AS o WHERE o.teil_von = t.id)"


def new_invoice(hand: Hand) -> None:
    """An invoice with two lines."""
    invoice = hand.new_id("invoices")
    hand.run(
        "INSERT INTO invoices (id, rechnung_nr, patient_id, office_id, order_no, stand, netto, mwst, ausgestellt)"
        " VALUES (%s, %s, %s, %s, %s, 0, %s, %s, %s)",
        *(invoice, f"N-{invoice}", hand.some("patient"), hand.some("office"), hand.some("order")),
        *(hand.cents(400_000), hand.cents(80_000), hand.moment()),
    )
    hand.run(
        "INSERT INTO invoice_items (rechnung, pos, sku, leistung, anzahl, preis)"
        " VALUES (%s, 1, %s, NULL, 1.5, %s), (%s, 2, NULL, 'Beratung', 1, 0)",
        *(invoice, hand.some_sku(), hand.cents(90_000) / 100, invoice),
    )


def advance_invoice(hand: Hand) -> None:
    """An invoice is sent, paid, or becomes dearer."""
    hand.run(
        "UPDATE invoices SET stand = %s, netto = netto + %s WHERE id = %s",
        *(
            hand.random.choice((1, 2, 3, 9)),
            hand.cents(900),
            hand.some_of("invoices", OF_A_PATIENT),
        ),
    )


def reduce_items(hand: Hand) -> None:
    """All lines of an invoice become cheaper."""
    hand.run(
        "UPDATE invoice_items SET nachlass = %s WHERE rechnung = %s",
        *(hand.random.randrange(101), hand.some_of("invoices", OF_A_PATIENT)),
    )


def reorder_items(hand: Hand) -> None:
    """The first line of an invoice becomes the last: half of its key changes."""
    hand.run(
        "UPDATE invoice_items SET pos = 1 + (SELECT max(pos) FROM invoice_items WHERE rechnung = %s)"
        " WHERE rechnung = %s AND pos = (SELECT min(pos) FROM invoice_items WHERE rechnung = %s)",
        *[hand.some_of("invoices", OF_A_PATIENT)] * 3,
    )


def delete_invoice(hand: Hand) -> None:
    """A new invoice with its lines."""
    hand.delete("invoices", hand.added("invoices"))


def new_offer(hand: Hand) -> None:
    """An offer with one line."""
    offer = hand.new_id("offers")
    hand.run(
        "INSERT INTO offers (id, patient_id, office_id, plan_nr, rabatt_id, status, summe, konditionen, erstellt)"
        """ VALUES (%s, %s, %s, %s, %s, 'of', %s, '{"raten": 3}', %s)""",
        *(offer, hand.some("patient"), hand.some("office"), hand.some_of("treatment_plans")),
        *(hand.some_of("discounts", ONLY_CODE), hand.cents(900_000) / 100, hand.moment()),
    )
    hand.run(
        "INSERT INTO offer_items (angebot, pos, sku, text, menge, einzel) VALUES (%s, 1, %s, 'Neu', 2.25, %s)",
        *(offer, hand.some_sku(), hand.cents(150_000)),
    )


def answer_offer(hand: Hand) -> None:
    """A patient accepts an offer, or does not; there may be a discount in it."""
    hand.run(
        "UPDATE offers SET status = %s, rabatt_id = %s WHERE id = %s",
        hand.random.choice(("an", "ab", "vf")),
        hand.random.choice((None, hand.some_of("discounts", ONLY_CODE))),
        hand.some_of("offers", OF_A_PATIENT),
    )


def reinsert_offer_item(hand: Hand) -> None:
    """A line of an offer is deleted and written again, with the same key."""
    gone = hand.row(
        "DELETE FROM offer_items WHERE (angebot, pos) IN (SELECT angebot, pos FROM offer_items"
        " WHERE angebot >= %s ORDER BY 1, 2 LIMIT 1) RETURNING *",
        hand.some_of("offers", OF_A_PATIENT),
    )
    hand.run("INSERT INTO offer_items VALUES (%s, %s, %s, %s, %s, %s)", *gone)


def delete_offer(hand: Hand) -> None:
    """An offer with its lines."""
    hand.delete("offers", hand.added("offers"))


def move_cent(hand: Hand) -> None:
    """A cent was booked on the wrong payment of the same office and currency."""
    giver = hand.some_of("payments", DIVISIBLE)
    (taker,) = hand.row(
        "SELECT o.id FROM payments AS o JOIN payments AS t USING (office_id, currency)"
        " WHERE t.id = %s AND o.id <> t.id ORDER BY md5(o.id || %s) LIMIT 1",
        *(giver, hand.text(4)),
    )
    hand.run("SELECT move_cents(%s, %s, 1)", giver, taker)


def split_payment(hand: Hand) -> None:
    """One payment was two."""
    payment = hand.some_of("payments", DIVISIBLE)
    (cents,) = hand.row("SELECT payment_cents(t) FROM payments AS t WHERE id = %s", payment)
    part = hand.random.randrange(1, int(str(cents)))
    hand.run("SELECT split_payment(%s, %s)", payment, part)


def join_payment(hand: Hand) -> None:
    """Or it was one: a part goes, and a trigger gives its amount back."""
    hand.delete("payments", hand.added("payments", LAST_PART))


def annotate_payment(hand: Hand) -> None:
    """A payment turns out to be for another invoice."""
    invoice = hand.random.choice((None, hand.some_of("invoices", OF_A_PATIENT)))
    hand.run(
        "UPDATE payments SET rechnung = %s, reference = %s WHERE id = %s",
        *(invoice, hand.text(6), hand.some_of("payments")),
    )


def book(hand: Hand) -> None:
    """An entry in the books."""
    hand.run(
        "INSERT INTO ledger_entries (office_id, konto, zahlung, sh, betrag, text, gebucht)"
        " VALUES (%s, '0400', %s, 'S', %s, 'Neu', %s)",
        *(hand.some("office"), hand.some_of("payments")),
        *(f"{hand.cents(500_000) / 100:.2f}", hand.moment()),
    )


def cancel_entry(hand: Hand) -> None:
    """An entry is cancelled, or holds again; its amount gets blanks."""
    hand.run(
        "UPDATE ledger_entries SET storno = CASE WHEN storno IS NULL THEN 'J' END, betrag = concat(trim(betrag), ' ')"
        " WHERE id = %s",
        hand.some_of("ledger_entries", NUMBER),
    )


def strike_entry(hand: Hand) -> None:
    """An entry goes."""
    hand.delete("ledger_entries", hand.some_of("ledger_entries", NUMBER))


def new_discount(hand: Hand) -> None:
    """A discount."""
    discount = hand.new_id("discounts")
    hand.run(
        "INSERT INTO discounts (id, code, text, prozent, von) VALUES (%s, %s, 'Neu', 10, %s)",
        *(discount, f"N-{discount}", hand.moment().date()),
    )


def change_discount(hand: Hand) -> None:
    """An amount instead of a percentage."""
    hand.run(
        "UPDATE discounts SET prozent = NULL, betrag = %s WHERE id = %s",
        *(1 + hand.cents(9_000), hand.some_of("discounts", ONLY_CODE)),
    )


def swap_discounts(hand: Hand) -> None:
    """Two discounts exchange their codes, through one that nobody has."""
    one, other = hand.some_of("discounts", ONLY_CODE), hand.some_of("discounts", ONLY_CODE)
    if one == other:
        raise NothingToChange
    (first,) = hand.row("SELECT code FROM discounts WHERE id = %s", one)
    (second,) = hand.row("SELECT code FROM discounts WHERE id = %s", other)
    hand.run("UPDATE discounts SET code = %s WHERE id = %s", f"T-{one}", one)
    hand.run("UPDATE discounts SET code = %s WHERE id = %s", first, other)
    hand.run("UPDATE discounts SET code = %s WHERE id = %s", second, one)


def delete_discount(hand: Hand) -> None:
    """A new discount and the offers that name it."""
    hand.delete("discounts", hand.added("discounts"))


# How often each kind comes, out of the sum.
WEIGHTS: dict[Callable[[Hand], None], int] = {
    move_cent: 8,
    split_payment: 5,
    join_payment: 4,
    annotate_payment: 2,
    new_invoice: 5,
    advance_invoice: 6,
    reduce_items: 2,
    reorder_items: 2,
    delete_invoice: 2,
    new_offer: 3,
    answer_offer: 3,
    reinsert_offer_item: 2,
    delete_offer: 2,
    book: 3,
    cancel_entry: 2,
    strike_entry: 1,
    new_discount: 1,
    change_discount: 1,
    swap_discounts: 1,
    delete_discount: 1,
}

# Payments outlive the invoices, and invoices the orders, that they name.
CHILDREN: Children = {
    "patients": (("invoices", "patient_id"), ("offers", "patient_id")),
    "discounts": (("offers", "rabatt_id"),),
    "offers": (("offer_items", "angebot"),),
    "invoices": (("invoice_items", "rechnung"),),
    "payments": (("ledger_entries", "zahlung"),),
}
# A trigger gives the amount of a part that is deleted back to the rest.
COUNTED: tuple[LiteralString, ...] = ("payments",)

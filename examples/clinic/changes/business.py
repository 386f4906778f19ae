"""What the offices' staff do with stock, rooms, prices, hours and the catalogue; money.py has what is about money."""

from collections.abc import Callable
from typing import LiteralString

from examples.clinic.changes import money
from examples.clinic.hand import Children, Hand

WITH_ITEM: LiteralString = "EXISTS (SELECT FROM stock_items AS i WHERE i.id = t.artikel)"


def move_stock(hand: Hand) -> None:
    """Something is used, or comes in."""
    item, kind = hand.some_of("stock_items"), hand.random.choice("ZAR")
    hand.run(
        "INSERT INTO stock_movements (artikel, art, menge, gebucht) VALUES (%s, %s, 3, %s)",
        *(item, kind, hand.moment()),
    )
    change = -3 if kind == "A" else 3
    hand.run("UPDATE stock_items SET lagernd = lagernd + %s WHERE id = %s", change, item)


def correct_movement(hand: Hand) -> None:
    """It was another item, or another number of them."""
    hand.run(
        "UPDATE stock_movements SET artikel = %s, menge = abs(menge) + 1 WHERE id = %s",
        *(hand.some_of("stock_items"), hand.some_of("stock_movements", WITH_ITEM)),
    )


def delete_movement(hand: Hand) -> None:
    """A movement that never was."""
    hand.delete("stock_movements", hand.some_of("stock_movements", WITH_ITEM))


def new_item(hand: Hand) -> None:
    """An office keeps a product that it did not keep before."""
    hand.run(
        "INSERT INTO stock_items (office_id, sku, kategorie, raum, lagernd, ek_cents, tags, changed)"
        " VALUES (%s, %s, %s, %s, 0, %s, '{neu}', %s)",
        *(hand.some("office"), hand.some_sku(), _root(hand), _room(hand)),
        *(hand.cents(90_000), hand.moment()),
    )


def store_item(hand: Hand) -> None:
    """An item is put elsewhere, or nobody knows where."""
    room = hand.random.choice((None, _room(hand)))
    hand.run("UPDATE stock_items SET raum = %s WHERE id = %s", room, hand.some_of("stock_items"))


def delete_item(hand: Hand) -> None:
    """A new item with its movements."""
    hand.delete("stock_items", hand.added("stock_items"))


def new_room(hand: Hand) -> None:
    """A room is built."""
    hand.run(
        "INSERT INTO office_rooms (kennung, office_id, art, austattung, changed) VALUES (%s, %s, 'B', '{}', %s)",
        *(_free_key(hand), hand.some("office"), hand.moment()),
    )


def repaint_room(hand: Hand) -> None:
    """A room gets another key, and what is stored in it follows."""
    hand.rekey("office_rooms", "kennung", _room(hand), _free_key(hand))


def use_room(hand: Hand) -> None:
    """A room is used for something else."""
    kind = hand.random.choice("BRLW")
    hand.run("UPDATE office_rooms SET art = %s WHERE kennung = %s", kind, _room(hand))


def tear_down_room(hand: Hand) -> None:
    """A room goes, and what was stored in it still names it."""
    hand.run("DELETE FROM office_rooms WHERE kennung = %s", _room(hand))


def _free_key(hand: Hand) -> str:
    """A key that no room ever had, whoever wrote here before: a number that is given once."""
    return f"R-{hand.new_id('stock_items')}"


def _room(hand: Hand) -> str:
    query: LiteralString = "SELECT kennung FROM office_rooms ORDER BY md5(kennung || %s) LIMIT 1"
    return str(hand.row(query, hand.text(4))[0])


def new_price(hand: Hand) -> None:
    """A product costs something else from some day on."""
    hand.run(
        "INSERT INTO product_prices (sku, gilt_ab, stand, preis) VALUES (%s, %s, 'G', %s)"
        " ON CONFLICT (sku, gilt_ab) DO UPDATE SET preis = excluded.preis",
        *(hand.some_sku(), hand.moment().date(), hand.cents(250_000) / 100),
    )


def replace_prices(hand: Hand) -> None:
    """All prices of a product were replaced."""
    hand.run(
        "UPDATE product_prices SET stand = 'A', preis = preis + 0.01 WHERE sku = %s AND stand <> 'E'",
        hand.some_sku(),
    )


def delay_price(hand: Hand) -> None:
    """A price comes a year later: half of its key changes. What has a price that day goes."""
    sku, day = _price(hand)
    hand.run(
        "DELETE FROM product_prices WHERE sku = %s AND gilt_ab = %s::date + 365 AND stand <> 'E'",
        *(sku, day),
    )
    hand.run(
        "UPDATE product_prices SET gilt_ab = gilt_ab + 365 WHERE sku = %s AND gilt_ab = %s",
        *(sku, day),
    )


def _price(hand: Hand) -> tuple[object, ...]:
    return hand.row(
        "SELECT sku, gilt_ab FROM product_prices WHERE stand <> 'E' AND gilt_ab < '2030-01-01'"
        " ORDER BY md5(concat(sku, gilt_ab, %s::text)) LIMIT 1",
        hand.text(4),
    )


def change_hours(hand: Hand) -> None:
    """An office opens longer."""
    hand.run(
        "UPDATE office_hours SET bis = '2' || %s || ':15', by_appt = 'Y' WHERE office_id = %s AND nr < 6",
        *(str(hand.random.randrange(4)), hand.some("office")),
    )


def add_hours(hand: Hand) -> None:
    """An office opens at night as well, and no more where it did."""
    office = hand.some("office")
    hand.run("DELETE FROM office_hours WHERE office_id = %s AND nr > 5", office)
    hand.run("INSERT INTO office_hours VALUES (%s, 6, 6, '22:00', '23:59')", office)


def shift_hours(hand: Hand) -> None:
    """The night is the seventh period of the day: a part of the key changes."""
    hand.run(
        "UPDATE office_hours SET nr = nr + 1 WHERE office_id = %s AND nr > 5", hand.some("office")
    )


def hire(hand: Hand) -> None:
    """Somebody works for an office."""
    hand.run(
        "INSERT INTO office_staff (profile_id, office_id, funktion, stunden, seit) VALUES (%s, %s, 1, 38.5, %s)",
        *(hand.some("staff"), hand.some("office"), hand.moment().date()),
    )


def promote(hand: Hand) -> None:
    """Somebody does something else."""
    function = hand.random.randrange(5)
    hand.run(
        "UPDATE office_staff SET funktion = %s WHERE id = %s",
        function,
        hand.some_of("office_staff"),
    )


def dismiss(hand: Hand) -> None:
    """Somebody new goes again."""
    hand.delete("office_staff", hand.added("office_staff"))


def _root(hand: Hand) -> int:
    """A category at the top; none of them is ever deleted."""
    return hand.some_of("product_categories", "t.ober IS NULL")


def new_category(hand: Hand) -> None:
    """A category below one at the top."""
    hand.run("INSERT INTO product_categories (ober, name, pos) VALUES (%s, 'Neu', 9)", _root(hand))


def move_category(hand: Hand) -> None:
    """A category comes below one at the top, with all that is below it."""
    hand.run(
        "UPDATE product_categories SET ober = %s WHERE id = %s",
        *(_root(hand), hand.some_of("product_categories", "t.ober IS NOT NULL")),
    )


def delete_category(hand: Hand) -> None:
    """A new category, which nothing names."""
    hand.delete("product_categories", hand.added("product_categories"))


# How often each kind comes, out of the sum.
WEIGHTS: dict[Callable[[Hand], None], int] = {
    **money.WEIGHTS,
    move_stock: 5,
    correct_movement: 2,
    delete_movement: 1,
    new_item: 2,
    store_item: 2,
    delete_item: 1,
    new_room: 2,
    repaint_room: 1,
    use_room: 1,
    tear_down_room: 1,
    new_price: 2,
    replace_prices: 1,
    delay_price: 1,
    change_hours: 1,
    add_hours: 1,
    shift_hours: 1,
    hire: 1,
    promote: 1,
    dismiss: 1,
    new_category: 1,
    move_category: 1,
    delete_category: 1,
}

# Stock may name rooms, and staff profiles, that are gone.
CHILDREN: Children = {
    **money.CHILDREN,
    "products": (
        ("product_prices", "sku"),
        ("stock_items", "sku"),
        ("offer_items", "sku"),
        ("invoice_items", "sku"),
    ),
    "office_rooms": (("stock_items", "raum"),),
    "stock_items": (("stock_movements", "artikel"),),
}
COUNTED = money.COUNTED

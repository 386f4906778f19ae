from ops.start import trial_text
from ops.start.trial import EntityTrial, Row, Texts, Verdict

ORIGINS = {"total": ["cents"], "id": ["no"]}


def row(key: int, verdict: Verdict, why: str = "") -> Row:
    target: Texts = {"id": "u", "total": "1.50"} if verdict is Verdict.WRITTEN else {}
    source = {"no": key, "cents": 150, "rest": "x" * 100}
    return Row(key=str(key), verdict=verdict, why=why, source=source, target=target)


def trial(*rows: Row) -> EntityTrial:
    return EntityTrial(
        entity="orders", source="public.orders", target="shop.orders", rows=rows, origins=ORIGINS
    )


def test_each_target_column_stands_beside_what_it_is_made_of_and_the_rest_below() -> None:
    ((title, sides),) = trial_text.shown(trial(row(7, Verdict.WRITTEN)))
    assert title == "orders 7: written"
    assert sides == [
        ("id", "u", "7", "no"),
        ("total", "1.50", "150", "cents"),
        ("", "", "x" * 59 + "…", "rest"),
    ]


def test_of_many_rows_the_first_are_shown_and_the_others_are_counted() -> None:
    refused = [row(n, Verdict.REFUSED, "status: the code is not in values") for n in range(25)]
    titles = [title for title, _ in trial_text.shown(trial(*refused))]
    assert titles[0] == "orders 0: refused, status: the code is not in values"
    assert titles[-1] == "orders: 5 more refused (--output json shows all)"
    assert len(titles) == 21


def test_the_rows_of_each_verdict_are_counted() -> None:
    tried = trial(row(1, Verdict.REFUSED), row(2, Verdict.WRITTEN), row(3, Verdict.WRITTEN))
    assert trial_text.counts([tried]) == [("orders", "shop.orders", 3, 1, 0, 0, 2)]

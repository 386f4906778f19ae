"""How many of something, in words. Pure."""


def how_many(count: int, one: str, many: str = "") -> str:
    """Such as `1 row` and `1,200 rows`.

    Args:
        count: How many.
        one: What one of them is called, and what follows that changes with it: `row refers`.
        many: The same of several; where it is left out, `one` with an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"

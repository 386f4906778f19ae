"""Column rules of the clinic that are easier to say in Python than in SQL."""

COUNTRY_CODE = "43"  # A number without a country code is Austrian.


def e164(values: list[str | None]) -> list[str | None]:
    """Phone numbers as people typed them, in E.164.

    Args:
        values: One number per row, or NULL.

    Returns:
        The numbers in the same order; NULL where no digit was typed.
    """
    return [None if value is None else _number(value) for value in values]


def _number(value: str) -> str | None:
    digits = "".join(character for character in value if character in "0123456789")
    if value.strip().startswith("+"):
        return f"+{digits}" if digits else None
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    if digits.startswith("0"):
        return f"+{COUNTRY_CODE}{digits[1:]}"
    return f"+{COUNTRY_CODE}{digits}" if digits else None

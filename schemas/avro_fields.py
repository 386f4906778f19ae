"""One column of PostgreSQL text to the nullable Avro fields of its rows.

A field is encoded together with the branch of its union ["null", type], so that a row is a mere
join of fields. Short integers and lengths are looked up instead of computed.
Source: Apache Avro 1.12 specification, "Binary Encoding"; PostgreSQL manual, "Numeric Types" and
"Binary Data Types" (hex format).
"""

import struct
from binascii import unhexlify
from collections.abc import Callable, Sequence
from fractions import Fraction

Texts = Sequence[bytes | None]
Encoder = Callable[[Texts], list[bytes]]

NULL, PRESENT = b"\x00", b"\x02"

_FLOAT, _FLOAT_BITS, _DOUBLE = struct.Struct("<f"), struct.Struct("<i"), struct.Struct("<d")
# A variable-length integer is written two bytes, that is fourteen bits, at a time.
_STEP_BITS = 14
_STEP_MAX = (1 << _STEP_BITS) - 1
_TWO_STEPS_MAX = (1 << 2 * _STEP_BITS) - 1
_MORE = [bytes((n & 0x7F | 0x80, n >> 7 | 0x80)) for n in range(_STEP_MAX + 1)]
_LAST = [bytes((n,) if n < 1 << 7 else (n & 0x7F | 0x80, n >> 7)) for n in range(_STEP_MAX + 1)]
# Integers of so few digits, with their sign, are kept once they were encoded; more would crowd the memory.
_KEPT_DIGITS_MAX = 4


def encode_long(number: int) -> bytes:
    """A long as Avro writes it: zig-zag, then seven bits a byte, lowest first."""
    rest = number << 1 if number >= 0 else ~(number << 1)
    written = b""
    while rest > _STEP_MAX:
        written += _MORE[rest & _STEP_MAX]
        rest >>= _STEP_BITS
    return written + _LAST[rest]


def encode_text(text: str) -> bytes:
    """A string as Avro writes it: its length in bytes, then UTF-8."""
    encoded = text.encode()
    return encode_long(len(encoded)) + encoded


def encode_names(names: tuple[str, ...] | None) -> bytes:
    """A nullable array of strings, in one block; null if there are none."""
    if not names:
        return NULL
    return PRESENT + encode_long(len(names)) + b"".join(map(encode_text, names)) + encode_long(0)


def float4_of(text: bytes) -> float:
    """The single-precision value that PostgreSQL printed.

    To read the text in double precision and round that is wrong where the double lies exactly
    between two singles and the text does not: 7.038531e-26 would come out as its neighbour.
    """
    near = float(text)
    single: float = _FLOAT.unpack(_FLOAT.pack(near))[0]
    if near in (single, float("inf")) or near != near:  # noqa: PLR0124 - NaN
        return single
    away = 1 if abs(near) > abs(single) else -1
    bits: int = _FLOAT_BITS.unpack(_FLOAT.pack(single))[0]
    other: float = _FLOAT.unpack(_FLOAT_BITS.pack(bits + away))[0]
    if near - single != other - near:
        return single
    exact = Fraction(text.decode())
    return min(single, other, key=lambda candidate: abs(Fraction(candidate) - exact))


class _Integers(dict[bytes | None, bytes]):
    """Encoded integers by their text; the short ones are kept."""

    def __missing__(self, text: bytes) -> bytes:
        doubled = int(text) << 1
        if (
            _STEP_MAX < doubled <= _TWO_STEPS_MAX
        ):  # Most keys: as `encode_long` does it, without the call.
            return PRESENT + _MORE[doubled & _STEP_MAX] + _LAST[doubled >> _STEP_BITS]
        field = PRESENT + encode_long(doubled >> 1)
        if len(text) <= _KEPT_DIGITS_MAX:
            self[text] = field
        return field


class _Lengths(dict[int, bytes]):
    """The branch and the length in front of a text, by length; the small ones are kept."""

    def __missing__(self, length: int) -> bytes:
        head = PRESENT + encode_long(length)
        if length <= _STEP_MAX:
            self[length] = head
        return head


_INTEGERS = _Integers({None: NULL})
_BOOLEANS: dict[bytes | None, bytes] = {None: NULL, b"f": PRESENT + b"\0", b"t": PRESENT + b"\1"}
_LENGTHS = _Lengths()


def _integers(column: Texts) -> list[bytes]:
    fields = _INTEGERS
    return [fields[text] for text in column]


def _booleans(column: Texts) -> list[bytes]:
    return [_BOOLEANS[text] for text in column]


def _floats(column: Texts) -> list[bytes]:
    return [NULL if text is None else PRESENT + _FLOAT.pack(float4_of(text)) for text in column]


def _doubles(column: Texts) -> list[bytes]:
    return [NULL if text is None else PRESENT + _DOUBLE.pack(float(text)) for text in column]


def _texts(column: Texts) -> list[bytes]:
    head = _LENGTHS
    return [NULL if text is None else head[len(text)] + text for text in column]


def _binary(column: Texts) -> list[bytes]:
    r"""PostgreSQL prints bytea as `\x` and two digits a byte."""
    return _texts([None if text is None else unhexlify(text[2:]) for text in column])


ENCODERS: dict[str, Encoder] = {
    "boolean": _booleans,
    "int": _integers,
    "long": _integers,
    "float": _floats,
    "double": _doubles,
    "bytes": _binary,
    "string": _texts,
}

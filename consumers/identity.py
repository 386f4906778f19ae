"""Legacy key -> UUID, in columns.

The UUID of a row is uuid5(namespace, "<entity>:<legacy key>"). A legacy key is one text: the key column's normal form,
or the JSON array of the normal forms where the key has several columns; so the encoding is injective. The normal form
depends on the type alone, so a reference and the key that it means agree without knowing of each other: numbers lose
the zeros behind their decimals, char(n) loses its padding, everything else is the text that PostgreSQL prints.
Source: RFC 9562, section 5.5 (UUID version 5).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from uuid import UUID

import polars as pl

from consumers import images

# From so many keys on it pays to put their digits together in columns, whose fixed cost is 0.8 ms.
MANY = 2_500
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def normal_form(column: pl.Series, base: str) -> pl.Series:
    """Texts of key values as they are compared.

    Args:
        column: Values of one column, as the envelope reader yields them.
        base: The PostgreSQL type (`Column.base`).
    """
    texts = column.to_frame().select(images.texts(column.name, column.dtype).cast(pl.String))[
        column.name
    ]
    if base.startswith("numeric"):
        return texts.str.replace(r"(\.\d*?)0+$", "${1}").str.strip_suffix(".")
    return unpadded(texts, base)


def is_padded(base: str) -> bool:
    """Whether blanks at the end of a type's texts mean nothing."""
    return base.startswith("character(") or base == "bpchar"


def unpadded(texts: pl.Series, base: str) -> pl.Series:
    """Texts without the blanks at their end that mean nothing."""
    return texts.str.strip_chars_end(" ") if is_padded(base) else texts


def legacy_keys(columns: Sequence[pl.Series]) -> pl.Series:
    """One text per row from the normal forms of the key's columns; NULL where one of them is NULL."""
    if len(columns) == 1:
        return columns[0]
    rows = zip(*(column.to_list() for column in columns), strict=True)
    return pl.Series([None if None in row else composite(row) for row in rows], dtype=pl.String)


def composite(parts: Sequence[str]) -> str:
    """The legacy key of several columns."""
    return json.dumps(list(parts), ensure_ascii=False, separators=(",", ":"))


class Identity:
    """UUIDs of one entity's rows."""

    def __init__(
        self, namespace: UUID, entity: str, overrides: Mapping[str, str] | None = None
    ) -> None:
        """Begin the hash that all keys of the entity share.

        Args:
            namespace: Of the pipeline.
            entity: Name of the entity.
            overrides: Legacy keys with another UUID than the computed one.
        """
        self._base = hashlib.sha1(namespace.bytes + f"{entity}:".encode(), usedforsecurity=False)
        self._overrides = dict(overrides or {})

    def one(self, legacy_key: str) -> str:
        """The UUID of one legacy key, as 32 hexadecimal digits."""
        if legacy_key in self._overrides:
            return UUID(self._overrides[legacy_key]).hex
        state = self._base.copy()
        state.update(legacy_key.encode())
        digits = state.hexdigest()
        return f"{digits[:12]}5{digits[13:16]}{_VARIANT[digits[16]]}{digits[17:32]}"

    def column(self, legacy_keys: pl.Series) -> pl.Series:
        """The UUIDs of a column of legacy keys, in its order; NULL stays NULL. Each distinct key is hashed once."""
        distinct = legacy_keys.drop_nulls().unique()
        if len(distinct) == len(legacy_keys):
            return self._each(legacy_keys)
        ids = self._each(distinct)
        return legacy_keys.replace_strict(distinct, ids, default=None, return_dtype=pl.String)

    def _each(self, legacy_keys: pl.Series) -> pl.Series:
        """What `one` says of each; of many, the digits are put together in columns."""
        if len(legacy_keys) < MANY:
            return pl.Series([self.one(key) for key in legacy_keys.to_list()], dtype=pl.String)
        keys = legacy_keys.cast(pl.Binary).to_list()
        digests = pl.Series(list(map(self._digest, keys)), dtype=pl.Binary)
        digits = pl.col("id").bin.encode("hex").str
        ids = digests.to_frame("id").select(
            pl.concat_str(
                digits.slice(0, 12),
                pl.lit("5"),
                digits.slice(13, 3),
                digits.slice(16, 1).replace(_VARIANT),
                digits.slice(17, 15),
            )
        )["id"]
        if not self._overrides:
            return ids
        overrides = {key: UUID(own).hex for key, own in self._overrides.items()}
        own = legacy_keys.replace_strict(overrides, default=None, return_dtype=pl.String)
        return own.zip_with(own.is_not_null(), ids)

    def _digest(self, legacy_key: bytes) -> bytes:
        state = self._base.copy()
        state.update(legacy_key)
        return state.digest()

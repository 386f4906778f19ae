"""The checker's own version 5 UUIDs."""

import hashlib

import polars as pl


def uuids(namespace: str, entity: str, keys: pl.Series) -> pl.Series:
    """The UUIDs of legacy keys of an entity, as PostgreSQL prints them, in the order of the keys.

    Source: RFC 9562, section 5.5.
    """
    start = hashlib.sha1(  # noqa: S324 - the RFC says SHA-1.
        bytes.fromhex(namespace.replace("-", "")) + f"{entity}:".encode()
    )
    return pl.Series("id", [_uuid(start, key) for key in keys], dtype=pl.String)


def _uuid(start: "hashlib._Hash", key: str) -> str:
    hashed = start.copy()
    hashed.update(key.encode())
    digits = hashed.hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"

"""The checker's own version 5 UUID."""

import hashlib


def uuid5(namespace: str, name: str) -> str:
    """The UUID of a name in a namespace, as PostgreSQL prints it.

    Source: RFC 9562, section 5.5.
    """
    hashed = hashlib.sha1(bytes.fromhex(namespace.replace("-", "")) + name.encode())  # noqa: S324 - the RFC says SHA-1.
    octets = bytearray(hashed.digest()[:16])
    octets[6] = 0x50 | (octets[6] & 0x0F)
    octets[8] = 0x80 | (octets[8] & 0x3F)
    text = octets.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

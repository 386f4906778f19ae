"""The clinic's entities as the checker knows them, a module a domain: what refers to what, and what is money.

Written by hand from the two schemas, not from the entity files; the column rules are in expected/.
"""

from tests.checker.entities.foundation import FOUNDATION

CLINIC = (*FOUNDATION,)

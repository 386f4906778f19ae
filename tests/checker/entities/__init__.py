"""The clinic's entities as the checker knows them, a module a domain: what refers to what, and what is money.

Written by hand from the two schemas, not from the entity files; the column rules are in expected/.
"""

from tests.checker.entities.business import BUSINESS
from tests.checker.entities.clinical import CLINICAL
from tests.checker.entities.communications import COMMUNICATIONS
from tests.checker.entities.foundation import FOUNDATION
from tests.checker.entities.technical import TECHNICAL

CLINIC = (*FOUNDATION, *CLINICAL, *BUSINESS, *COMMUNICATIONS, *TECHNICAL)

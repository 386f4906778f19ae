"""The documents of examples/clinic are those of its files and schemas of today."""

import json
from pathlib import Path

import pytest

from examples.clinic.load import FOLDER, FOUNDATION, SCALE_MIN, create_source, create_target
from ops.document import catalogs
from ops.document.documents import documents
from ops.stack.state import Endpoints
from schemas import migration
from tests.unit.ops.document.asyncapi import require_valid

DOCUMENTS = FOLDER / "docs"
ANEW = """{what}. Write them anew:
    examples/clinic/generate --scale 0.001 --source DSN --target DSN      (two empty databases)
    UNDERSTUDY_SOURCE__DSN=... UNDERSTUDY_TARGET__DSN=... understudy document examples/clinic --output {folder}"""


@pytest.fixture
def of_today(endpoints: Endpoints) -> dict[str, str]:
    """The documents of a clinic that was created a moment ago; rows make no difference to them."""
    create_source(endpoints.source_dsn, SCALE_MIN, 1, domains=(FOUNDATION,))
    create_target(endpoints.target_dsn)
    return documents(catalogs.read(migration.load(FOLDER, {}), endpoints))


def test_the_documents_of_the_clinic_are_current(of_today: dict[str, str]) -> None:
    kept = {path.name: path.read_text(encoding="utf-8") for path in DOCUMENTS.iterdir()}
    names = kept.keys() ^ of_today.keys()
    stale = [name for name, text in of_today.items() if name in kept and kept[name] != text]
    what = f"{DOCUMENTS} is not current: {', '.join(sorted({*names, *stale}))}"
    folder = Path(*DOCUMENTS.parts[-3:])
    assert not names, ANEW.format(what=what, folder=folder)
    assert not stale, ANEW.format(what=what, folder=folder)


def test_the_topics_of_the_clinic_are_asyncapi(of_today: dict[str, str]) -> None:
    contract = require_valid(json.loads(of_today["topics.json"]))
    assert {"clinic.public.orders", "clinic.understudy"} <= set(contract.channels)

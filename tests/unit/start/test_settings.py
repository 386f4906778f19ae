import tomllib
from uuid import UUID

import pytest

from ops.start.settings_text import settings
from schemas.pipeline import Pipeline

NAMESPACE = UUID("6f1c1a52-6d0e-5d0b-9a53-0f2f5c1e7a10")


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:hush@old/shop?sslmode=require",
        "host=old user=me password=hush dbname=shop",
        "postgresql://me@old/shop?password=hush&sslpassword=hush",
    ],
)
def test_no_password_is_written(dsn: str) -> None:
    text = settings("shop", NAMESPACE, dsn, dsn)
    read = Pipeline.model_validate(tomllib.loads(text))
    assert "hush" not in text
    assert text.count("password is not written here") == 2
    assert read.source.dsn is not None
    assert "old" in read.source.dsn.get_secret_value()


def test_a_dsn_without_a_password_stays_as_it_was_given() -> None:
    dsn = "postgresql://me@old/shop"
    assert f'dsn = "{dsn}"' in settings("shop", NAMESPACE, dsn, None)

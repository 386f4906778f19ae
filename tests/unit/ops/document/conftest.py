from pathlib import Path

import pytest

from ops.document.model import Model
from tests.unit.ops.document.modelled import model_of


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return model_of(tmp_path)

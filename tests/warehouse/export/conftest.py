"""An export that the tests read."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_shared import DECLARED

from warehouse.export.package import export


@pytest.fixture(scope="session")
def exported(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the small warehouse. Read only."""
    folder = tmp_path_factory.mktemp("exported")
    export(small, str(folder), DECLARED)
    return folder

"""The claims of the article, judged on the bundled snapshots."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from marts_shared import Connection

from warehouse.claims import judge
from warehouse.claims.files import load_claims
from warehouse.claims.judge import Judged


@pytest.fixture(scope="package")
def judged(real: Connection) -> dict[str, Judged]:
    return {one.claim.id: one for one in judge.judged(real, load_claims())}


@pytest.fixture(scope="package")
def changed(real: Connection) -> Callable[..., Judged]:
    """A function that judges one claim after changes to the tables, and undoes the changes."""

    def judged_after(name: str, *changes: str) -> Judged:
        real.execute("BEGIN")
        try:
            for change in changes:
                real.execute(change)
            (one,) = judge.judged(real, [claim for claim in load_claims() if claim.id == name])
        finally:
            real.execute("ROLLBACK")
        return one

    return judged_after

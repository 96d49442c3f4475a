"""The errors that a run reports in one sentence, without a traceback."""

from __future__ import annotations

from functools import cache

from flows.steps.locking import BusyError, DataFolderError
from sources.errors import SourceError
from warehouse.query import QueryError
from warehouse.reports.scope import BriefingError


@cache
def foreseeable() -> tuple[type[Exception], ...]:
    """The errors whose message is a sentence for the user. Cached: some of their modules import pandas."""
    from schemas.validate import ContractError, TableError
    from warehouse.load import BuildError

    return (
        SourceError, ContractError, TableError, BuildError, BusyError, DataFolderError, QueryError, BriefingError,
        OSError,
    )  # fmt: skip


def message_of(error: BaseException) -> str:
    """The message of a foreseeable error for the user."""
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{place}. The published warehouse is as it was."
    return str(error)

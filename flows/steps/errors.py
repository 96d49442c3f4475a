"""The errors that a run reports in one sentence, without a traceback."""

from __future__ import annotations

from flows.steps.locking import BusyError, DataFolderError
from schemas.validate import ContractError, TableError
from sources.errors import SourceError
from warehouse.load import BuildError

FORESEEABLE = (SourceError, ContractError, TableError, BuildError, BusyError, DataFolderError, OSError)


def explained(error: BaseException) -> str:
    """The message of one of FORESEEABLE for the user."""
    if isinstance(error, OSError) and not isinstance(error, FORESEEABLE[:-1]):
        place = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror or error}{place}. The published warehouse is as it was."
    return str(error)

"""The foreseeable faults of a run, which end it with a sentence instead of a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from prefect.states import Failed

from flows.steps.locking import BusyError, DataFolderError
from schemas.validate import ContractError, TableError
from sources.errors import SourceError
from warehouse.load import BuildError

log = logging.getLogger("peacekeeping.refresh")

FORESEEABLE = (SourceError, ContractError, TableError, BuildError, BusyError, DataFolderError, OSError)
Parameters = ParamSpec("Parameters")


def told_plainly(step: Callable[Parameters, Any]) -> Callable[Parameters, Any]:
    """A step whose foreseeable faults end in a failed state with one clear sentence, not in a traceback."""

    @wraps(step)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Any:
        try:
            return step(*args, **kwargs)
        except FORESEEABLE as error:
            log.error("%s", explained(error))
            return Failed(message=explained(error))

    return wrapped


def explained(error: BaseException) -> str:
    """The message of a foreseeable fault."""
    if isinstance(error, OSError) and not isinstance(error, FORESEEABLE[:-1]):
        place = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror or error}{place}. The published warehouse is as it was."
    return str(error)

"""Exit codes of the commands, and the faults that end one with a sentence instead of a traceback."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

FAILED, WRONG, INTERRUPTED = 1, 2, 130

# Exceptions whose message is the whole explanation, by module and class: a command then needs no except clause, and
# none of these modules is imported for it (an exception of a module that is not imported can't have been raised).
WRONG_COMMAND = (
    ("sources.errors", "UnknownSource"),
    ("sources.errors", "UnknownBuild"),
    ("flows.steps.as_of", "WrongDate"),
    ("flows.steps.settings", "SettingError"),
    ("warehouse.reports.scope", "WrongMission"),
    ("warehouse.export.package", "WrongTable"),
)
FAILED_WORK = (
    ("sources.errors", "SourceError"),
    ("schemas.validate", "ContractError"),
    ("schemas.validate", "TableError"),
    ("warehouse.load", "BuildError"),
    ("warehouse.query", "QueryError"),
    ("warehouse.diff", "DiffError"),
    ("warehouse.export.store", "ExportError"),
    ("warehouse.reports.scope", "BriefingError"),
    ("flows.serve", "NoServer"),
    ("flows.steps.as_of", "NotBuilt"),
    ("flows.steps.locking", "BusyError"),
    ("flows.steps.locking", "DataFolderError"),
)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End the command with one sentence on standard error."""
    click.echo(f"error: {message}", err=True)
    raise SystemExit(code)


def exit_code(error: Exception) -> int | None:
    """The exit code of a foreseeable fault; None for any other."""
    for names, code in ((WRONG_COMMAND, WRONG), (FAILED_WORK, FAILED)):
        classes = (getattr(sys.modules[module], name) for module, name in names if module in sys.modules)
        if isinstance(error, tuple(classes)):
            return code
    return None

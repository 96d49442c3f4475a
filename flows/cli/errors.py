"""Exit codes of the commands, and how one ends with an error."""

from __future__ import annotations

from typing import NoReturn

import click

FAILED, WRONG, INTERRUPTED = 1, 2, 130
STOPPED = "interrupted; the published warehouse is intact"


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End the command with one sentence on standard error."""
    click.echo(f"error: {message}", err=True)
    raise SystemExit(code)

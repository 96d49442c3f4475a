"""Errors between a publisher and the archive; each message says what came and what to do."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import ProjectError, UsageError


class SourceError(ProjectError):
    """A fault that a user can act on; its text is the message shown, without a traceback."""


class CatalogueError(SourceError):
    """A declaration (YAML) is wrong; the message names the file and the field."""


class UnknownSource(SourceError, UsageError):
    """A source was named that no declaration describes."""


class UnknownBuild(SourceError, UsageError):
    """A build was named that the archive has no record of."""


class Refused(SourceError):
    """The bytes are not what the source promises; retrying will not help.

    `file` is what came, if it is on disk and is to be kept.
    """

    def __init__(self, message: str, file: Path | None = None) -> None:
        super().__init__(message)
        self.file = file


class CutOff(Refused):
    """The bytes end too early; fetching the file again can help."""


class Unreachable(SourceError):
    """No connection to the publisher: no network, no name, no answer."""


class Unavailable(SourceError):
    """The publisher can't serve now (5xx, 408, 425, 429), stalled, or sent a part; trying again can help."""


class ArchiveError(SourceError):
    """The raw archive can't be read or written, or a file in it is not what its record says."""

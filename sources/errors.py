"""What can go wrong between a publisher and the archive; each message says what came and what to do."""

from __future__ import annotations

from pathlib import Path


class SourceError(Exception):
    """A fault of a source that a person can act on; its text is the whole message shown."""


class CatalogueError(SourceError):
    """A declaration (YAML) is wrong; the message names the file and the field."""


class UnknownSource(SourceError):
    """A source was named that no declaration describes."""


class UnknownBuild(SourceError):
    """A build was named that the archive has no record of."""


class Refused(SourceError):
    """Bytes came, but not what the source promises: the contract is broken, and retrying won't mend it.

    `file` is what came, where it is on disk and worth keeping.
    """

    def __init__(self, message: str, file: Path | None = None) -> None:
        super().__init__(message)
        self.file = file


class CutOff(Refused):
    """The bytes end too early: part of the file did not arrive, so getting it again can help."""


class Unreachable(SourceError):
    """No connection to the publisher: no network, no name, no answer."""


class Unavailable(SourceError):
    """The publisher can't serve now (5xx, 408, 425, 429), stalled, or sent a part: trying again may help."""


class ArchiveError(SourceError):
    """The raw archive can't be read or written, or a file in it is not what its record says."""

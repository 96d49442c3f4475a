"""The cache of staged snapshots: staging is a pure function of a snapshot and the code, so each is staged once.

    staged/<source>/<snapshot>/<code>/     the frames of a `Staged` as Parquet, its counts as JSON

A fatalities list that changes daily is hundreds of snapshots a year, and every build needs them all. The folder can be
removed at any time; what is missing, damaged or of other code is staged again.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow

from flows.steps.identity import staging_code
from flows.steps.registry import read, stage_rows
from schemas.files import SCRATCH
from schemas.problems import first_line
from schemas.source import Source
from sources.archive import Archive, Snapshot
from transforms.staging import Staged

log = logging.getLogger("peacekeeping.stage")

FRAMES = ("rows", "rejected", "merged", "signals", "corrections", "unread")
FACTS = ("dialect", "absent", "rows_read", "rows_out_of_scope", "covers_from", "covers_to")


class StagingCache:
    """Staged snapshots below a folder, which is created on first use."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _place(self, snapshot: Snapshot) -> Path:
        return (
            self.root / snapshot.source / f"{snapshot.sha256[:16]}-{snapshot.vintage}" / staging_code(snapshot.source)
        )

    def has(self, snapshot: Snapshot) -> bool:
        """Whether the snapshot was staged by this code."""
        return self._place(snapshot).is_dir()

    def staged(self, archive: Archive, source: Source, snapshot: Snapshot) -> Staged:
        """The staged snapshot, from the cache or staged now; its bytes are verified either way.

        Raises ArchiveError, Refused or ContractError when the archived bytes can't be used.
        """
        place = self._place(snapshot)
        file = archive.require_whole(snapshot)
        if place.is_dir():
            try:
                return _read(place)
            except (OSError, ValueError, KeyError, TypeError, arrow.ArrowException) as error:
                log.warning("%s: %s can't be read (%s); staged again.", source.name, place, first_line(error))
        staged = stage_rows(source, read(source, file), date.fromisoformat(snapshot.vintage))
        self.keep(snapshot, staged)
        return staged

    def keep(self, snapshot: Snapshot, staged: Staged) -> None:
        """Cache a staged snapshot, and remove what other code staged of it."""
        place = self._place(snapshot)
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=place.parent))
        try:
            for name in FRAMES:
                getattr(staged, name).to_parquet(scratch / f"{name}.parquet")
            facts = {name: getattr(staged, name) for name in FACTS}
            (scratch / "facts.json").write_text(json.dumps(facts, default=date.isoformat), encoding="utf-8")
            for old in place.parent.iterdir():
                if old != scratch:
                    shutil.rmtree(old, ignore_errors=True)
            scratch.replace(place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


class ReadOnlyCache(StagingCache):
    """A cache that many builds can read at once: what it lacks is staged and not kept."""

    def keep(self, snapshot: Snapshot, staged: Staged) -> None:
        """Keep nothing."""


def _read(place: Path) -> Staged:
    facts: dict[str, Any] = json.loads((place / "facts.json").read_text(encoding="utf-8"))
    facts["absent"] = tuple(facts["absent"])
    for name in ("covers_from", "covers_to"):
        facts[name] = date.fromisoformat(facts[name]) if facts[name] else None
    frames: dict[str, Any] = {name: pd.read_parquet(place / f"{name}.parquet") for name in FRAMES}
    return Staged(**frames, **facts)

"""Whether everything that is kept is whole: the raw archive, its records, and the published warehouse.

It reads and changes nothing, takes no lock, and can run beside a refresh. What a killed process leaves behind (scratch
files `.new-*`, bytes that have no record yet) counts for nothing and is no damage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from flows.steps.settings import Paths
from schemas.problems import first_line
from sources.archive import Archive, Snapshot, sha256_of
from sources.catalogue import source_names
from sources.errors import ArchiveError, SourceError
from warehouse.query import Answer, QueryError, connect

APART = ("builds", "refused")  # folders of the archive that are no source's

Tracked = Callable[[Sequence[Path]], Iterable[Path]]


class NothingKept(SourceError):
    """There is neither an archive nor a warehouse yet."""


@dataclass
class Held:
    """What the archive has of a source. `bytes` are those that the records name; `whole` is None without snapshots."""

    source: str
    snapshots: int = 0
    bytes: int = 0
    whole: bool | None = None


@dataclass
class Verified:
    """What was looked at, and every damage found: a sentence on what is wrong and one on what to do."""

    sources: list[Held] = field(default_factory=list)
    builds: int = 0
    build_id: str | None = None
    damages: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def verify(where: Paths, tracked: Tracked = lambda notes: notes) -> Verified:
    """Look at everything that is kept and collect what is damaged.

    tracked  goes through the records of the snapshots, whose bytes are hashed one after the other, and may tell how far

    Raises NothingKept.
    """
    archive = Archive(where.raw)
    if not where.raw.is_dir() and not where.warehouse.exists():
        raise NothingKept(f"There is nothing to verify in {where.data} yet. Run `peacekeeping refresh` first.")
    found = Verified()
    if not where.raw.is_dir():
        found.damages.append(f"There is no archive at {where.raw}. Run `peacekeeping refresh`, or put it back.")
    folders = {path.name for path in where.raw.glob("*") if path.is_dir()}
    held = {name: Held(name) for name in sorted({*source_names(), *folders} - {*APART})}
    notes = [note for name in held for note in _notes(where.raw / name) if note.name != "last_checked.json"]
    for note in tracked(notes):
        _verify_snapshot(archive, note, held[note.parent.name], found)
    found.sources = list(held.values())
    for name in held:
        try:
            archive.last_check(name)
        except ArchiveError as error:
            found.damages.append(str(error))
    for note in _notes(where.raw / "builds"):
        _verify_build(archive, note, found)
    _verify_warehouse(archive, where, found)
    return found


def _notes(folder: Path) -> list[Path]:
    """The records in a folder of the archive; a scratch file has no suffix yet."""
    return sorted(folder.glob("*.json"))


def _verify_snapshot(archive: Archive, note: Path, held: Held, found: Verified) -> None:
    """Hold a snapshot's record against its bytes."""
    before = len(found.damages)
    held.snapshots += 1
    record: Snapshot | None = None
    try:
        record = archive.find(held.source, note.stem)
    except ArchiveError as error:
        found.damages.append(str(error))
    file = note.with_suffix("")
    if record and record.origin == "bundled":
        advice = "`peacekeeping refresh` puts it back."
    else:
        advice = f"Put it back from a copy, or remove it and {note.name}, then refresh or load it again."
    try:
        size, whole = file.stat().st_size, sha256_of(file) == note.stem
    except OSError as error:
        found.damages.append(f"The archived file {file} can't be read: {error.strerror}. {advice}")
    else:
        held.bytes += size
        if not whole:
            found.damages.append(f"The archived file {file} is damaged: its SHA-256 is no longer its name. {advice}")
        elif record and (record.source, record.sha256, record.bytes) != (held.source, note.stem, size):
            found.damages.append(
                f"The record {note} is that of another file (source, SHA-256 or size). Restore or remove it."
            )
    if record and record.in_future():
        found.damages.append(
            f"The record {note} has the vintage {record.vintage}, which lies in the future, so no build uses the "
            "snapshot. Load the file again with --vintage DATE; if this machine's clock is behind, set it right."
        )
    held.whole = held.whole is not False and len(found.damages) == before


def _verify_build(archive: Archive, note: Path, found: Verified) -> None:
    """See that a build's record can be read and that the snapshots which it names are held."""
    found.builds += 1
    advice = "Remove it; only `peacekeeping diff` with that build needs it."
    try:
        record = archive.build(note.stem) or {}
        named = [(str(entry["source"]), str(entry["sha256"])) for entry in record["snapshots"]]
    except ArchiveError as error:
        found.damages.append(f"{error} {advice}")
    except (KeyError, TypeError):
        found.damages.append(f"The record {note} does not say which snapshots the build was made of. {advice}")
    else:
        for source, sha256 in _missing(archive, named):
            found.damages.append(
                f"The build {note.stem} was made of the snapshot {sha256[:12]}… of {source}, which the archive has no "
                f"longer. Load it again, or do without `peacekeeping diff` with that build and remove {note}."
            )


def _missing(archive: Archive, named: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Those of the snapshots (source, SHA-256) that have no record; what is wrong with one that has was told before."""
    for source, sha256 in named:
        file = archive.path(source, sha256)
        if not file.with_name(f"{file.name}.json").exists():
            yield source, sha256


def _verify_warehouse(archive: Archive, where: Paths, found: Verified) -> None:
    """See that every row of the published warehouse can be read and that it rests on snapshots that are held."""
    try:
        with connect(where.warehouse) as connection:
            tables = Answer(connection, "SELECT schema_name, table_name FROM duckdb_tables()").rows()
            if ("meta", "snapshots") not in tables:
                found.damages.append(
                    f"{where.warehouse} is no warehouse of this project. `peacekeeping refresh` builds it anew."
                )
                return
            # DuckDB holds each block that it reads against its checksum, and hashing reads all.
            for schema, table in tables:
                Answer(connection, f'SELECT bit_xor(hash(COLUMNS(*))) FROM "{schema}"."{table}"').rows()
            named = Answer(connection, "SELECT source, sha256 FROM meta.snapshots WHERE origin <> 'register'").rows()
            found.build_id = Answer(connection, "SELECT max(build_id) FROM meta.builds").rows()[0][0]
    except QueryError as error:
        told = first_line(error)
        if str(where.warehouse) not in told:  # it opens, and says what to do where it does not
            told = (
                f"The warehouse {where.warehouse} can't be read: {told}. `peacekeeping refresh --force` builds it anew"
            )
        found.damages.append(f"{told}.")
        return
    for source, sha256 in _missing(archive, named):
        found.damages.append(
            f"The published warehouse rests on the snapshot {sha256[:12]}… of {source}, which the archive has no "
            "longer. Load it again, or let `peacekeeping refresh` build from what the archive has."
        )

"""The command `verify`: whether the raw archive, its records and the published warehouse are undamaged.

It reads, takes no lock, and can run beside a refresh. Like every command it renames another program's write-ahead log
beside the warehouse; it changes nothing else. What a killed process leaves behind (scratch files `.new-*`, bytes
without a record) is no damage.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import click

from flows.cli import console
from flows.cli.errors import fail
from flows.cli.options import as_json_option, plural
from flows.steps.settings import Paths, paths
from schemas.problems import first_line
from sources.archive import Archive, Snapshot, sha256_of
from sources.catalogue import source_names
from sources.errors import ArchiveError, SourceError
from warehouse.query import Answer, QueryError, connect

OTHER_FOLDERS = ("builds", "refused")  # folders of the archive that belong to no source

Tracked = Callable[[Sequence[Path]], Iterable[Path]]


@dataclass
class ArchivedSource:
    """The snapshots of a source, the sum of their bytes, and whether all are undamaged (None without snapshots)."""

    source: str
    snapshots: int = 0
    bytes: int = 0
    whole: bool | None = None


@dataclass
class Report:
    """What was checked, and every damage: a sentence on what is wrong and one on what to do."""

    sources: list[ArchivedSource] = field(default_factory=list)
    builds: int = 0
    build_id: str | None = None
    damages: list[str] = field(default_factory=list)


@click.command()
@as_json_option
def verify(as_json: bool) -> None:
    """Check that the archive and the warehouse are undamaged; changes nothing.

    Every archived snapshot must have a readable record and bytes whose SHA-256 is its name; every recorded build and
    the published warehouse must be made of archived snapshots, and the warehouse must be readable. Each damage is
    listed with what to do, and the exit code is then 1.
    """
    where = paths()
    report = verify_folder(where, partial(console.tracked, what="Verifying snapshot"))
    if as_json:
        click.echo(json.dumps(asdict(report), indent=1, ensure_ascii=False))
    else:
        words = {True: "yes", False: "no", None: "-"}
        cells = [[source.source, source.snapshots, source.bytes, words[source.whole]] for source in report.sources]
        console.show_table(["source", "snapshots", "bytes", "whole"], cells)
    for damage in report.damages:
        click.echo(f"damaged: {damage}", err=True)
    count = len(report.damages)
    if count:
        fail(f"{'One thing is' if count == 1 else f'{count} things are'} damaged in {where.data}.")
    snapshots = sum(source.snapshots for source in report.sources)
    builds = plural(report.builds, "recorded build")
    click.echo(f"Nothing is damaged: {snapshots:,} snapshots, {builds}, the published warehouse.", err=True)


def verify_folder(where: Paths, tracked: Tracked = lambda notes: notes) -> Report:
    """Check everything in the data folder and collect the damages.

    tracked  iterates over the records of the snapshots, each of which is hashed, and may show the progress

    Raises SourceError when there is neither an archive nor a warehouse yet.
    """
    archive = Archive(where.raw)
    if not where.raw.is_dir() and not where.warehouse.exists():
        raise SourceError(f"There is nothing to verify in {where.data} yet. Run `peacekeeping refresh` first.")
    report = Report()
    if not where.raw.is_dir():
        report.damages.append(f"There is no archive at {where.raw}. Run `peacekeeping refresh`, or put it back.")
    folders = {path.name for path in where.raw.glob("*") if path.is_dir()}
    sources = {name: ArchivedSource(name) for name in sorted({*source_names(), *folders} - {*OTHER_FOLDERS})}
    notes = [note for name in sources for note in _notes(where.raw / name) if note.name != "last_checked.json"]
    for note in tracked(notes):
        _verify_snapshot(archive, note, sources[note.parent.name], report)
    report.sources = list(sources.values())
    for name in sources:
        try:
            archive.last_check(name)
        except ArchiveError as error:
            report.damages.append(str(error))
    for note in _notes(where.raw / "builds"):
        _verify_build(archive, note, report)
    _verify_warehouse(archive, where, report)
    return report


def _notes(folder: Path) -> list[Path]:
    """The records in a folder of the archive; a scratch file has no suffix yet."""
    return sorted(folder.glob("*.json"))


def _verify_snapshot(archive: Archive, note: Path, source: ArchivedSource, report: Report) -> None:
    """Compare a snapshot's record with its bytes."""
    before = len(report.damages)
    source.snapshots += 1
    record: Snapshot | None = None
    try:
        record = archive.find(source.source, note.stem)
    except ArchiveError as error:
        report.damages.append(str(error))
    file = note.with_suffix("")
    if record and record.origin == "bundled":
        advice = "`peacekeeping refresh` puts it back."
    else:
        advice = f"Put it back from a copy, or remove it and {note.name}, then refresh or load it again."
    try:
        size, whole = file.stat().st_size, sha256_of(file) == note.stem
    except OSError as error:
        report.damages.append(f"The archived file {file} can't be read: {error.strerror}. {advice}")
    else:
        source.bytes += size
        if not whole:
            report.damages.append(f"The archived file {file} is damaged: its SHA-256 is no longer its name. {advice}")
        elif record and (record.source, record.sha256, record.bytes) != (source.source, note.stem, size):
            report.damages.append(
                f"The record {note} is that of another file (source, SHA-256 or size). Restore or remove it."
            )
    if record and record.in_future():
        report.damages.append(
            f"The record {note} has the vintage {record.vintage}, which lies in the future, so no build uses the "
            "snapshot. Load the file again with --vintage DATE; if this machine's clock is behind, set it right."
        )
    source.whole = source.whole is not False and len(report.damages) == before


def _verify_build(archive: Archive, note: Path, report: Report) -> None:
    """Check that a build's record is readable and names snapshots that are archived."""
    report.builds += 1
    advice = "Remove it; only `peacekeeping diff` with that build needs it."
    try:
        record = archive.build(note.stem) or {}
        named = [(str(entry["source"]), str(entry["sha256"])) for entry in record["snapshots"]]
    except ArchiveError as error:
        report.damages.append(f"{error} {advice}")
    except (KeyError, TypeError):
        report.damages.append(f"The record {note} does not name the snapshots of the build. {advice}")
    else:
        for source, sha256 in _missing(archive, named):
            report.damages.append(
                f"The build {note.stem} was made of the snapshot {sha256[:12]}… of {source}, which the archive no "
                f"longer has. Load it again, or remove {note}: only `peacekeeping diff` with that build needs it."
            )


def _missing(archive: Archive, named: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Those of the snapshots (source, SHA-256) that have no record; damaged ones are reported before."""
    for source, sha256 in named:
        file = archive.path(source, sha256)
        if not file.with_name(f"{file.name}.json").exists():
            yield source, sha256


def _verify_warehouse(archive: Archive, where: Paths, report: Report) -> None:
    """Check that every row of the published warehouse is readable and that its snapshots are archived."""
    try:
        with connect(where.warehouse) as connection:
            tables = Answer(connection, "SELECT schema_name, table_name FROM duckdb_tables()").rows()
            if ("meta", "snapshots") not in tables:
                report.damages.append(
                    f"{where.warehouse} is no warehouse of this project. `peacekeeping refresh` rebuilds it."
                )
                return
            # DuckDB verifies the checksum of each block that it reads, and hashing reads all blocks.
            for schema, table in tables:
                Answer(connection, f'SELECT bit_xor(hash(COLUMNS(*))) FROM "{schema}"."{table}"').rows()
            named = Answer(connection, "SELECT source, sha256 FROM meta.snapshots WHERE origin <> 'register'").rows()
            report.build_id = Answer(connection, "SELECT max(build_id) FROM meta.builds").rows()[0][0]
    except QueryError as error:
        message = first_line(error)
        if str(where.warehouse) not in message:  # the message of a file that can't be opened names it and the remedy
            message = (
                f"The warehouse {where.warehouse} can't be read: {message}. `peacekeeping refresh --force` rebuilds it"
            )
        report.damages.append(f"{message}.")
        return
    for source, sha256 in _missing(archive, named):
        report.damages.append(
            f"The published warehouse was built from the snapshot {sha256[:12]}… of {source}, which the archive no "
            "longer has. Load it again, or let `peacekeeping refresh` build from what the archive has."
        )

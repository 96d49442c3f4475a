"""`peacekeeping verify`: an undamaged folder passes; every damage is reported with what to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from tests_shared import CATALOGUE

from flows.cli.verify import ArchivedSource, verify_folder
from flows.steps.settings import Paths
from sources import catalogue
from sources.errors import SourceError

CONTENT = {"fatalities": [b"one", b"two!"], "missions": [b"three"]}


def put(where: Paths, source: str, content: bytes, origin: str = "fetched") -> Path:
    """A snapshot as the archive keeps it, written by hand; returns the file of its bytes."""
    sha256 = hashlib.sha256(content).hexdigest()
    file = where.raw / source / sha256
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    record = {
        "source": source, "sha256": sha256, "bytes": len(content), "vintage": "2025-01-31", "vintage_basis": "stated",
        "origin": origin, "url": "file", "retrieved_at": "2025-02-01", "dialect": "csv",
    }  # fmt: skip
    Path(f"{file}.json").write_text(json.dumps(record))
    return file


@pytest.fixture
def intact(tmp_path: Path) -> Paths:
    """An archive of three snapshots, a recorded build, and a warehouse of two of the three and a register."""
    where = Paths(tmp_path / "data")
    named = [(source, put(where, source, some).name) for source, contents in CONTENT.items() for some in contents]
    (where.raw / "builds").mkdir()
    record = {"build_id": "abcd", "snapshots": [{"source": source, "sha256": sha256} for source, sha256 in named]}
    (where.raw / "builds" / "abcd.json").write_text(json.dumps(record))
    (where.raw / "fatalities" / "last_checked.json").write_text('{"at": "2025-02-01"}')
    with duckdb.connect(str(where.warehouse)) as connection:
        connection.execute("CREATE SCHEMA meta; CREATE TABLE meta.builds AS SELECT 'abcd' AS build_id")
        connection.execute("CREATE TABLE meta.snapshots (source TEXT, sha256 TEXT, origin TEXT)")
        rows = [[source, sha256, "fetched"] for source, sha256 in named[1:]]
        connection.executemany(
            "INSERT INTO meta.snapshots VALUES (?, ?, ?)", [*rows, ["register", "0" * 64, "register"]]
        )
        connection.execute("CREATE TABLE main.fatalities AS SELECT md5(i::TEXT) AS id FROM range(50000) t(i)")
    return where


def first_of(where: Paths, source: str = "fatalities", content: bytes = b"one") -> Path:
    return where.raw / source / hashlib.sha256(content).hexdigest()


def test_an_undamaged_folder_passes_and_is_counted(intact: Paths) -> None:
    report = verify_folder(intact)
    assert report.damages == [] and (report.builds, report.build_id) == (1, "abcd")
    counted = {held.source: held for held in report.sources}
    assert counted["fatalities"] == ArchivedSource("fatalities", snapshots=2, bytes=7, whole=True)
    assert counted["missions"] == ArchivedSource("missions", snapshots=1, bytes=5, whole=True)
    assert counted["uniformed_personnel"] == ArchivedSource("uniformed_personnel", snapshots=0, bytes=0, whole=None)
    assert set(counted) == set(catalogue.source_names())


def test_what_a_killed_process_leaves_behind_is_no_damage(intact: Paths) -> None:
    for folder in ("fatalities", "builds", "refused/fatalities", "never_heard_of"):
        (intact.raw / folder).mkdir(parents=True, exist_ok=True)
        (intact.raw / folder / ".new-x1y2z3").write_bytes(b"half a fi")
    (intact.raw / "fatalities" / ("f" * 64)).write_bytes(b"bytes that have no record yet")
    (intact.data / "work" / "run").mkdir(parents=True)
    assert verify_folder(intact).damages == []


def spoil(file: Path) -> None:
    file.write_bytes(b"One")


def lose(file: Path) -> None:
    file.unlink()
    Path(f"{file}.json").unlink()


def of_another(file: Path) -> None:
    note = Path(f"{file}.json")
    note.write_text(json.dumps(json.loads(note.read_text()) | {"bytes": 4}))


RECORD_GONE = "which the archive no longer has"
# Damage to the first snapshot of the fatalities, and the words that each reported damage must have.
SNAPSHOT_DAMAGES: dict[str, tuple[Callable[[Path], None], list[list[str]]]] = {
    "bytes changed": (spoil, [["is damaged: its SHA-256 is no longer its name", "remove it and"]]),
    "bytes cut": (lambda file: file.write_bytes(b"on"), [["is damaged", "refresh or load it again"]]),
    "bytes gone": (lambda file: file.unlink(), [["can't be read: No such file", "Put it back from a copy"]]),
    "record empty": (lambda file: Path(f"{file}.json").write_bytes(b""), [["The record", "Restore or remove it"]]),
    "record without a date": (
        lambda file: Path(f"{file}.json").write_text('{"source": "fatalities"}'),
        [["The record", "Restore or remove it"]],
    ),
    "record of another file": (of_another, [["is that of another file", "Restore or remove it"]]),
    "lost": (lose, [["The build abcd was made of", RECORD_GONE, "Load it again"]]),
}  # fmt: skip


@pytest.mark.parametrize("kind", SNAPSHOT_DAMAGES)
def test_a_damaged_snapshot_is_reported_once_with_what_to_do(intact: Paths, kind: str) -> None:
    damage, expected = SNAPSHOT_DAMAGES[kind]
    damage(first_of(intact))
    report = verify_folder(intact)
    assert len(report.damages) == len(expected), report.damages
    for message, parts in zip(report.damages, expected, strict=True):
        assert all(part in message for part in parts) and first_of(intact).name[:12] in message and "\n" not in message
    held = {held.source: held.whole for held in report.sources}
    assert (held["fatalities"], held["missions"]) == (kind == "lost", True)


def test_a_damaged_bundled_snapshot_is_put_back_by_a_refresh(intact: Paths) -> None:
    put(intact, "fatalities", b"bundled", origin="bundled").write_bytes(b"damaged")
    (message,) = verify_folder(intact).damages
    assert message.endswith("`peacekeeping refresh` puts it back.")


def test_a_missing_snapshot_of_a_build_and_of_the_warehouse_is_reported(intact: Paths) -> None:
    lose(first_of(intact, "missions", b"three"))
    of_the_build, of_the_warehouse = verify_folder(intact).damages
    assert "The build abcd was made of" in of_the_build
    assert "The published warehouse was built from" in of_the_warehouse and "of missions" in of_the_warehouse
    assert "let `peacekeeping refresh` build" in of_the_warehouse


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"build_id": ', "can't be read"),
        ("[]", "does not name the snapshots"),
        ('{"snapshots": 3}', "does not name the snapshots"),
        ('{"snapshots": [{"source": "missions"}]}', "does not name the snapshots"),
    ],
)
def test_a_build_record_without_snapshots_is_reported(intact: Paths, text: str, fault: str) -> None:
    (intact.raw / "builds" / "abcd.json").write_text(text)
    (message,) = verify_folder(intact).damages
    assert fault in message and "abcd.json" in message and "Remove it" in message


def test_a_last_check_that_cannot_be_read_is_reported(intact: Paths) -> None:
    (intact.raw / "fatalities" / "last_checked.json").write_text('{"at": ')
    (message,) = verify_folder(intact).damages
    assert "last_checked.json can't be read" in message and "the next refresh writes it" in message


def rot(file: Path) -> None:
    """Change one byte of a block that has only rows of the fatalities: the file still opens."""
    with duckdb.connect(str(file)) as connection:
        (block,) = connection.execute(
            "SELECT min(block_id) FROM pragma_storage_info('fatalities') WHERE block_id >= 0"
        ).fetchone()  # type: ignore[misc]
    content = bytearray(file.read_bytes())
    content[3 * 4096 + block * 262_144 + 130_000] ^= 0xFF  # after three headers, in the middle of the block
    file.write_bytes(content)
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM fatalities").fetchall() == [(50_000,)]


def foreign(file: Path) -> None:
    file.unlink()
    duckdb.connect(str(file)).execute("CREATE TABLE shoes (size INT)").close()


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (lambda file: file.unlink(), ["There is no warehouse at", "Run `peacekeeping refresh`"]),
        (lambda file: file.write_bytes(b"nothing"), ["can't be opened", "`peacekeeping refresh` to rebuild it"]),
        (rot, ["checksum", "rebuilds it"]),
        (foreign, ["is no warehouse of this project", "rebuilds it"]),
    ],
    ids=["gone", "no database", "rotten", "foreign"],
)
def test_a_missing_damaged_or_foreign_warehouse_is_reported(
    intact: Paths, damage: Callable[[Path], None], parts: list[str]
) -> None:
    damage(intact.warehouse)
    (message,) = verify_folder(intact).damages
    assert all(part in message for part in [*parts, str(intact.warehouse)]) and "\n" not in message


def test_all_damages_are_reported(intact: Paths) -> None:
    spoil(first_of(intact))
    Path(f"{first_of(intact, content=b'two!')}.json").write_text("{")
    (intact.raw / "fatalities" / "last_checked.json").write_text("{")
    (intact.raw / "builds" / "abcd.json").write_text("{")
    intact.warehouse.unlink()
    report = verify_folder(intact)
    assert len(report.damages) == 5 and len(set(report.damages)) == 5
    assert [held.whole for held in report.sources if held.snapshots] == [False, True]


def test_a_folder_without_data_and_a_missing_archive_are_reported(intact: Paths, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Run `peacekeeping refresh` first"):
        verify_folder(Paths(tmp_path / "elsewhere"))
    intact.raw.rename(intact.data / "elsewhere")
    report = verify_folder(intact)
    assert "There is no archive at" in report.damages[0] and "`peacekeeping refresh`" in report.damages[0]
    assert len([message for message in report.damages if "was built from the snapshot" in message]) == 2


def test_the_progress_covers_each_record(intact: Paths) -> None:
    seen: list[Path] = []
    verify_folder(intact, lambda notes: (seen.extend(notes), notes)[1])
    assert len(seen) == 3 and all(note.suffix == ".json" and note.parent.name in CATALOGUE for note in seen)

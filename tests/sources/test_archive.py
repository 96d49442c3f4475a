"""The raw archive: snapshots and records, damage, atomic writes, refused files, checks and builds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.archive import Archive, Snapshot, sha256_of, write_json
from sources.errors import ArchiveError

PAYLOAD = b"mission,deaths\nMINUSMA,10\n"
# as sha256sum prints it
SHA256 = "b5a1a2d9cdf90caa01f186d7b7e320e8df1203be31c42e1078ad050af0c808d0"


def record(payload: bytes = PAYLOAD, **fields: Any) -> Snapshot:
    return replace(
        Snapshot(
            source="fatalities",
            sha256=hashlib.sha256(payload).hexdigest(),
            bytes=len(payload),
            vintage="2025-04-04",
            vintage_basis="last_update of the rows",
            origin="fetched",
            url="https://publisher.example/data.csv",
            retrieved_at="2025-04-05T06:07:08+00:00",
            dialect="psdata-csv",
        ),
        **fields,
    )


def add(archive: Archive, payload: bytes, about: Snapshot) -> bool:
    """Put bytes into the archive by way of a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(payload)
        return archive.add(file, about)


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "raw")


# Snapshots and records


def test_bytes_and_record_are_kept_as_they_came_readable_by_others(archive: Archive) -> None:
    payload = b"\xef\xbb\xbfa\r\n\0\xff\x1f\x8b"
    about = record(payload, url="données/Côte d’Ivoire.csv")
    assert add(archive, payload, about)
    path = archive.path("fatalities", about.sha256)
    assert path == archive.root / "fatalities" / about.sha256 == archive.require_whole(about)
    assert path.read_bytes() == payload and sha256_of(path) == about.sha256
    written = json.loads(path.with_name(f"{about.sha256}.json").read_text(encoding="utf-8"))
    assert written == {name: value for name, value in vars(about).items() if name != "accepted"}
    assert archive.snapshots("fatalities") == [about]
    assert {(archive.root / name).stat().st_mode & 0o777 for name in files(archive.root)} == {0o644}


def test_adding_twice_keeps_the_first_record(archive: Archive) -> None:
    assert add(archive, PAYLOAD, record(retrieved_at="2025-04-05", origin="bundled"))
    assert not add(archive, PAYLOAD, record(retrieved_at="2026-01-01", origin="fetched"))
    [kept] = archive.snapshots("fatalities")
    assert (kept.retrieved_at, kept.origin) == ("2025-04-05", "bundled")


def test_bytes_of_another_hash_are_not_added(archive: Archive) -> None:
    with pytest.raises(ArchiveError, match="fatalities"):
        add(archive, PAYLOAD + b"UNMIK,1\n", record())
    assert files(archive.root.parent) == []


def test_sources_are_kept_apart(archive: Archive) -> None:
    add(archive, PAYLOAD, record())
    add(archive, PAYLOAD, record(source="missions"))
    assert [snapshot.source for snapshot in archive.snapshots("missions")] == ["missions"]
    assert [snapshot.source for snapshot in archive.snapshots("fatalities")] == ["fatalities"]


def test_an_archive_that_does_not_exist_is_empty(archive: Archive) -> None:
    assert archive.snapshots("fatalities") == []
    assert archive.last_check("fatalities") is None
    assert archive.build("2025-04-05") is None
    assert not archive.root.exists()


# Order


def test_snapshots_come_in_publication_order_then_retrieval_then_hash(archive: Archive) -> None:
    payloads = [b"one", b"two", b"three", b"four", b"five"]
    low, high = sorted((b"four", b"five"), key=lambda payload: hashlib.sha256(payload).hexdigest())
    add(archive, b"one", record(b"one", vintage="2025-04-04", retrieved_at="2025-01-01"))
    add(archive, b"two", record(b"two", vintage="2021-06-30", retrieved_at="2026-11-24"))
    add(archive, b"three", record(b"three", vintage="2025-04-04", retrieved_at="2024-12-31T23:59:59+00:00"))
    add(archive, high, record(high, vintage="2025-04-04", retrieved_at="2025-01-02"))
    add(archive, low, record(low, vintage="2025-04-04", retrieved_at="2025-01-02"))
    by_hash = {hashlib.sha256(payload).hexdigest(): payload for payload in payloads}
    order = [by_hash[snapshot.sha256] for snapshot in archive.snapshots("fatalities")]
    assert order == [b"two", b"three", b"one", low, high]


DAYS = st.dates().map(str)


@settings(max_examples=50)  # a busy machine is no fault
@given(st.lists(st.tuples(st.sampled_from(["2021-06-30", "2025-04-04"]), DAYS), min_size=2, max_size=6), st.randoms())
def test_the_order_is_total_whatever_came_first(days: list[tuple[str, str]], random: Any) -> None:
    records = [record(str(i).encode(), vintage=day, retrieved_at=at) for i, (day, at) in enumerate(days)]
    shuffled = list(records)
    random.shuffle(shuffled)
    assert sorted(shuffled, key=Snapshot.order) == sorted(records, key=Snapshot.order)
    vintages = [entry.vintage for entry in sorted(shuffled, key=Snapshot.order)]
    assert vintages == sorted(vintages)


# Damage


@pytest.mark.parametrize("damaged", [PAYLOAD.replace(b"10", b"11"), PAYLOAD[:-1], None])
def test_damaged_or_missing_bytes_are_an_error_that_names_the_file_and_the_remedy(
    archive: Archive, damaged: bytes | None
) -> None:
    add(archive, PAYLOAD, record())
    path = archive.root / "fatalities" / SHA256
    path.unlink() if damaged is None else path.write_bytes(damaged)
    with pytest.raises(ArchiveError) as caught:
        archive.require_whole(record())
    assert str(path) in str(caught.value)
    if damaged:  # the advice given
        assert f"{SHA256}.json" in str(caught.value)
        path.unlink()
        path.with_name(f"{SHA256}.json").unlink()
    assert add(archive, PAYLOAD, record())
    assert archive.require_whole(archive.snapshots("fatalities")[0]).read_bytes() == PAYLOAD


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"source": "fatalities"}',
        b"[]",
        b"7",
        b"null",
        b'{"source": "\xff"}',
        b'{"colour": "blue"}',
        json.dumps(vars(record()) | {"vintage": None}).encode(),
        json.dumps(vars(record()) | {"retrieved_at": None}).encode(),
    ],
)
def test_an_unreadable_record_is_an_error_that_names_the_file(archive: Archive, content: bytes) -> None:
    add(archive, PAYLOAD, record())
    path = archive.root / "fatalities" / f"{SHA256}.json"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=re.escape(str(path))):
        archive.snapshots("fatalities")


# Incomplete writes


def test_bytes_without_a_record_do_not_count(archive: Archive) -> None:
    add(archive, PAYLOAD, record())
    (archive.root / "fatalities" / f"{SHA256}.json").unlink()
    assert archive.snapshots("fatalities") == []
    assert add(archive, PAYLOAD, record())
    assert archive.snapshots("fatalities") == [record()]


def failing(monkeypatch: pytest.MonkeyPatch, where: str, call: int) -> None:
    """Let the n-th call of os.fsync or Path.replace fail, as on a full disk."""
    owner, name = {"fsync": (os, "fsync"), "replace": (Path, "replace")}[where]
    original, calls = getattr(owner, name), []

    def fails(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == call:
            raise OSError(28, "No space left on device")
        return original(*arguments)

    monkeypatch.setattr(owner, name, fails)


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize(("call", "left"), [(1, []), (2, [f"fatalities/{SHA256}"])], ids=["bytes", "record"])
def test_a_failing_write_leaves_no_snapshot(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, where: str, call: int, left: list[str]
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, where, call)
        with pytest.raises((OSError, ArchiveError)):
            add(archive, PAYLOAD, record())
    assert files(archive.root) == left  # and so no scratch file either
    assert archive.snapshots("fatalities") == []
    assert add(archive, PAYLOAD, record())
    assert archive.require_whole(archive.snapshots("fatalities")[0]).read_bytes() == PAYLOAD


def test_an_incomplete_copy_leaves_nothing(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(source: Path, target: Path) -> None:
        content = source.read_bytes()
        target.write_bytes(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", half)
        with pytest.raises((OSError, ArchiveError)):
            add(archive, PAYLOAD, record())
    assert files(archive.root) == []


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file(archive: Archive, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    archive.note_check("fatalities", {"outcome": "fetched"})
    with monkeypatch.context() as patch:
        failing(patch, where, 1)
        with pytest.raises((OSError, ArchiveError)):
            archive.note_check("fatalities", {"outcome": "unchanged"})
    assert archive.last_check("fatalities") == {"outcome": "fetched"}
    assert files(archive.root) == ["fatalities/last_checked.json"]


def test_a_value_that_json_lacks_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "note.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "note.json", {"a": object()})
    assert json.loads((tmp_path / "note.json").read_text()) == {"a": 1}
    assert files(tmp_path) == ["note.json"]


KILLED = """
import os, sys
from pathlib import Path
from sources.archive import Archive, Snapshot
calls = 0
def killed(handle):
    global calls
    calls += 1
    if calls == {call}:
        os._exit(9)
os.fsync = killed
Archive(Path({root!r})).add(Path({file!r}), Snapshot(**{record!r}))
"""


@pytest.mark.parametrize("call", [1, 2], ids=["bytes", "record"])
def test_a_killed_process_leaves_no_snapshot(archive: Archive, tmp_path: Path, call: int) -> None:
    (tmp_path / "file").write_bytes(PAYLOAD)
    code = KILLED.format(call=call, file=str(tmp_path / "file"), root=str(archive.root), record=vars(record()))
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    assert archive.snapshots("fatalities") == []
    assert add(archive, PAYLOAD, record())
    assert archive.snapshots("fatalities") == [record()]
    assert archive.require_whole(record()).read_bytes() == PAYLOAD


def test_scratch_files_of_killed_processes_can_be_cleared(archive: Archive) -> None:
    add(archive, PAYLOAD, record())
    (archive.root / "fatalities" / ".new-abc").write_bytes(PAYLOAD[:5])
    archive.clear_scratch()
    assert files(archive.root) == [f"fatalities/{SHA256}", f"fatalities/{SHA256}.json"]


# Refused files


def test_refused_files_are_kept_apart_with_the_reason(archive: Archive, tmp_path: Path) -> None:
    add(archive, PAYLOAD, record())
    (tmp_path / "file").write_bytes(b"<html>")
    why, url, at = "This is an HTML page.", "https://p.example/x", "2025-04-05T06:07:08"
    kept = archive.refuse("fatalities", tmp_path / "file", why, url, at)
    sha256 = hashlib.sha256(b"<html>").hexdigest()
    assert kept == archive.root / "refused" / "fatalities" / sha256
    assert kept.read_bytes() == b"<html>"
    written = json.loads(kept.with_name(f"{sha256}.json").read_text(encoding="utf-8"))
    assert written == {"why": why, "url": url, "at": at, "bytes": 6}
    assert archive.snapshots("fatalities") == [record()]


# Checks and builds


def test_the_last_check_is_read_back_and_is_no_snapshot(archive: Archive) -> None:
    archive.note_check("fatalities", {"at": "2025-04-05", "outcome": "refused", "message": "Côte d’Ivoire"})
    archive.note_check("fatalities", {"at": "2025-04-06", "outcome": "unreachable", "message": "Türkiye"})
    assert archive.last_check("fatalities") == {"at": "2025-04-06", "outcome": "unreachable", "message": "Türkiye"}
    assert archive.last_check("missions") is None
    assert archive.snapshots("fatalities") == []


def test_recorded_builds_are_read_back_the_newest_first(archive: Archive) -> None:
    content = {"published_at": "2025-04-05", "snapshots": {"fatalities": [SHA256]}}
    archive.note_build("a1b2", content)
    archive.note_build("00ff", {"published_at": "2025-04-06"})
    assert archive.build("a1b2") == content and archive.build("c3d4") is None
    assert archive.builds() == ["00ff", "a1b2"]
    assert files(archive.root) == ["builds/00ff.json", "builds/a1b2.json"]


@pytest.mark.parametrize("content", [b"", b'{"at": ', b'{"at": "\xff"}'])
def test_an_unreadable_check_or_build_is_an_error_that_names_the_file(archive: Archive, content: bytes) -> None:
    archive.note_build("a1b2", {})
    archive.note_check("fatalities", {})
    build, check = archive.root / "builds" / "a1b2.json", archive.root / "fatalities" / "last_checked.json"
    build.write_bytes(content)
    check.write_bytes(content)
    with pytest.raises(ArchiveError, match=re.escape(str(build))):
        archive.build("a1b2")
    with pytest.raises(ArchiveError, match=re.escape(str(check))):
        archive.last_check("fatalities")

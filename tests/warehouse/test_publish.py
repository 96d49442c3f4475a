"""Publishing: the new file is complete or the old one is unchanged, and readers keep the file they opened."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from warehouse import publish as publishing
from warehouse.load import BuildError
from warehouse.publish import previous_of, publish
from warehouse.query import Answer, QueryError, connect
from warehouse.wal import wal_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def published(small: Path, tmp_path: Path) -> Path:
    """A published warehouse; its build is called 0123456789ab."""
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    return Path(shutil.copy(small, folder / "warehouse.duckdb"))


@pytest.fixture(scope="session")
def other_builds(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two more builds, called second and third. Read only."""
    folder = tmp_path_factory.mktemp("builds")
    files = {name: Path(shutil.copy(small, folder / f"{name}.duckdb")) for name in ("second", "third")}
    for name, file in files.items():
        with duckdb.connect(str(file)) as connection:
            connection.execute(f"UPDATE meta.builds SET build_id = '{name}'")
    return files


@pytest.fixture
def work(tmp_path: Path, other_builds: dict[str, Path]) -> Path:
    """A scratch folder beside the published file, with the builds second.duckdb and third.duckdb."""
    folder = tmp_path / "data" / "work"
    folder.mkdir(parents=True, exist_ok=True)
    for file in other_builds.values():
        shutil.copy(file, folder)
    return folder


@pytest.fixture
def second(work: Path) -> Path:
    return work / "second.duckdb"


@pytest.fixture
def third(work: Path) -> Path:
    return work / "third.duckdb"


def python(code: str, *arguments: object) -> str:
    """What a new process prints, or the last line of its error."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


# Opens a file for writing, changes it, and dies without closing it: a .wal stays behind.
KILLED = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("PRAGMA disable_checkpoint_on_shutdown")
connection.execute("UPDATE meta.builds SET build_id = 'never closed'")
os._exit(0)
"""
READ = """
import sys, pathlib
from warehouse.query import Answer, connect
with connect(pathlib.Path(sys.argv[1])) as connection:
    print(Answer(connection, "SELECT build_id FROM meta.builds").rows()[0][0])
"""


def build_of(file: Path) -> str:
    """The build that a reader finds in the file, or why it can't be opened."""
    try:
        with connect(file) as connection:
            return str(Answer(connection, "SELECT build_id FROM meta.builds").rows()[0][0])
    except QueryError as error:
        return str(error)


# Swapping in


def test_a_build_takes_the_published_file_s_place(published: Path, second: Path) -> None:
    expected = second.read_bytes()
    publish(second, published)
    assert published.read_bytes() == expected
    assert not second.exists()
    assert build_of(published) == "second"


def test_the_first_build_is_published_where_there_was_none(tmp_path: Path, second: Path) -> None:
    published = tmp_path / "data" / "warehouse.duckdb"
    publish(second, published)
    assert build_of(published) == "second"
    assert sorted(path.name for path in published.parent.iterdir()) == ["warehouse.duckdb", "work"]


def test_the_file_published_before_is_kept_and_nothing_older(published: Path, second: Path, third: Path) -> None:
    before = published.read_bytes()
    publish(second, published)
    assert previous_of(published) == published.with_name("warehouse.previous.duckdb")
    assert previous_of(published).read_bytes() == before
    publish(third, published)
    assert (build_of(published), build_of(previous_of(published))) == ("third", "second")
    names = {path.name for path in published.parent.iterdir()}
    assert names == {"warehouse.duckdb", "warehouse.previous.duckdb", "work"}


def test_files_that_a_killed_publication_left_do_not_stop_the_next(published: Path, second: Path) -> None:
    for name in (".warehouse.duckdb.link", ".warehouse.previous.duckdb.link"):
        published.with_name(name).write_bytes(b"left behind")
    publish(second, published)
    assert build_of(published) == "second"
    assert build_of(previous_of(published)) == "0123456789ab"


def test_a_reader_keeps_its_answer_and_a_new_one_sees_the_new_build(published: Path, second: Path) -> None:
    with duckdb.connect(str(published), read_only=True) as reader:
        half = reader.execute("SELECT casualty_id FROM main.fatalities ORDER BY casualty_id")
        first = half.fetchmany(2)
        publish(second, published)
        assert len(first + half.fetchall()) == 8
        assert reader.execute("SELECT build_id FROM meta.builds").fetchone() == ("0123456789ab",)
        assert python(READ, published) == "second"
        assert reader.execute("SELECT sum(total) FROM main.uniformed_personnel").fetchone() == (413,)


def test_a_complete_warehouse_is_published_at_every_moment(
    published: Path, second: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {published.read_bytes(), second.read_bytes()}
    seen = []

    def look(name: str) -> None:
        real = getattr(os, name)

        def looking(*arguments: object, **options: object) -> object:
            seen.append(published.read_bytes() in whole)
            try:
                return real(*arguments, **options)
            finally:
                seen.append(published.read_bytes() in whole)

        monkeypatch.setattr(os, name, looking)

    for name in ("replace", "link", "fsync", "unlink"):
        look(name)
    publish(second, published)
    assert len(seen) >= 8
    assert all(seen)


# Logs


def test_a_build_that_was_not_closed_is_refused(published: Path, second: Path) -> None:
    before = published.read_bytes()
    python(KILLED, second)
    assert wal_of(second).exists()
    with pytest.raises(BuildError, match="second.duckdb was not closed cleanly"):
        publish(second, published)
    assert published.read_bytes() == before
    assert second.exists()
    assert not previous_of(published).exists()


def test_a_log_left_beside_the_published_file_is_renamed_and_no_earlier_one_lost(
    published: Path, second: Path, third: Path
) -> None:
    for build, kept in ((second, "warehouse.duckdb.wal.stale"), (third, "warehouse.duckdb.wal.stale-2")):
        python(KILLED, published)
        log = wal_of(published).read_bytes()
        publish(build, published)
        assert not wal_of(published).exists()
        assert published.with_name(kept).read_bytes() == log
        assert build_of(published) == build.stem


# Runs the statements that it reads, one a line, on a file that it has open for writing.
WRITER = """
import duckdb, sys
with duckdb.connect(sys.argv[1]) as connection:
    for line in sys.stdin:
        connection.execute(line)
        print("done", flush=True)
"""


@contextmanager
def writer_of(file: Path) -> Iterator[Callable[[str], None]]:
    """A program that has the file open for writing; runs a statement in it."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def run(sql: str) -> None:
            assert process.stdin and process.stdout
            process.stdin.write(f"{sql}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "done\n"

        run("SELECT 1")
        yield run


def test_another_program_s_writes_into_the_old_file_stop_no_reader_and_are_kept(
    published: Path, second: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stale = published.with_name("warehouse.duckdb.wal.stale")
    with writer_of(published) as run:
        publish(second, published)
        run("UPDATE meta.builds SET build_id = 'changed'")
        assert wal_of(published).exists()
        assert build_of(published) == "second"  # and the log is renamed, with a warning
        assert not wal_of(published).exists() and stale.exists() and str(stale) in caplog.text
    assert (build_of(published), build_of(previous_of(published))) == ("second", "changed")


def test_the_error_names_a_log_that_can_t_be_renamed(
    published: Path, second: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python(KILLED, published)
    second.replace(published)  # replaced as by publishing, but the log is not renamed first

    def refuses(path: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuses)
        message = build_of(published)
    assert f"{wal_of(published)} beside it is not its own" in message
    assert message.endswith("It can't be renamed (Permission denied); move it to another folder.")
    assert build_of(published) == "second"


def test_the_log_of_a_program_that_has_the_published_file_open_is_left_alone(small: Path, tmp_path: Path) -> None:
    published = tmp_path / "WAL" / "warehouse.duckdb"  # DuckDB's errors about logs have WAL in them, too
    published.parent.mkdir()
    shutil.copy(small, published)
    with writer_of(published) as run:
        run("UPDATE meta.builds SET build_id = 'changed'")
        log = wal_of(published).read_bytes()
        assert "open for writing" in build_of(published)
        assert wal_of(published).read_bytes() == log
    assert build_of(published) == "changed"


def test_the_kept_file_opens_also_where_the_one_before_it_left_a_log(
    published: Path, second: Path, third: Path
) -> None:
    publish(second, published)
    python(KILLED, previous_of(published))
    assert wal_of(previous_of(published)).exists()
    publish(third, published)
    assert build_of(previous_of(published)) == "second"


# Symbolic links


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than `tmp_path`."""
    memory = Path("/dev/shm")  # noqa: S108
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_the_target_of_a_link_is_replaced_and_the_link_stays(
    published: Path, second: Path, third: Path, tmp_path: Path
) -> None:
    target = tmp_path / "store" / "warehouse.duckdb"
    target.parent.mkdir()
    published.replace(target)
    published.symlink_to(target)
    python(KILLED, published)
    publish(second, published)
    assert published.readlink() == target and not target.is_symlink()
    assert (build_of(target), build_of(published)) == ("second", "second")
    publish(third, published)
    assert (build_of(target), build_of(previous_of(published))) == ("third", "second")
    assert {path.name for path in target.parent.iterdir()} == {"warehouse.duckdb", "warehouse.duckdb.wal.stale"}


def test_a_link_may_lead_to_another_file_system(published: Path, second: Path, third: Path, elsewhere: Path) -> None:
    target, kept = elsewhere / "warehouse.duckdb", elsewhere / "kept.duckdb"
    shutil.move(published, target)
    published.symlink_to(target)
    publish(second, published)
    previous_of(published).replace(second)
    previous_of(published).symlink_to(kept)
    publish(third, published)
    assert published.readlink() == target and previous_of(published).readlink() == kept
    assert (build_of(target), build_of(kept), build_of(second)) == ("third", "second", "0123456789ab")
    assert {path.name for path in elsewhere.iterdir()} == {"warehouse.duckdb", "kept.duckdb"}
    assert not third.exists()


def test_a_link_to_nothing_gets_its_target_and_one_to_a_missing_folder_is_refused(
    published: Path, second: Path, tmp_path: Path
) -> None:
    published.unlink()
    published.symlink_to(tmp_path / "missing" / "warehouse.duckdb")
    with pytest.raises(BuildError, match="whose folder does not exist"):
        publish(second, published)
    assert second.exists() and published.is_symlink()
    (tmp_path / "missing").mkdir()
    publish(second, published)
    assert published.is_symlink() and build_of(tmp_path / "missing" / "warehouse.duckdb") == "second"


# Failures


@pytest.mark.parametrize("fault", ["os.link", "Path.replace", "os.fsync"])
def test_a_failure_leaves_the_published_file_as_it_was(
    published: Path, second: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    before = published.read_bytes()

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    target = Path if fault.startswith("Path") else publishing.os
    monkeypatch.setattr(target, fault.split(".")[1], full)
    with pytest.raises(OSError, match="No space left"):
        publish(second, published)
    monkeypatch.undo()
    assert published.read_bytes() == before
    assert second.exists()
    assert build_of(published) == "0123456789ab"
    publish(second, published)
    assert build_of(published) == "second"


def test_a_failure_of_the_last_step_leaves_the_published_file_as_it_was(
    published: Path, second: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = published.read_bytes(), Path.replace

    def fails(path: Path, target: Path) -> Path:
        if target == published:
            raise OSError(13, "Permission denied")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="Permission denied"):
        publish(second, published)
    assert published.read_bytes() == before and second.exists()


def test_a_build_that_is_not_there_leaves_the_published_file_as_it_was(published: Path, tmp_path: Path) -> None:
    before = published.read_bytes()
    with pytest.raises(FileNotFoundError):
        publish(tmp_path / "nothing.duckdb", published)
    assert published.read_bytes() == before


def test_the_build_is_flushed_to_disk_before_it_is_swapped_in(
    published: Path, second: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    number = second.stat().st_ino
    real = os.fsync

    def noting(handle: int) -> None:
        flushed.append((os.fstat(handle).st_ino, published.stat().st_ino == number))
        real(handle)

    monkeypatch.setattr(os, "fsync", noting)
    publish(second, published)
    assert (number, False) in flushed
    assert (published.parent.stat().st_ino, True) in flushed  # the folder after, so that the new name stays

"""Where published files go: a folder of this machine, or any place that fsspec can write to (s3://, gs://, memory://).

Both are used alike. A build's folder is put there whole; what points to it is written after it, each in one step that a
reader sees either not at all or done.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from schemas.problems import first_line

BUILDS = "builds"
BUILD_ID = re.compile(r"[0-9a-f]{6,64}")

Track = Callable[[Sequence[str]], Iterator[str]]


class ExportError(Exception):
    """The files could not be published; what was published before is as it was. The text says why."""


class Store(Protocol):
    """What publishing asks of a destination. Names are relative, with `/`."""

    address: str

    def scratch(self) -> contextlib.AbstractContextManager[Path]:
        """A new local folder for a build's files, gone afterwards. Held: nobody else may publish here meanwhile."""
        ...

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where there is no such file."""
        ...

    def sizes(self, folder: str) -> dict[str, int]:
        """The files under a folder, by their path in it, with their sizes."""
        ...

    def place(self, scratch: Path, folder: str, tracked: Track) -> None:
        """Put the scratch folder's files in the place of `folder`."""
        ...

    def point(self, name: str, content: bytes) -> None:
        """Write a small file in one step."""
        ...

    def link(self, name: str, folder: str) -> None:
        """Let a name lead to a folder, where the destination knows links."""
        ...

    def builds(self) -> list[str]:
        """The ids of the builds that lie there."""
        ...

    def remove(self, folder: str) -> None:
        """Remove a folder with all that is in it."""
        ...


def open_store(destination: str) -> Store:
    """The store at a path or URL. Raises ExportError for one that can't be, or that needs what is not installed."""
    if "://" not in destination:
        return LocalStore(Path(destination).expanduser().absolute())
    parts = urlsplit(destination)
    if parts.password:
        raise ExportError("The destination holds a password, which would stand in the published SQL. Leave it out.")
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise ExportError(f"A file:// destination is on this machine: file:///path; got {destination!r}.")
        return LocalStore(Path(url2pathname(parts.path)).absolute())
    return RemoteStore(destination.rstrip("/"))


class LocalStore:
    """A folder of this machine. Needs nothing that is not installed anyway."""

    def __init__(self, root: Path) -> None:
        if root.exists() and not root.is_dir():
            raise ExportError(f"{root} is a file; name a folder.")
        self.root, self.address = root, root.as_posix()

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        from filelock import FileLock, Timeout

        builds = self.root / BUILDS
        builds.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / ".export.lock", timeout=0):
                for left in builds.glob(".*"):  # of a run that was killed: nobody else writes while we hold the lock
                    shutil.rmtree(left)
                folder = builds / ".part"
                folder.mkdir()
                try:
                    yield folder
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
        except Timeout:
            raise ExportError(f"Another export is writing to {self.root}; wait until it is done.") from None

    def read(self, name: str) -> bytes | None:
        try:
            return (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def sizes(self, folder: str) -> dict[str, int]:
        top = self.root / folder
        return {path.relative_to(top).as_posix(): path.stat().st_size for path in top.rglob("*") if path.is_file()}

    def place(self, scratch: Path, folder: str, tracked: Track) -> None:
        for path in tracked(_files_under(scratch)):
            _flush(scratch / path)
        target = self.root / folder
        if target.exists():  # damaged, or it would not be written again
            target.rename(scratch.with_name(".old"))
        scratch.rename(target)
        shutil.rmtree(scratch.with_name(".old"), ignore_errors=True)

    def point(self, name: str, content: bytes) -> None:
        target = self.root / name
        part = target.with_name(f".{name}.{os.getpid()}.part")
        try:
            part.write_bytes(content)
            _flush(part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def link(self, name: str, folder: str) -> None:
        part = self.root / f".{name}.{os.getpid()}.part"
        with contextlib.suppress(OSError, NotImplementedError):  # a file system without links: the SQL file is enough
            part.unlink(missing_ok=True)
            part.symlink_to(folder, target_is_directory=True)
            part.replace(self.root / name)

    def builds(self) -> list[str]:
        folder = self.root / BUILDS
        return sorted(path.name for path in folder.glob("*") if BUILD_ID.fullmatch(path.name) and path.is_dir())

    def remove(self, folder: str) -> None:
        shutil.rmtree(self.root / folder)


class RemoteStore:
    """A place behind fsspec. Object stores have no lock and no rename: a file is there whole, or not at all."""

    def __init__(self, url: str) -> None:
        scheme = urlsplit(url).scheme
        try:
            import fsspec
        except ImportError:
            raise ExportError(
                f"Writing to {scheme}:// needs fsspec. Install it with `pip install 'peacekeeping[cloud]'`."
            ) from None
        self.address = url
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise ExportError(
                f"Writing to {scheme}:// needs a package more. {_what_to_install(scheme, error)}"
            ) from None
        except ValueError as error:
            raise ExportError(
                f"{url} can't be written to: {first_line(error)}. A path, s3://… or gs://… can."
            ) from error
        self._root = self._root.rstrip("/")

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)

    def read(self, name: str) -> bytes | None:
        with self._told():
            try:
                found: bytes = self._files.cat_file(self._at(name))
            except FileNotFoundError:
                return None
            return found

    def sizes(self, folder: str) -> dict[str, int]:
        top = self._at(folder).strip("/") + "/"
        with self._told():
            self._files.invalidate_cache()
            found = self._files.find(self._at(folder), detail=True)
        return {name.lstrip("/").removeprefix(top): int(about["size"]) for name, about in found.items()}

    def place(self, scratch: Path, folder: str, tracked: Track) -> None:
        for name in tracked(_files_under(scratch)):
            with self._told():
                self._ready(f"{folder}/{name}")
                self._files.put_file(str(scratch / name), self._at(f"{folder}/{name}"))

    def point(self, name: str, content: bytes) -> None:
        with self._told():
            self._ready(name)
            self._files.pipe_file(self._at(name), content)

    def link(self, name: str, folder: str) -> None:
        """Object stores know no links."""

    def _ready(self, name: str) -> None:
        """Make the folder of a file, where there are folders: an object store has none, and might make a bucket."""
        if not self._files.async_impl:
            self._files.makedirs(self._at(name).rpartition("/")[0], exist_ok=True)

    def builds(self) -> list[str]:
        with self._told():
            self._files.invalidate_cache()
            try:
                found = self._files.ls(self._at(BUILDS), detail=False)
            except FileNotFoundError:
                return []
        names = [str(path).rstrip("/").rpartition("/")[2] for path in found]
        return sorted(name for name in names if BUILD_ID.fullmatch(name))

    def remove(self, folder: str) -> None:
        with self._told():
            self._files.rm(self._at(folder), recursive=True)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong there, as ours: each of fsspec's file systems raises errors of its own."""
        try:
            yield
        except ImportError as error:
            raise ExportError(f"{self.address} needs a package more: {first_line(error)}.") from error
        except Exception as error:
            raise ExportError(f"{self.address} can't be written or read: {first_line(error)}.") from error


def _what_to_install(scheme: str, error: ImportError) -> str:
    if scheme in ("s3", "s3a"):
        return "Install it with `pip install 'peacekeeping[cloud]'`."
    return f"{first_line(error)}."


def _files_under(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

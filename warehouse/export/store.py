"""Destinations of an export, through fsspec: a folder of this machine, or a URL (s3://, gs://, memory://).

A local folder is locked while an export writes to it. It gets a build's folder by one rename, and a small file by
replacing the old one. Object stores have no locks and no renames: a file is there completely or not at all.
"""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

import fsspec
from filelock import FileLock, Timeout

from schemas.errors import ProjectError
from schemas.files import flush
from schemas.problems import first_line

BUILDS = "builds"
BUILD_ID = re.compile(r"[0-9a-f]{6,64}")

Track = Callable[[Sequence[str]], Iterator[str]]
P = ParamSpec("P")
T = TypeVar("T")


class ExportError(ProjectError):
    """The export failed, and what was published before is unchanged. The text says why."""


def _explained(method: Callable[Concatenate[Store, P], T]) -> Callable[Concatenate[Store, P], T]:
    """Turn any error of a store's method into an ExportError: each file system of fsspec raises its own."""

    @functools.wraps(method)
    def explained(store: Store, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(store, *args, **kwargs)
        except Exception as error:
            raise ExportError(f"{store.address} can't be written or read: {first_line(error)}.") from error

    return explained


class Store:
    """A destination. Names of files and folders in it are relative, with `/`.

    Raises ExportError for a destination that can't be one, or whose file system is not installed.
    """

    def __init__(self, destination: str) -> None:
        self._folder = _local_folder(destination)  # None for a URL of another place
        self.address = destination.rstrip("/") if self._folder is None else self._folder.as_posix()
        if self._folder is None:
            self._files, self._root = _remote(self.address)
        else:
            self._files, self._root = fsspec.filesystem("file"), self.address

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A new local folder for a build's files, removed at the end. A local destination is locked until then."""
        if self._folder is None:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder)
            return
        builds = self._folder / BUILDS
        builds.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._folder / ".export.lock", timeout=0):
                for left in builds.glob(".*"):  # from an export that was killed
                    shutil.rmtree(left)
                part = builds / ".part"
                part.mkdir()
                try:
                    yield part
                finally:
                    shutil.rmtree(part, ignore_errors=True)
        except Timeout:
            raise ExportError(f"Another export is writing to {self._folder}; wait until it is done.") from None

    @_explained
    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where there is no such file."""
        try:
            return bytes(self._files.cat_file(self._at(name)))
        except (FileNotFoundError, NotADirectoryError):
            return None

    @_explained
    def sizes(self, folder: str) -> dict[str, int]:
        """The size in bytes of each file under a folder, by its path in it."""
        self._files.invalidate_cache()
        top = self._at(folder).lstrip("/") + "/"
        infos = self._files.find(self._at(folder), detail=True)
        return {path.lstrip("/").removeprefix(top): int(info["size"]) for path, info in infos.items()}

    @_explained
    def place(self, scratch: Path, folder: str, tracked: Track) -> None:
        """Put the files of the scratch folder into `folder`, in place of what is there."""
        paths = [path for path in sorted(scratch.rglob("*")) if path.is_file()]
        for name in tracked([path.relative_to(scratch).as_posix() for path in paths]):
            if self._folder is None:
                self._files.put_file(str(scratch / name), self._at(f"{folder}/{name}"))
            else:
                flush(scratch / name)
        if self._folder is not None:
            target, old = self._folder / folder, scratch.with_name(".old")
            if target.exists():
                target.rename(old)
            scratch.rename(target)
            shutil.rmtree(old, ignore_errors=True)

    @_explained
    def point(self, name: str, content: bytes) -> None:
        """Write a small file in one step."""
        if self._folder is None:
            self._files.pipe_file(self._at(name), content)
            return
        part = self._folder / f".{name}.part"
        try:
            part.write_bytes(content)
            flush(part)
            part.replace(self._folder / name)
        finally:
            part.unlink(missing_ok=True)

    def link(self, name: str, folder: str) -> None:
        """Let a name lead to a folder, where the file system has links."""
        if self._folder is not None:
            part = self._folder / f".{name}.part"
            with contextlib.suppress(OSError, NotImplementedError):
                part.unlink(missing_ok=True)
                part.symlink_to(folder, target_is_directory=True)
                part.replace(self._folder / name)

    @_explained
    def builds(self) -> list[str]:
        """The ids of the builds that are there."""
        self._files.invalidate_cache()
        try:
            infos = self._files.ls(self._at(BUILDS), detail=True)
        except FileNotFoundError:
            return []
        names = (info["name"].rstrip("/").rpartition("/")[2] for info in infos if info["type"] == "directory")
        return sorted(name for name in names if BUILD_ID.fullmatch(name))

    @_explained
    def remove(self, folder: str) -> None:
        """Remove a folder and all that is in it."""
        self._files.rm(self._at(folder), recursive=True)


def _local_folder(destination: str) -> Path | None:
    """The folder at a path or file:// URL; None for another URL."""
    if "://" not in destination:
        folder = Path(destination).expanduser().absolute()
    else:
        parts = urlsplit(destination)
        if parts.password:
            raise ExportError("The destination has a password, and the published SQL would show it. Leave it out.")
        if parts.scheme != "file":
            return None
        if parts.netloc not in ("", "localhost"):
            raise ExportError(f"A file:// destination is on this machine: file:///path; got {destination!r}.")
        folder = Path(url2pathname(parts.path)).absolute()
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder} is a file; name a folder.")
    return folder


def _remote(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    scheme = urlsplit(url).scheme
    try:
        files, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        s3 = scheme in ("s3", "s3a")
        install = "Install it with `pip install 'peacekeeping[cloud]'`" if s3 else first_line(error)
        raise ExportError(f"Writing to {scheme}:// needs another package. {install}.") from None
    except ValueError as error:
        raise ExportError(f"{url} can't be written to: {first_line(error)}. A path, s3://… or gs://… can.") from error
    return files, str(root).rstrip("/")

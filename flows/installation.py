"""What a process that runs for months relies on and can lose: its working directory and its code.

A release is often swapped by a new folder and a link, and the old folder removed. Runs are processes of their own: they
begin in the working directory and import the code again.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

CHECK_SECONDS = 5.0
CHECKS = 3  # an upgrade in place lacks files for a moment

_PATHS = ("PREFECT_HOME", "PREFECT_PROFILES_PATH", "PREFECT_LOCAL_STORAGE_PATH", "PREFECT_LOGGING_SETTINGS_PATH")
_DATABASES = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
_RELATIVE_FILE = re.compile(r"^(sqlite[\w+]*:///)(?=[^/:]+(\?|$|/))")


def make_paths_absolute() -> None:
    """Make relative paths in Prefect's variables absolute."""
    for name in _PATHS:
        value = os.environ.get(name, "")
        if value and not value.startswith("$"):  # $PREFECT_HOME/…
            os.environ[name] = str(Path(value).expanduser().absolute())
    for name in _DATABASES:
        if _RELATIVE_FILE.match(os.environ.get(name, "")):
            os.environ[name] = _RELATIVE_FILE.sub(rf"\g<1>{Path.cwd()}/", os.environ[name])


def leave_working_directory() -> None:
    """Work in the root directory, which lasts; call after Prefect has read the settings files of the other one."""
    os.chdir(os.sep)


def code() -> list[Path]:
    """What each run needs: the interpreter, this package and Prefect."""
    found = [find_spec(name) for name in (__package__ or "flows", "prefect")]
    return [Path(sys.executable), *(Path(spec.origin) for spec in found if spec and spec.origin)]


def watch(needed: list[Path], on_removed: Callable[[Path], None]) -> None:
    """Return after calling `on_removed` with a file of `needed` that stays missing."""
    missing = 0
    while missing < CHECKS:
        time.sleep(CHECK_SECONDS)
        gone = [place for place in needed if not place.exists()]
        missing = missing + 1 if gone else 0
    on_removed(gone[0])


def watch_code(on_removed: Callable[[Path], None]) -> None:
    """Watch the code in a thread of its own."""
    threading.Thread(target=watch, args=(code(), on_removed), daemon=True).start()

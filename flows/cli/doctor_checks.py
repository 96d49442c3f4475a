"""What is well and what is not, on this machine: versions, the data folder, what lies in it, the server, the settings.

It reads and changes nothing, and needs neither a server nor a data folder nor a warehouse. Prefect is never imported:
its version is in its installation's metadata.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from flows.cli import verify
from flows.local_run import answers, local_api, server_version
from flows.steps import settings
from flows.steps.identity import code_sha256, staging_code
from flows.steps.locking import holder
from flows.steps.settings import Paths
from schemas.problems import first_line
from warehouse.query import Answer, QueryError, connect

OURS = "peacekeeping"
PACKAGES = ("prefect", "duckdb", "pandas", "pandera")
NEEDED_BYTES = 200_000_000  # what a first build takes, with all that is staged
MASK = "(set, not shown)"
_SECRET = re.compile(r"KEY|TOKEN|NOTIFY|SECRET|PASSWORD|AUTH|CREDENTIAL", re.IGNORECASE)
_SHOWN = re.compile(r"(PEACEKEEPING|PREFECT)_\w+|DO_NOT_TRACK|(https?|all|no)_proxy", re.IGNORECASE)

State = Literal["ok", "warn", "bad"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at: its state, what was found, and what to do where it is not well."""

    state: State
    what: str
    found: str
    advice: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def examine(where: Paths) -> list[Finding]:
    """Look at everything, in an order in which each comes before what needs it."""
    return [
        *versions(),
        *data_folder(where),
        lock(where),
        clock(where),
        *kept(where),
        *left_over(where),
        warehouse(where),
        server(),
        telemetry(),
        *in_force(),
    ]


def versions() -> list[Finding]:
    """Python and the packages that matter, each held against the range that this project declares."""
    asked = {one.name: one.specifier for one in map(Requirement, requires(OURS) or []) if one.marker is None}
    ours = Finding("ok", OURS, f"{version(OURS)}, code {code_sha256()[:12]}")
    python = _in_range("Python", platform.python_version(), SpecifierSet(metadata(OURS)["Requires-Python"] or ""))
    found = [ours, python]
    for name in PACKAGES:
        try:
            found.append(_in_range(name, version(name), asked.get(name, SpecifierSet())))
        except PackageNotFoundError:
            found.append(Finding("bad", name, "not installed", "`make install` installs what is needed."))
    return found


def _in_range(name: str, installed: str, wanted: SpecifierSet) -> Finding:
    if wanted.contains(Version(installed), prereleases=True):
        return Finding("ok", name, installed)
    return Finding(
        "bad", name, f"{installed}, and {wanted} is needed", "`make install` installs what requirements.lock names."
    )


def data_folder(where: Paths) -> list[Finding]:
    """Whether the data folder can be written, and whether the disk has room for the next build."""
    folder = where.data
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        advice = "Free it, or name another with PEACEKEEPING_DATA."
        return [Finding("bad", "data folder", f"{where.data} can't be written", advice)]
    there = where.data.exists()
    told = Finding("ok", "data folder", f"{where.data}" + ("" if there else " (not there yet; a refresh makes it)"))
    free = shutil.disk_usage(folder).free
    needed = max(2 * _size([where.warehouse]) + _size([where.raw]), 0 if there else NEEDED_BYTES)
    room = f"{_bytes(free)} free; the next build wants {_bytes(needed)} (twice the warehouse and the archive)"
    if free < needed:
        return [told, Finding("bad", "disk", room, "Free some space, or name another folder with PEACEKEEPING_DATA.")]
    return [told, Finding("ok", "disk", room)]


def lock(where: Paths) -> Finding:
    """Whether somebody writes."""
    who = holder(where)
    if who is None:
        return Finding("ok", "writer's lock", "free")
    return Finding(
        "warn", "writer's lock", f"held by {who}", "A refresh waits for it; if nothing runs there, end that process."
    )


def clock(where: Paths) -> Finding:
    """Whether the clock is not behind the records that the archive has."""
    now = datetime.now(UTC)
    times = []
    for note in where.raw.glob("*/*.json"):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            times.append(str(json.loads(note.read_text(encoding="utf-8")).get("retrieved_at", "")))
    newest = max(times, default="")
    told = f"{now.isoformat(timespec='seconds')} (UTC)"
    if newest[:10] > (now.date() + timedelta(days=1)).isoformat():
        advice = "Set the clock right; if it is right, it was ahead when that snapshot came (`peacekeeping verify`)."
        return Finding("warn", "clock", f"{told}, and the archive has a snapshot retrieved on {newest[:10]}", advice)
    return Finding("ok", "clock", told)


def kept(where: Paths) -> list[Finding]:
    """Whether the archive and the warehouse are whole, as `peacekeeping verify` sees it."""
    try:
        found = verify.verify(where)
    except verify.NothingKept:
        return [Finding("warn", "archive", f"nothing is kept in {where.data} yet", "Run `peacekeeping refresh`.")]
    except OSError as error:
        advice = "Give yourself the right to read it."
        return [Finding("bad", "archive", f"{error.filename or where.raw}: {error.strerror}", advice)]
    if found.damages:
        return [Finding("bad", "archive", *_halves(damage)) for damage in found.damages]
    snapshots = sum(held.snapshots for held in found.sources)
    size = _bytes(sum(held.bytes for held in found.sources))
    return [Finding("ok", "archive", f"{snapshots} snapshots, {size}, each whole; {found.builds} builds on record")]


def _halves(damage: str) -> tuple[str, str]:
    """A damage is told as what is wrong and, in a sentence after it, what to do."""
    wrong, _, advice = damage.partition(". ")
    return wrong.rstrip("."), advice


def left_over(where: Paths) -> list[Finding]:
    """What killed runs and older code left behind. None of it is ever read."""
    found = []
    scratch = [*_inside(where.work), *where.data.glob("as_of/.*.work"), *where.data.rglob(".new-*")]
    if scratch and holder(where) is None:
        told = f"{_bytes(_size(scratch))} in {len(scratch)} entries of {where.work} and beside it"
        found.append(Finding("warn", "left by killed runs", told, "The next `peacekeeping refresh` removes it."))
    old = [
        place for place in where.staged.glob("*/*/*") if place.name != staging_code() and not place.name.startswith(".")
    ]
    if old:
        told = f"{_bytes(_size(old))} in {len(old)} snapshots that other code staged in {where.staged}"
        advice = f"The next build stages them anew; {where.staged} may be removed at any time."
        found.append(Finding("warn", "staged by other code", told, advice))
    return found or [Finding("ok", "left-overs", "none")]


def warehouse(where: Paths) -> Finding:
    """Whether the published warehouse can be read, which build it is, and whether today's code made it."""
    if not where.warehouse.exists():
        return Finding("warn", "warehouse", "none is published yet", "Run `peacekeeping refresh`.")
    try:
        with connect(where.warehouse) as connection:
            rows = Answer(connection, "SELECT build_id, code_sha256, code_version FROM meta.builds").rows()
        build_id, code, made_by = rows[0]
    except (QueryError, IndexError, ValueError) as error:
        return Finding("bad", "warehouse", first_line(error), "`peacekeeping refresh --force` builds it anew.")
    told = f"build {build_id}, {_bytes(_size([where.warehouse]))}, made by version {made_by}"
    if code == code_sha256():
        return Finding("ok", "warehouse", f"{told} with this code")
    return Finding("warn", "warehouse", f"{told} with other code", "`peacekeeping refresh` builds it with this one.")


def server() -> Finding:
    """Which Prefect server a run would use. A profile's address, which only Prefect can read, is left out."""
    configured = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    for url in filter(None, (configured, local_api())):
        if answers(url):
            running, here = server_version(url), version("prefect")
            told = f"{running} at {_masked('', url)}"
            if running != here:
                return Finding("warn", "Prefect server", told, f"{here} is installed here; use the same for both.")
            return Finding("ok", "Prefect server", told)
    if configured:
        told = f"none answers at {_masked('', configured)} (PREFECT_API_URL)"
        return Finding("warn", "Prefect server", told, "Start it, or unset the variable; a run brings up its own.")
    return Finding("ok", "Prefect server", f"none answers at {local_api()}; a run brings up one of its own")


def telemetry() -> Finding:
    """Whether Prefect would tell its makers anything."""
    on = []
    if os.environ.get("PREFECT_SERVER_ANALYTICS_ENABLED", "").lower() not in ("0", "false", "no", "off"):
        on.append("PREFECT_SERVER_ANALYTICS_ENABLED=false")
    if os.environ.get("DO_NOT_TRACK", "").lower() not in ("1", "true", "yes", "on"):
        on.append("DO_NOT_TRACK=1")
    if on:
        return Finding("bad", "telemetry", "switched on by the environment", f"Set {' and '.join(on)}.")
    return Finding("ok", "telemetry", "off")


def in_force() -> list[Finding]:
    """The settings that the environment or prefect.toml give, secrets masked."""
    return [
        Finding("ok", f"setting {name}", _masked(name, value))
        for name, value in sorted(os.environ.items())
        if _SHOWN.fullmatch(name)
    ]


def _masked(name: str, value: str) -> str:
    """A value as it may be shown: of a secret nothing, of an address neither its credentials nor its query."""
    if _SECRET.search(name):
        return MASK
    try:
        parts = urlsplit(value)
        address = parts.netloc.rpartition("@")
    except ValueError:
        return MASK
    if not parts.netloc:
        return MASK if "@" in value else value
    host = f"***@{address[2]}" if address[1] else address[2]
    return urlunsplit((parts.scheme, host, parts.path, "***" if parts.query else "", ""))


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _size(paths: Iterable[Path]) -> int:
    """The bytes of files and folders; what goes while they are counted counts for nothing."""
    total = 0
    for path in paths:
        for file in [path, *(path.rglob("*") if path.is_dir() else ())]:
            try:
                total += file.stat().st_size if file.is_file() else 0
            except OSError:
                continue
    return total


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def summed(found: Iterable[Finding]) -> Mapping[State, int]:
    """How many findings are in which state."""
    states = [finding.state for finding in found]
    return {"ok": states.count("ok"), "warn": states.count("warn"), "bad": states.count("bad")}


def prepared() -> None:
    """Set what prefect.toml gives, as a run would: the environment then shows what is in force."""
    settings.apply_prefect_defaults()

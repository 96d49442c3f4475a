"""The command `doctor`: whether this machine is ready for a run, and what to do where it is not.

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
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

import click
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from flows import ports
from flows.cli import console, doctor_prefect
from flows.cli.errors import fail
from flows.cli.finding import Finding, masked, size_text
from flows.cli.options import as_json_option, examples
from flows.cli.verify import verify_folder
from flows.server import answers, local_api, local_port, paused_schedules, server_version
from flows.steps import settings
from flows.steps.identity import code_sha256, staging_code
from flows.steps.locking import holder
from flows.steps.settings import Paths
from schemas.errors import UsageError
from schemas.files import SCRATCH
from schemas.problems import first_line
from sources.errors import SourceError
from warehouse.query import Answer, QueryError, connect

OURS = "peacekeeping"
PACKAGES = ("prefect", "duckdb", "pandas", "pandera")
FIRST_BUILD_BYTES = 200_000_000  # with the staging cache
_SHOWN = re.compile(r"(PEACEKEEPING|PREFECT)_\w+|DO_NOT_TRACK|(https?|all|no)_proxy", re.IGNORECASE)


@click.command(
    epilog=examples(
        "peacekeeping doctor                     each line: ok, warn or bad, and what to do",
        "peacekeeping doctor --json              the same for scripts",
    ),
)
@as_json_option
def doctor(as_json: bool) -> None:
    """Check everything that a run needs; changes nothing.

    Versions, the data folder and its disk, the writer's lock, the archive, leftovers of killed runs, the published
    warehouse, the Prefect server, its database, proxies, telemetry, and the settings with secrets masked. The exit code
    is 1 when something is bad; a warning does not change it.
    """
    settings.apply_prefect_defaults()  # as a run does: the environment then has all settings
    findings = examine(settings.paths())
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        cells = [[finding.state, finding.what, finding.found, finding.advice] for finding in findings]
        console.show_table(["state", "what", "found", "what to do"], cells)
    bad = sum(finding.state == "bad" for finding in findings)
    if bad:
        fail(f"{'One thing is' if bad == 1 else f'{bad} things are'} bad: see above.")


def examine(where: Paths) -> list[Finding]:
    """Run every check; each comes before those that depend on it."""
    return [
        *versions(),
        *data_folder(where),
        lock(where),
        clock(where),
        *archive(where),
        *leftovers(where),
        sizes(where),
        warehouse(where),
        *server(),
        doctor_prefect.database(),
        doctor_prefect.proxy(),
        telemetry(),
        *environment(),
    ]


def versions() -> list[Finding]:
    """Python and the main packages, each compared with the range that this project declares."""
    required = map(Requirement, requires(OURS) or [])
    ranges = {requirement.name: requirement.specifier for requirement in required if requirement.marker is None}
    findings = [
        Finding("ok", OURS, f"{version(OURS)}, code {code_sha256()[:12]}"),
        _in_range("Python", platform.python_version(), SpecifierSet(metadata(OURS)["Requires-Python"] or "")),
    ]
    for name in PACKAGES:
        try:
            findings.append(_in_range(name, version(name), ranges.get(name, SpecifierSet())))
        except PackageNotFoundError:
            findings.append(Finding("bad", name, "not installed", "Run `make install`."))
    return findings


def _in_range(name: str, installed: str, wanted: SpecifierSet) -> Finding:
    if wanted.contains(Version(installed), prereleases=True):
        return Finding("ok", name, installed)
    return Finding("bad", name, f"{installed}, and {wanted} is needed", "Run `make install`.")


def data_folder(where: Paths) -> list[Finding]:
    """Whether the data folder can be written, and whether the disk has room for the next build."""
    folder = where.data
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        advice = "Make it writable, or name another with PEACEKEEPING_DATA."
        return [Finding("bad", "data folder", f"{where.data} can't be written", advice)]
    exists = where.data.exists()
    writable = Finding("ok", "data folder", f"{where.data}" + ("" if exists else " (a refresh creates it)"))
    free = shutil.disk_usage(folder).free
    needed = max(2 * _size([where.warehouse]) + _size([where.raw]), 0 if exists else FIRST_BUILD_BYTES)
    room = f"{size_text(free)} free; the next build needs {size_text(needed)} (twice the warehouse and the archive)"
    if free < needed:
        advice = "Free some space, or name another folder with PEACEKEEPING_DATA."
        return [writable, Finding("bad", "disk", room, advice)]
    return [writable, Finding("ok", "disk", room)]


def lock(where: Paths) -> Finding:
    """Whether another process is writing."""
    process = holder(where)
    if process is None:
        return Finding("ok", "writer's lock", "free")
    advice = "A refresh waits for it; if no run is in progress, end that process."
    return Finding("warn", "writer's lock", f"held by {process}", advice)


def clock(where: Paths) -> Finding:
    """Whether the clock is behind the archive's records."""
    now = datetime.now(UTC)
    times = []
    for note in where.raw.glob("*/*.json"):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            times.append(str(json.loads(note.read_text(encoding="utf-8")).get("retrieved_at", "")))
    newest = max(times, default="")
    time = f"{now.isoformat(timespec='seconds')} (UTC)"
    if newest[:10] > (now.date() + timedelta(days=1)).isoformat():
        advice = "Set the clock; if it is right, it was ahead when that snapshot came (see `peacekeeping verify`)."
        return Finding("warn", "clock", f"{time}, but the archive has a snapshot retrieved on {newest[:10]}", advice)
    return Finding("ok", "clock", time)


def archive(where: Paths) -> list[Finding]:
    """Whether the archive and the warehouse are undamaged, as `peacekeeping verify` reports it."""
    try:
        report = verify_folder(where)
    except SourceError:
        return [Finding("warn", "archive", f"nothing in {where.data} yet", "Run `peacekeeping refresh`.")]
    except OSError as error:
        advice = "Give this user the right to read it."
        return [Finding("bad", "archive", f"{error.filename or where.raw}: {error.strerror}", advice)]
    if report.damages:  # what is damaged, and what to do in the sentence after it
        parts = [damage.partition(". ") for damage in report.damages]
        return [Finding("bad", "archive", damage.rstrip("."), advice) for damage, _, advice in parts]
    snapshots = sum(source.snapshots for source in report.sources)
    size = size_text(sum(source.bytes for source in report.sources))
    return [Finding("ok", "archive", f"{snapshots} snapshots, {size}, undamaged; {report.builds} recorded builds")]


def leftovers(where: Paths) -> list[Finding]:
    """Files of killed runs and of other code, which are never read."""
    findings = []
    scratch = [*where.work.glob("*"), *where.data.glob("as_of/.*.work"), *where.data.rglob(f"{SCRATCH}*")]
    if scratch and holder(where) is None:
        text = f"{size_text(_size(scratch))} in {len(scratch)} entries of {where.work} and beside it"
        findings.append(Finding("warn", "left by killed runs", text, "The next `peacekeeping refresh` removes it."))
    snapshots = [path for path in where.staged.glob("*/*/*") if not path.name.startswith(".")]
    old = [path for path in snapshots if path.name != staging_code(path.parent.parent.name)]
    if old:
        text = f"{size_text(_size(old))} in {len(old)} snapshots that other code staged in {where.staged}"
        advice = f"The next build stages them again; {where.staged} may be removed at any time."
        findings.append(Finding("warn", "staged by other code", text, advice))
    return findings or [Finding("ok", "leftovers", "none")]


def warehouse(where: Paths) -> Finding:
    """Whether the published warehouse is readable, its build id, and whether the installed code built it."""
    if not where.warehouse.exists():
        return Finding("warn", "warehouse", "none is published yet", "Run `peacekeeping refresh`.")
    try:
        with connect(where.warehouse) as connection:
            rows = Answer(connection, "SELECT build_id, code_sha256, code_version FROM meta.builds").rows()
        build_id, code, code_version = rows[0]
    except (QueryError, IndexError, ValueError) as error:
        return Finding("bad", "warehouse", first_line(error), "`peacekeeping refresh --force` rebuilds it.")
    text = f"build {build_id}, {size_text(_size([where.warehouse]))}, built by version {code_version}"
    if code == code_sha256():
        return Finding("ok", "warehouse", f"{text} with this code")
    return Finding("warn", "warehouse", f"{text} with other code", "`peacekeeping refresh` rebuilds it with this one.")


def sizes(where: Paths) -> Finding:
    """The bytes of each part of the data folder."""
    parts = {
        "warehouse": where.data.glob("*.duckdb*"), "archive": [where.raw], "staged": [where.staged],
        "scratch": [where.work], "as of": [where.data / "as_of"], "briefings": [where.data / "briefings"],
    }  # fmt: skip
    text = ", ".join(f"{name} {size_text(_size(paths))}" for name, paths in parts.items())
    return Finding("ok", "sizes", text)


def schedules(url: str) -> Finding:
    """Whether the schedules on the server run."""
    paused = paused_schedules(url)
    if not paused:
        return Finding("ok", "schedules", "none is paused")
    advice = "Start `peacekeeping serve`, or resume them in the UI."
    return Finding("warn", "schedules", f"paused: {', '.join(paused)}", advice)


def server() -> list[Finding]:
    """The Prefect server that a run would use, without an address in a Prefect profile, which only Prefect reads."""
    configured = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    try:
        local = local_api()
    except UsageError as error:
        return [Finding("bad", "Prefect server", str(error))]
    for url in filter(None, (configured, local)):
        if answers(url):
            running, here = server_version(url), version("prefect")
            text = f"{running} at {masked('', url)}"
            if running != here:
                finding = Finding("warn", "Prefect server", text, f"{here} is installed here; use the same for both.")
            else:
                finding = Finding("ok", "Prefect server", text)
            return [finding, schedules(url)]
    if configured:
        text = f"none answers at {masked('', configured)} (PREFECT_API_URL)"
        return [Finding("warn", "Prefect server", text, "Start it, or unset the variable; a run then starts its own.")]
    try:
        ports.require_free(local_port())
    except ports.PortTaken as error:
        return [Finding.of_error("warn", "Prefect server", error)]
    return [Finding("ok", "Prefect server", f"none answers at {local}; a run starts its own")]


def telemetry() -> Finding:
    """Whether Prefect's telemetry is off."""
    advice = []
    if os.environ.get("PREFECT_SERVER_ANALYTICS_ENABLED", "").lower() not in ("0", "false", "no", "off"):
        advice.append("PREFECT_SERVER_ANALYTICS_ENABLED=false")
    if os.environ.get("DO_NOT_TRACK", "").lower() not in ("1", "true", "yes", "on"):
        advice.append("DO_NOT_TRACK=1")
    if advice:
        return Finding("bad", "telemetry", "switched on by the environment", f"Set {' and '.join(advice)}.")
    return Finding("ok", "telemetry", "off")


def environment() -> list[Finding]:
    """This project's settings, defaults included, and those of Prefect and proxies; secrets masked."""
    defaults = {f"{settings.PREFIX}{name.upper()}": value for name, value in asdict(settings.Settings()).items()}
    values = {name: value for name, value in os.environ.items() if _SHOWN.fullmatch(name)}
    shown = {name: value for name, value in {**defaults, **values}.items() if value}
    return [Finding("ok", f"setting {name}", masked(name, value)) for name, value in sorted(shown.items())]


def _size(paths: Iterable[Path]) -> int:
    """The bytes of files and folders, without those that disappear meanwhile."""
    total = 0
    for path in paths:
        for file in [path, *(path.rglob("*") if path.is_dir() else ())]:
            with contextlib.suppress(OSError):
                total += file.stat().st_size if file.is_file() else 0
    return total

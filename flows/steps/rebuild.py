"""Earlier builds: found where they still lie, else made anew from the archive's record of their snapshots."""

from __future__ import annotations

import logging
from pathlib import Path

from flows.steps import build, staging
from flows.steps.identity import build_id
from flows.steps.settings import Paths
from flows.steps.staging_cache import Shelf
from sources.archive import Archive, Snapshot
from sources.catalogue import load_catalogue
from sources.errors import ArchiveError, UnknownBuild
from warehouse.publish import previous_of

log = logging.getLogger("peacekeeping.build")

SHORTEST_ID = 4


def anew(name: str, archive: Archive, where: Paths, folder: Path) -> Path:
    """A recorded build made anew in `folder` with today's code, checked. Call while holding the writer's lock.

    Raises UnknownBuild; ArchiveError when a snapshot can't be used; warehouse.load.BuildError when a check fails.
    """
    chosen = recorded(name, archive)
    log.warning("Build %s no longer lies here; it is made anew from its snapshots.", name)
    catalogue, shelf = load_catalogue(), Shelf(where.staged)
    reports = [staging.stage_source(archive, shelf, catalogue[n], some, folder / n) for n, some in chosen.items()]
    problems = [problem for report in reports for problem in report.problems]
    if problems:
        raise ArchiveError(" ".join(problems))
    every = [snapshot for some in chosen.values() for snapshot in some]
    built = build.build(build_id(every), reports, folder / "build")
    build.check(built)
    return built.file


def lying(name: str, where: Paths) -> Path | None:
    """The file of a build that lies about: `published`, `previous`, a file's path, or the id of one of the two.

    Raises ArchiveError when there is no previous one.
    """
    here = {"published": where.warehouse, "previous": previous_of(where.warehouse)}
    if name == "previous" and not here[name].exists():
        raise ArchiveError("There is no previous build here yet; name another one, or a warehouse file.")
    if name in here:
        return here[name]
    if Path(name).is_file():
        return Path(name)
    ids = {file: build.standing(file) or "" for file in here.values()}
    return next((file for file, found in ids.items() if len(name) >= SHORTEST_ID and found.startswith(name)), None)


def recorded(name: str, archive: Archive) -> dict[str, list[Snapshot]]:
    """The snapshots of a published build, by source, from the archive's record of it.

    Raises UnknownBuild when no record, or more than one, begins with `name`; ArchiveError when a snapshot is gone.
    """
    ids = archive.builds()
    found = [found for found in ids if len(name) >= SHORTEST_ID and found.startswith(name)]
    if len(found) != 1:
        known = ", ".join(ids) or "none"
        raise UnknownBuild(
            f"{'Several builds begin' if found else 'No build begins'} with {name!r}. Recorded: {known}."
        )
    chosen: dict[str, list[Snapshot]] = {}
    try:
        named = [(str(entry["source"]), str(entry["sha256"])) for entry in (archive.build(found[0]) or {})["snapshots"]]
    except (KeyError, TypeError):
        raise ArchiveError(f"The record of build {found[0]} does not say which snapshots it was made of.") from None
    for source, sha256 in named:
        snapshot = archive.find(source, sha256)
        if snapshot is None:
            raise ArchiveError(f"The archive has no longer the snapshot {sha256[:12]}… of {source}.")
        chosen.setdefault(source, []).append(snapshot)
    return {name: sorted(some, key=Snapshot.order) for name, some in chosen.items()}

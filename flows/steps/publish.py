"""Publishing a checked build, and removing the scratch files of killed runs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flows.steps.identity import code_sha256
from flows.steps.settings import Paths, project_version
from sources.archive import Archive, Snapshot
from warehouse.publish import publish

if TYPE_CHECKING:
    from flows.steps.build import Build


def publish_build(built: Build, snapshots: Sequence[Snapshot], paths: Paths, archive: Archive, at: str) -> None:
    """Record the snapshots of a checked build in the archive, and swap the build in as the published warehouse."""
    archive.note_build(
        built.build_id,
        {
            "build_id": built.build_id,
            "published_at": at,
            "code_version": project_version(),
            "code_sha256": code_sha256(),
            "snapshots": [{"source": snapshot.source, "sha256": snapshot.sha256} for snapshot in snapshots],
        },
    )
    publish(built.file, paths.warehouse)


def clear_work(paths: Paths) -> list[str]:
    """Remove what killed runs left in the scratch folder and in the archive; returns the names in the scratch folder.

    Call while holding the writer's lock.
    """
    Archive(paths.raw).clear_scratch()
    leftovers = list(paths.work.iterdir())
    for path in leftovers:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return [path.name for path in leftovers]

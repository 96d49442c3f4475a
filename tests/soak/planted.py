"""Faults planted in the pipeline's code, one at a time, to see that the simulation finds them.

`PYTHONPATH=tests python -m soak.planted` plays seeds with each of them until it is found, and prints a table.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from soak.simulation import Result, play

PACKAGES = ("sources", "schemas", "transforms", "warehouse", "flows", "soak")


@dataclass(frozen=True)
class Planted:
    """A function, by its module and name, and what is removed from its text and replaced in it."""

    function: str
    old: str
    new: str
    removed: str = ""


FAULTS = {
    "files are written in place": Planted(
        "schemas.files:replacing",
        "    handle, name = tempfile.mkstemp(prefix=SCRATCH, dir=target.parent)\n    os.close(handle)\n"
        "    scratch = Path(name)\n    try:\n        yield scratch\n",
        "    scratch = target\n    yield scratch\n    return\n    try:\n",
    ),
    "a record is written before its bytes": Planted(
        "sources.archive:Archive.add",
        "    with replacing(self.path",
        "    self.restate(record)\n    with replacing(self.path",
    ),
    "no writer's lock": Planted("flows.steps.locking:only_writer", "lock.acquire(timeout=0)", "pass"),
    "the newest snapshot by file time": Planted(
        "sources.archive:Archive.snapshots",
        "sorted(map(_read_record, records), key=Snapshot.order)",
        "[_read_record(path) for path in sorted(records, key=lambda path: path.stat().st_mtime_ns)]",
    ),
    "a short page ends the dataset": Planted(
        "sources.download:_in_pages", "            if not rows:\n                break\n            log", "            if len(rows) < size:\n                break\n            log"
    ),
    "pages that change are not read again": Planted(
        "sources.download:_require_unchanged", '    """Request', '    return\n    """Request'
    ),
    "no comparison with the neighbours": Planted(
        "flows.steps.ingest:check_neighbours", "    rows, stored", "    return []\n    rows, stored"
    ),
    "published before it is checked": Planted(
        "soak.host:Host._build", "    build.check(built)\n", "    publish.publish_build(built, [s for one in snapshots.values() for s in one], self.where, self.archive, ingest.now())\n    self.run.published = identity\n    build.check(build.Build(identity, self.where.warehouse, built.rows))\n    return\n"
    ),
    "published before it is recorded": Planted(
        "flows.steps.publish:publish_build",
        "    archive.note_build",
        "    publish(built.file, paths.warehouse)\n    archive.note_build",
        removed="\n    publish(built.file, paths.warehouse)\n",
    ),
    "the build before is not kept": Planted(
        "warehouse.publish:publish", "if target.exists():", "if False:"
    ),
    "refused replies are not kept": Planted(
        "flows.steps.ingest:keep_refused", "    if not file", "    return Refused(why)\n    if not file"
    ),
    "future vintages are accepted": Planted(
        "flows.steps.ingest:_vintage", "if vintage <= today + timedelta(days=1):", "if True:"
    ),
    "a clock that is behind is trusted": Planted(
        "flows.steps.as_of:require_clock", "    for entry", "    return\n    for entry"
    ),
    "absence is deletion": Planted(
        "transforms.revisions:states", "state[~state.index.isin(now.index)], now, new", "now, new"
    ),
    "a new snapshot replaces every period": Planted(
        "transforms.vintages:replace_periods",
        'rows.groupby(period)["_priority"].transform("max")',
        'rows["_priority"].max()',
    ),
    "staged rows of another snapshot": Planted(
        "flows.steps.staging_cache:StagingCache._place", "{snapshot.sha256[:16]}-{snapshot.vintage}", "{snapshot.vintage}"
    ),
}  # fmt: skip


@contextmanager
def planted(fault: Planted) -> Iterator[None]:
    """Within the block the function has the fault, wherever it was imported by its name."""
    module_name, _, path = fault.function.partition(":")
    module = importlib.import_module(module_name)
    *owners, name = path.split(".")
    owner: Any = module
    for part in owners:
        owner = getattr(owner, part)
    original = getattr(owner, name)
    text = textwrap.dedent(inspect.getsource(inspect.unwrap(original)))
    if fault.removed:
        text = text.replace(fault.removed, "\n")
    if text.count(fault.old) != 1:
        raise ValueError(f"{fault.function}: the text to replace is in it {text.count(fault.old)} times")
    made: dict[str, Any] = {}
    exec(compile(text.replace(fault.old, fault.new), fault.function, "exec"), vars(module), made)  # noqa: S102
    places = [owner] if owners else [
        one for known, one in list(sys.modules.items())
        if known.partition(".")[0] in PACKAGES and getattr(one, name, None) is original
    ]  # fmt: skip
    with ExitStack() as patches:
        for place in places:
            patches.enter_context(mock.patch.object(place, name, made[name]))
        yield


def first_found(fault: Planted, seeds: range) -> Result | None:
    """The result of the first seed that finds the fault."""
    with planted(fault):
        for seed in seeds:
            result = play(seed)
            if result.violation:
                return result
    return None


def main() -> int:
    """Print where each fault is found, as a table; exit code 1 where one is not."""
    missed = 0
    print("| fault | seed | step | found as |\n|---|--:|--:|---|", flush=True)
    for name, fault in FAULTS.items():
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        result = first_found(fault, range(1, 9))
        missed += result is None
        cells = (result.seed, result.step, result.violation[:150]) if result else ("–", "–", "not found in 8 seeds")
        print(f"| {name} | {cells[0]} | {cells[1]} | {cells[2]} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())

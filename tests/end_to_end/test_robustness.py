"""Two writers, a killed process, a full disk, a folder that can't be written: the published warehouse stays intact."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import resource
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from replica import BYTE_ORDER_MARK, CEB_FILE, FATALITIES, MISSIONS, PERSONNEL, Replica

from sources.bundle import BUNDLED

# How many moments of a live refresh are tried; each takes some ten seconds.
KILLS = int(os.environ.get("PEACEKEEPING_KILLS", "2"))
DAY_MS = 86_400_000


def verify(shell: Any) -> None:
    """The warehouse answers, and nothing is damaged."""
    assert shell.ask("SELECT count(*) FROM fatalities") == "4423"
    shell("verify")


@pytest.mark.slow
def test_a_refresh_killed_at_any_moment_leaves_everything_intact_and_the_next_completes(copy: Any) -> None:
    random.seed(2019)
    began = time.perf_counter()
    copy("refresh", "--offline", "--force")
    whole = time.perf_counter() - began
    for moment in (random.uniform(0.3, 0.95) for _ in range(2)):
        process = copy.start("refresh", "--offline", "--force")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment * whole)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        verify(copy)
    copy("refresh", "--offline", "--force")
    verify(copy)
    assert list((copy.data / "work").iterdir()) == []


class News:
    """Publishers that have something new each time, and the answers of a warehouse that has it."""

    SQL = """
        SELECT (SELECT count(*) FROM fatalities),
               (SELECT total FROM uniformed_personnel WHERE series = 'data_hub' AND contributor_iso3 = 'URY'
                AND mission = 'UNVMC'),
               (SELECT amount_usd::INT FROM assessed_contributions
                WHERE peacekeeping_year = '2012-13' AND contributor_iso3 = 'AFG'),
               (SELECT latitude FROM missions WHERE mission = 'NEWS')
    """

    def __init__(self, replica: Replica) -> None:
        self.replica, self.times = replica, 0
        self.fatalities, self.missions = replica.rows(FATALITIES), replica.rows(MISSIONS)
        # One month, which no monthly report covers, instead of all: it is staged quickly.
        july = max(row["last_reporting_date"] for row in replica.rows(PERSONNEL))
        august = [row for row in replica.rows(PERSONNEL) if row["last_reporting_date"] == july]
        self.personnel = [row | {"last_reporting_date": july + 31 * DAY_MS} for row in august]
        self.contributions = gzip.decompress((BUNDLED / "assessed_contributions_2013-2024.csv.gz").read_bytes())

    def publish(self) -> str:
        """Publish something new at each publisher; returns the answer to SQL of a warehouse that has it."""
        self.times += 1
        later = self.times * DAY_MS
        died = self.fatalities[-1] | {"casualty_id": f"UNMISS-2025-02-{90_000 + self.times}"}
        self.fatalities.append(died)
        self.replica.put(FATALITIES, [row | {"last_update": row["last_update"] + later} for row in self.fatalities])
        *others, last = self.personnel
        assert (last["contributing_country"], last["mission_acronym"]) == ("Uruguay", "UNVMC")
        changed = last | {"male_personnel": last["male_personnel"] + self.times}
        self.replica.put(PERSONNEL, [*others, changed])
        day = datetime(2025, 9, 15, tzinfo=UTC) + timedelta(self.times)
        described = next(entry for entry in self.replica.codebook if entry["Dataset ID"] == PERSONNEL)
        described["Last Update Date"] = day.date().isoformat()  # a new vintage of the codebook
        place = {"mission_acronym": "NEWS", "mission_longitude": "1,0", "mission_latitude": f"{self.times},5"}
        missions = [*self.missions, self.missions[-1] | place]
        self.replica.put(MISSIONS, [row | {"last_update": row["last_update"] + later} for row in missions])
        amount = f"Afghanistan,UN-DPO,Assessed contributions,2013,{32_648 + self.times}.0".encode()
        old = b"Afghanistan,UN-DPO,Assessed contributions,2013,32648.0"
        assert old in self.contributions
        self.replica.put_file(CEB_FILE, BYTE_ORDER_MARK + self.contributions.replace(old, amount), modified=day)
        return f"{4423 + self.times},{7 + self.times},{32_648 + self.times},{self.times}.5"


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * KILLS)
def test_a_live_refresh_killed_at_any_moment_leaves_everything_intact_and_the_next_completes(copy: Any) -> None:
    moments = random.Random(2026)
    with Replica() as replica:
        copy.extra |= {"PEACEKEEPING_PSDATA_URL": replica.psdata_url, "PEACEKEEPING_CEB_URL": replica.ceb_url}
        copy.extra |= {"PEACEKEEPING_CONTRIBUTIONS_URL": replica.contributions_url}
        copy.extra |= {"PEACEKEEPING_REPORTS_URL": replica.reports_url}
        news = News(replica)
        before = news.publish()
        began = time.perf_counter()
        copy("refresh", "--live")
        whole = time.perf_counter() - began
        assert copy.ask(News.SQL) == before
        for _ in range(KILLS):
            moment, after = moments.uniform(0.2, whole), news.publish()
            process = copy.start("refresh", "--live")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(moment)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert copy.ask(News.SQL) in (before, after)
            print(f"{moment:.2f} of {whole:.2f} s ({process.returncode}): {left_by(copy, news, before)}")
            copy("verify")
            copy("refresh", "--live")
            assert copy.ask(News.SQL) == after
            copy("verify")
            assert list((copy.data / "work").iterdir()) == []
            before = after


def left_by(shell: Any, news: News, before: str) -> str:
    """What a killed refresh left, for the log of a run with many kills."""
    raw = shell.data / "raw"
    archived = sum(1 for note in raw.glob("*/*.json") if note.stem != "last_checked" and note.parent.name != "builds")
    scratch = [str(path.relative_to(shell.data)) for path in shell.data.rglob(".new-*")]
    orphans = sum(1 for path in raw.glob("*/*") if len(path.name) == 64 and not Path(f"{path}.json").exists())
    work = sorted({path.relative_to(shell.data / "work").parts[0] for path in (shell.data / "work").rglob("*")})
    answered = "the old" if shell.ask(News.SQL) == before else "the new"
    return (
        f"{answered} answers, {archived - 5 * news.times} of 5 new snapshots archived, "
        f"{len(work)} entries in work, scratch {scratch}, {orphans} files without a record"
    )


@pytest.mark.slow
def test_a_full_disk_is_reported_and_leaves_the_published_file(copy: Any) -> None:
    """A limit on the size of files replaces the full disk: the build's writes fail in the same way."""
    before = copy.warehouse.read_bytes()
    limit = 6_000_000  # the warehouse takes 9 MB, everything else a run writes is smaller
    assert len(before) > limit

    def tighten() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [copy.command, "refresh", "--offline", "--force"],
        cwd=copy.folder,
        env=copy.environment(),
        text=True,
        capture_output=True,
        preexec_fn=tighten,
        timeout=240,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "error: " in done.stderr and ("large" in done.stderr or "space" in done.stderr or "write" in done.stderr)
    assert copy.warehouse.read_bytes() == before
    verify(copy)


@pytest.mark.parametrize("command", [["refresh", "--offline"], ["load", "fatalities", "f"]])
def test_a_data_folder_that_cannot_be_written_is_reported(fresh: Any, command: list[str]) -> None:
    (fresh.folder / "f").write_bytes(b"x")
    fresh.extra["PEACEKEEPING_DATA"] = str(fresh.folder / "f" / "data")  # below a file: no folder can be there
    error = fresh(*command, code=1).stderr
    assert "can't be written" in error and "PEACEKEEPING_DATA" in error


def test_a_corrupt_or_foreign_warehouse_file_is_reported(fresh: Any) -> None:
    fresh.data.mkdir()
    fresh.warehouse.write_bytes(b"not a database" * 1000)
    assert "can't be opened" in fresh("query", "SELECT 1", code=1).stderr


@pytest.mark.slow
def test_a_stale_log_beside_the_warehouse_does_not_stop_the_next_refresh(copy: Any) -> None:
    Path(f"{copy.warehouse}.wal").write_bytes(b"left by somebody")
    copy("refresh", "--offline", "--force")
    verify(copy)
    assert not Path(f"{copy.warehouse}.wal").exists() and Path(f"{copy.warehouse}.wal.stale").exists()

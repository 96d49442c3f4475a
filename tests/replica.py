"""A replica of the publishers on loopback: `python tests/replica.py`, or `with Replica() as replica:` in a test.

It serves what the pipeline reads from psdata's API, from the file servers of CEB and the Committee on Contributions, and
from the page of the monthly reports, and misbehaves on demand. PEACEKEEPING_PSDATA_URL, PEACEKEEPING_CEB_URL,
PEACEKEEPING_CONTRIBUTIONS_URL and PEACEKEEPING_REPORTS_URL lead the pipeline here.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import click
from replica_data import (
    BUDGETS,
    BYTE_ORDER_MARK,
    COLUMNS,
    FATALITIES,
    MISSIONS,
    PERSONNEL,
    Dataset,
    File,
    Row,
    bundled_datasets,
    contributions_file,
    default_codebook,
    monthly_report,
    published_reports,
    scale_workbook,
)
from replica_faults import OF_ANY_REPLY, OF_BODIES, OF_PAGES, OF_ROWS, PAGING, RETRY_AFTER, STATUSES, Fault
from werkzeug import Request, Response
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

__all__ = [
    "BUDGETS", "BYTE_ORDER_MARK", "CEB_FILE", "COLUMNS", "FATALITIES", "MISSIONS", "PERSONNEL", "SCALE_FILE",
    "STATUSES", "Dataset", "Fault", "Replica", "bundled_datasets", "default_codebook", "scale_workbook",
]  # fmt: skip

HOST = "127.0.0.1"
CEB_FILE = "/ceb/revenue_government_donors.csv"
SCALE_FILE = "/contributions/Scale of Assessments for RB 1946-2027.xlsx"
REPORTS_PAGE = "/peacekeeping/en/troop-and-police-contributors"
REPORTS_FOLDER = "/peacekeeping/sites/default/files/"
DATA_PATH = re.compile(r"/public/data/([^/]+)/json", re.IGNORECASE)
METADATA_PATH = re.compile(r"/public/metadata/([^/]+)")


@dataclass(frozen=True)
class Received:
    """A request that came in, and the status of its reply."""

    path: str
    query: dict[str, str]
    status: int


@dataclass
class _ActiveFault:
    fault: Fault
    times: float


class Replica:
    """The publishers on 127.0.0.1, served by threads of this process.

    `requests` records what came in; `codebook` is the metadata as served and can be changed (`put` leaves it alone).
    """

    def __init__(
        self, datasets: Mapping[str, Dataset] | None = None, port: int = 0, log: logging.Logger | None = None
    ) -> None:
        self._datasets = dict(bundled_datasets() if datasets is None else datasets)
        report = f"{REPORTS_FOLDER}04_mission_and_country_july_2025.pdf"
        self._files = {CEB_FILE: contributions_file(), SCALE_FILE: scale_workbook(), report: monthly_report()}
        self._faults: list[_ActiveFault] = []
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._server: BaseWSGIServer | None = None
        self._port, self._log = port, log
        self.codebook = default_codebook(self._datasets)
        self.requests: list[Received] = []

    def __enter__(self) -> Replica:
        self._server = make_server(HOST, self._port, self, threaded=True, request_handler=_SilentHandler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="replica").start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server and break off the replies that would never end."""
        assert self._server is not None
        self._ending.set()
        self._server.shutdown()

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("The replica is not running.")
        return f"http://{HOST}:{self._server.port}"

    @property
    def psdata_url(self) -> str:
        return f"{self.url}/public"

    @property
    def ceb_url(self) -> str:
        return f"{self.url}/ceb"

    @property
    def contributions_url(self) -> str:
        return f"{self.url}/contributions"

    @property
    def reports_url(self) -> str:
        return f"{self.url}/peacekeeping"

    def rows(self, dataset: str) -> list[Row]:
        """A copy of a dataset's rows, to be changed and put back."""
        return [dict(row) for row in self._datasets[dataset].rows]

    def put(self, dataset: str, rows: list[Row]) -> None:
        """Replace or add a dataset, last modified now."""
        copied = list(rows)
        with self._lock:
            self._datasets[dataset] = Dataset(lambda: copied, _later_than(self._datasets.get(dataset)))

    def put_file(self, path: str, body: bytes, modified: datetime | None = None) -> None:
        """Replace the file at a path, such as CEB_FILE."""
        with self._lock:
            old = self._files[path]
            self._files[path] = File(body, old.content_type, modified or _later_than(old))

    def put_report(self, name: str, body: bytes) -> None:
        """Add or replace a monthly report; the page links those added last first."""
        with self._lock:
            path = REPORTS_FOLDER + name
            self._files[path] = File(body, "application/pdf", _later_than(self._files.pop(path, None)))

    def _reports_page(self) -> File:
        """The page with a link to each report, and links to other files."""
        with self._lock:
            reports = [path for path in reversed(self._files) if path.startswith(REPORTS_FOLDER)]
        others = ["/en/data", f"{REPORTS_FOLDER}02_ranking_of_contributions.pdf", "mailto:press@example.org", "#top"]
        links = "".join(f'<li><a href="{path}">{path.rpartition("/")[2]}</a></li>' for path in [*others, *reports])
        page = f"<!DOCTYPE html>\n<html><head><title>Contributors</title></head><body><ul>{links}</ul></body></html>\n"
        return File(page.encode(), "text/html; charset=utf-8", None)

    def misbehave(self, fault: Fault, times: float = float("inf")) -> None:
        """Give the next `times` replies this fault.

        A reply has one fault; of several the first that is not used up. A fault that a reply can't have, such as a
        renamed column in a file without columns, waits for a reply that can.
        """
        with self._lock:
            self._faults.append(_ActiveFault(fault, times))

    def behave(self) -> None:
        """End all faults; rows that MOVING_PAGE inserted stay."""
        with self._lock:
            self._faults.clear()

    @Request.application
    def __call__(self, request: Request) -> Response:
        """The WSGI application."""
        response, fault = self._respond(request)
        self.requests.append(Received(request.path, request.args.to_dict(), response.status_code))
        if self._log:
            self._log.info("%s %s %s", request.full_path.rstrip("?"), response.status_code, fault or "")
        return response

    def _respond(self, request: Request) -> tuple[Response, Fault | None]:
        name, entries = self._dataset(request.path), self._metadata(request.path)
        file = self._reports_page() if request.path == REPORTS_PAGE else self._files.get(request.path)
        if name is not None:
            return self._page(name, request)
        fault = self._next_fault({Fault.WRONG_CONTENT_TYPE, *OF_BODIES} if file or entries else set())
        if entries:  # without Last-Modified: the tag alone shows changes
            file = File(_json(entries), "application/json", None)
        if file:
            return self._reply(request, file, fault), fault
        return _special_reply(fault) or Response("Not found", 404), fault

    def _dataset(self, path: str) -> str | None:
        match = DATA_PATH.fullmatch(path)
        return match[1].upper() if match and match[1].upper() in self._datasets else None

    def _metadata(self, path: str) -> list[Row]:
        match = METADATA_PATH.fullmatch(path)
        if not match:
            return []
        return [entry for entry in self.codebook if match[1] in ("all", entry.get("Dataset ID"))]

    def _page(self, name: str, request: Request) -> tuple[Response, Fault | None]:
        """A page of a dataset, or all its rows."""
        paging = {key: request.args.get(key, type=int) for key in ("page_num", "per_page")}
        rows = self._slice(name, **paging)
        possible = {Fault.WRONG_CONTENT_TYPE, *OF_BODIES, *OF_PAGES, *(OF_ROWS if rows else ())}
        fault = self._next_fault(possible)
        if fault in PAGING:
            rows = self._slice(name, **(paging | PAGING[fault]))
        elif fault is Fault.RENAMED_COLUMN:
            rows = [_with_third_column_renamed(row) for row in rows]
        elif fault is Fault.DROPPED_COLUMN:
            rows = [dict([*row.items()][:2] + [*row.items()][3:]) for row in rows]
        body = _json(rows)
        if fault is Fault.DOUBLED_KEY:
            body = re.sub(rb'^\[\{("[^"]*"):', rb"[{\1:null,\1:", body)
        file = File(body, "application/json", self._datasets[name].modified)
        if fault is Fault.MOVING_PAGE:
            self._insert_on_top(name)
        return self._reply(request, file, fault), fault

    def _slice(self, name: str, page_num: int | None, per_page: int | None) -> list[Row]:
        rows = self._datasets[name].rows
        size = per_page or max(len(rows), 1)
        start = ((page_num or 1) - 1) * size
        return rows[start : start + size]

    def _next_fault(self, possible: set[Fault]) -> Fault | None:
        with self._lock:
            active = next((a for a in self._faults if a.times > 0 and a.fault in possible | OF_ANY_REPLY), None)
            if active:
                active.times -= 1
            return active.fault if active else None

    def _insert_on_top(self, name: str) -> None:
        """Put a copy of the first row before it, with a key of its own where the dataset has one."""
        with self._lock:
            rows = self._datasets[name].rows
            if not rows:
                return
            new = dict(rows[0])
            if "casualty_id" in new:
                new["casualty_id"] = f"{str(new['casualty_id']).rpartition('-')[0]}-9{len(rows):04}"
            elif "mission_name" in new:
                new["mission_acronym"] = f"NEW{len(rows)}"
            numbered = [row | {"id": number} if "id" in row else row for number, row in enumerate([new, *rows], 1)]
            self.put(name, numbered)

    def _reply(self, request: Request, file: File, fault: Fault | None) -> Response:
        """The reply with a file, or the 304 where the client has it, or the reply with the fault."""
        special = _special_reply(fault)
        if special:
            return special
        content_type = "image/png" if fault is Fault.WRONG_CONTENT_TYPE else file.content_type
        response = Response(file.body, content_type=content_type)
        response.set_etag(hashlib.sha256(file.body).hexdigest()[:32])
        if file.modified:
            response.last_modified = file.modified
        if fault in OF_BODIES:
            self._spoil_body(response, file.body, fault)
            return response
        return response.make_conditional(request)

    def _spoil_body(self, response: Response, body: bytes, fault: Fault) -> None:
        """Change what is sent, or the length that is announced."""
        half = len(body) // 2
        match fault:
            case Fault.STALLED_BODY:
                response.response = self._stalled(body[:half])
                response.content_length = len(body)
            case Fault.CUT_BODY:
                response.response = [body[:half]]
                response.content_length = len(body)
            case Fault.SHORT_LENGTH:
                response.content_length = half
            case Fault.CUT_GZIP:
                packed = gzip.compress(body, mtime=0)
                response.data = packed[: len(packed) // 2]
                response.content_encoding = "gzip"
            case Fault.ENDLESS:
                response.response = self._endless(body or b" ")
                del response.content_length
            case Fault.GZIP_BOMB:
                response.data = _gzip_bomb()
                response.content_encoding = "gzip"

    def _stalled(self, start: bytes) -> Iterator[bytes]:
        yield start
        self._ending.wait()

    def _endless(self, body: bytes) -> Iterator[bytes]:
        """The body again and again, in chunks, until the replica stops or the client leaves."""
        while not self._ending.is_set():
            yield body


class _RequestReader(io.BufferedReader):
    """Reads at most 64 KiB: after each request werkzeug asks for 10 MB, which would be allocated."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1 << 16 if size is None or size < 0 else min(size, 1 << 16))


class _SilentHandler(WSGIRequestHandler):
    def setup(self) -> None:
        super().setup()
        self.rfile = _RequestReader(self.rfile.detach())

    def log(self, *_: object) -> None:
        """The replica has a log of its own."""


def _special_reply(fault: Fault | None) -> Response | None:
    """The reply of a fault that has nothing to do with what was requested."""
    if fault is Fault.REDIRECT:
        return Response(status=302, headers={"Location": "http://localhost.invalid/"})
    if fault is Fault.HTML:
        page = "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>Back soon.</body></html>\n"
        return Response(page, content_type="text/html; charset=utf-8")
    if fault in STATUSES:
        headers = {"Retry-After": RETRY_AFTER[fault]} if fault in RETRY_AFTER else {}
        return Response('{"error": "Not now."}', STATUSES[fault], headers, content_type="application/json")
    return None


def _json(rows: list[Row]) -> bytes:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _with_third_column_renamed(row: Row) -> Row:
    """Rename type_of_incident, or where a dataset has none its third column."""
    columns = list(row)
    old = "type_of_incident" if "type_of_incident" in row else columns[2]
    new = "incident_kind" if old == "type_of_incident" else f"{old}_new"
    return {new if name == old else name: value for name, value in row.items()}


@cache
def _gzip_bomb() -> bytes:
    """4 MiB that unpack to 4 GiB of zeros: a gzip stream of 4,096 members."""
    return gzip.compress(bytes(1 << 20), mtime=0) * 4096


def _later_than(old: Dataset | File | None) -> datetime:
    """Now in the full seconds of HTTP, but later than what is replaced, so that If-Modified-Since sees the change."""
    now = datetime.now(UTC).replace(microsecond=0)
    return max(now, old.modified + timedelta(seconds=1)) if old and old.modified else now


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8099, show_default=True, help="0 for any free port.")
@click.option(
    "--fault",
    "faults",
    type=click.Choice([fault.value for fault in Fault]),
    multiple=True,
    help="Misbehave in this way.",
)
@click.option("--times", type=click.IntRange(1), help="How many replies have each fault.  [default: all]")
def main(port: int, faults: tuple[str, ...], times: int | None) -> None:
    """Serve what the publishers serve, on loopback, from the bundled snapshots."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    with Replica(port=port, log=logging.getLogger("replica")) as replica:
        for path, body in published_reports():
            replica.put_report(path, body)
        for fault in faults:
            replica.misbehave(Fault(fault), times or float("inf"))
        click.echo(f"The publishers' replica serves on {replica.url}; end it with Ctrl-C.")
        click.echo(f"export PEACEKEEPING_PSDATA_URL={replica.psdata_url}")
        click.echo(f"export PEACEKEEPING_CEB_URL={replica.ceb_url}")
        click.echo(f"export PEACEKEEPING_CONTRIBUTIONS_URL={replica.contributions_url}")
        click.echo(f"export PEACEKEEPING_REPORTS_URL={replica.reports_url}")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("Stopped.")


if __name__ == "__main__":
    main()

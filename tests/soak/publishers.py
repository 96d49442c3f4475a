"""The publishers of the simulation: three small datasets that develop, and what goes wrong with them.

The replica of `tests/replica.py` serves them on loopback. A publisher remembers the content of each state that it
meant to publish: only those may get into the archive.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any, cast

from replica import CEB_FILE, FATALITIES, PERSONNEL, Fault, Replica
from replica_data import COLUMNS, Dataset, File
from werkzeug import Request, Response
from werkzeug.serving import BaseWSGIServer

Row = tuple[Any, ...]
Content = frozenset[Row]

STATES = {
    "BGD": ("Bangladesh", 50), "FRA": ("France", 250), "GHA": ("Ghana", 288), "IDN": ("Indonesia", 360),
    "IND": ("India", 356), "NPL": ("Nepal", 524), "RWA": ("Rwanda", 646),
}  # fmt: skip
MISSIONS = ("MINUSCA", "MONUSCO", "UNIFIL", "UNMISS")
INCIDENTS = ("Malicious Act", "Illness", "Accident", "Self-Inflicted")
PENDING = "To Be Determined"
CASUALTIES, MONTHS = 35, 12  # at the start; printed in each reply
PORTAL = {
    "casualty_id": "Casualty_ID", "incident_date": "Incident_Date", "mission_acronym": "Mission_Acronym",
    "type_of_casualty": "Type_of_Casualty", "casualty_nationality": "Casualty_Nationality",
    "casualty_personnel_type": "Casualty_Personnel_Type", "type_of_incident": "Type_Of_Incident",
    "m49_code": "M49_Code", "isocode3": "ISOCode3",
}  # fmt: skip
DATASETS = {"fatalities": FATALITIES, "uniformed_personnel": PERSONNEL}
SOURCES = (*DATASETS, "assessed_contributions")
PATHS = {name: source for source, name in DATASETS.items()} | {CEB_FILE: "assessed_contributions"}


@dataclass(frozen=True)
class Expected:
    """How a fetch may end while a publisher is in trouble, and whether a refused reply must be kept."""

    outcomes: tuple[str, ...]
    kept: bool = False


GOOD = Expected(("fetched", "unchanged"))
_AWAY, _REFUSED, _KEPT = Expected(("unavailable",)), Expected(("refused",)), Expected(("refused",), kept=True)
TROUBLES = {
    "down": Expected(("unreachable",)),
    "gone": _REFUSED,
    "capped-pages": GOOD,
    "moving-pages": GOOD,
    "withdrawn-row": GOOD,
    "older-state": GOOD,
    "shrunk": _KEPT,
    "empty": _KEPT,
    "other-column": _KEPT,
    "other-unit": _KEPT,
    "sorted-column": _KEPT,
    "future-date": _KEPT,
    Fault.SERVER_ERROR.value: _AWAY,
    Fault.TOO_MANY_REQUESTS.value: _AWAY,
    Fault.CUT_BODY.value: _AWAY,
    Fault.CUT_GZIP.value: _AWAY,
    Fault.SHORT_LENGTH.value: Expected(("unavailable", "refused")),
    Fault.HTML.value: _KEPT,
    Fault.WRONG_CONTENT_TYPE.value: Expected(("refused", "unchanged"), kept=True),  # 304 has no content
    Fault.REDIRECT.value: _REFUSED,
    Fault.DOUBLED_KEY.value: _KEPT,
}
ONLY_OF = {
    "capped-pages": tuple(DATASETS),
    "moving-pages": ("fatalities",),
    "withdrawn-row": ("fatalities",),
    "future-date": ("fatalities",),
    "older-state": ("fatalities",),
    "sorted-column": ("fatalities", "assessed_contributions"),
    "other-unit": ("uniformed_personnel", "assessed_contributions"),
    Fault.DOUBLED_KEY.value: tuple(DATASETS),
}  # the other troubles are of every source


@dataclass
class Publisher:
    """A dataset: its rows, its form, the day of its last change, and the trouble that its publisher is in.

    form  dated: it says when it was updated; iso: days in ISO format; gender: with that column; spaced: thousands
    good  the contents that it meant to publish; past: its rows by the day of their publication
    """

    source: str
    rows: list[Row]
    day: date
    form: dict[str, bool]
    good: set[Content] = field(default_factory=set)
    past: dict[date, list[Row]] = field(default_factory=dict)
    trouble: str | None = None

    def body_rows(self, rows: list[Row]) -> list[dict[str, Any]]:
        """Rows as the publisher prints them."""
        make = {"fatalities": self._casualty, "uniformed_personnel": self._people}.get(self.source, self._amount)
        return [make(number, row) for number, row in enumerate(rows, 1)]

    def past_file(self, day: date, portal: bool) -> tuple[bytes, Content]:
        """A past state of the fatalities as a CSV file, as the API or the older portal wrote it, and its content."""
        shown = replace(
            self, rows=self.past[day], day=day, form={"iso": True, "gender": not portal, "dated": not portal}
        )
        rows = shown.body_rows(shown.rows)
        if portal:
            rows = [{PORTAL[name]: cell for name, cell in row.items() if name in PORTAL} for row in rows]
        return _csv(rows), shown.content()

    def content(self) -> Content:
        """What the rows say, as `decoded` reads it from a reply."""
        gender = self.source != "fatalities" or self.form["gender"]
        return frozenset(row if gender else (*row[:-1], "?") for row in self.rows)

    def printed_day(self, day: str) -> Any:
        """A day as the publisher prints it."""
        return day if self.form["iso"] else int(datetime.fromisoformat(f"{day}T00:00+00:00").timestamp()) * 1000

    def _casualty(self, number: int, row: Row) -> dict[str, Any]:
        casualty, day, mission, iso3, kind, incident, gender = row
        name, m49 = STATES[iso3]
        cells = (number, self.printed_day(day), casualty, mission, "Fatality", gender, name, kind, incident, m49, iso3)
        printed = dict(zip(COLUMNS[FATALITIES], (*cells, self.printed_day(self.day.isoformat())), strict=True))
        dropped = {"last_update": self.form["dated"], "gender": self.form["gender"]}
        return {name: cell for name, cell in printed.items() if dropped.get(name, True)}

    def _people(self, number: int, row: Row) -> dict[str, Any]:
        month, mission, iso3, kind, female, male = row
        name, m49 = STATES[iso3]
        cells = (number, iso3, m49, name, mission, kind, female, male, self.printed_day(month))
        return dict(zip(COLUMNS[PERSONNEL], cells, strict=True))

    def _amount(self, _: int, row: Row) -> dict[str, Any]:
        year, iso3, amount = row
        figure = f"{amount:,}".replace(",", " ") if self.form["spaced"] else str(amount)
        name = "USD amount" if self.form["iso"] else "amount"
        return {
            "government_donor": STATES[iso3][0], "entity": "UN-DPO", "rev_type": "Assessed contributions",
            "calendar_year": year, name: figure,
        }  # fmt: skip


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\r\n")
    if rows:
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


class Publishers(Replica):
    """The replica with these datasets, and for each publisher the fault that it has now.

    pages   the most rows of a page, by source
    moves   publishes the state that follows, while the pages of a source are read
    moment  the time by the servers' clocks
    """

    def __init__(self) -> None:
        super().__init__({})
        self.troubles: dict[str, Fault] = {}
        self.pages: dict[str, int] = {}
        self.moves: dict[str, Callable[[], None]] = {}
        self.moment = datetime.now(UTC)

    def __enter__(self) -> Publishers:
        super().__enter__()
        server = cast("BaseWSGIServer", self._server)
        says = {"date_time_string": lambda *_: format_datetime(self.moment, usegmt=True)}
        server.RequestHandlerClass = type("Handler", (server.RequestHandlerClass,), says)
        return self

    def serve(self, publisher: Publisher, rows: list[dict[str, Any]]) -> None:
        """Serve these rows as the publisher's dataset."""
        source, dated = publisher.source, publisher.form["dated"]
        modified = datetime.combine(publisher.day, datetime.min.time(), UTC) if dated else None
        if source in DATASETS:
            self._datasets[DATASETS[source]] = Dataset(lambda: rows, modified)  # type: ignore[arg-type]
            for entry in self.codebook:
                if entry["Dataset ID"] == DATASETS[source]:
                    entry["Last Update Date"] = publisher.day.isoformat() if dated else None
            return
        self._files[CEB_FILE] = File(_csv(rows), "text/csv", modified)

    def withdraw(self, source: str) -> None:
        """Serve no such dataset."""
        if source in DATASETS:
            self._datasets.pop(DATASETS[source], None)
        else:
            self._files.pop(CEB_FILE, None)

    def _respond(self, request: Request) -> tuple[Response, Fault | None]:
        source = next((source for name, source in PATHS.items() if name.casefold() in request.path.casefold()), "")
        self.behave()
        if source in self.troubles:
            self.misbehave(self.troubles[source])
        reply = super()._respond(request)
        if source in self.moves and "page_num" in request.args:  # the data change after the first page was read
            self.moves.pop(source)()
        return reply

    def _slice(self, name: str, page_num: int | None, per_page: int | None) -> list[dict[str, Any]]:
        most = self.pages.get(PATHS[name])
        return super()._slice(name, page_num, min(per_page or most, most) if most else per_page)


class World:
    """The three publishers as one seed develops them."""

    def __init__(self, rng: random.Random, first: date) -> None:
        self.rng, self.today = rng, first
        self.server = Publishers()
        self._casualties = 0
        self.publishers = {
            "fatalities": self._new("fatalities", {"iso": False, "gender": False}),
            "uniformed_personnel": self._new("uniformed_personnel", {"iso": False}),
            "assessed_contributions": self._new("assessed_contributions", {"iso": False, "spaced": True}),
        }
        # Some are old: the claims that each build judges are about the years before 2019-01-25.
        old = [date(2010, 1, 1) + timedelta(days=rng.randint(0, 3000)) for _ in range(10)]
        self.new_casualties(sorted([*old, *(first - timedelta(days=rng.randint(5, 900)) for _ in range(CASUALTIES))]))
        self.publishers["uniformed_personnel"].rows = self._first_months()
        self.publishers["assessed_contributions"].rows = [
            (first.year - 1, iso3, rng.randint(100_000, 9_000_000)) for iso3 in STATES
        ]
        for publisher in self.publishers.values():
            self.publish(publisher)

    def _new(self, source: str, form: dict[str, bool]) -> Publisher:
        return Publisher(source, [], self.today, {"dated": True, "gender": True, "spaced": False, **form})

    def publish(self, publisher: Publisher) -> None:
        """Publish the rows, as the trouble changes them; each state without trouble is a good one."""
        source, trouble, server = publisher.source, publisher.trouble, self.server
        server.troubles.pop(source, None)
        server.pages.pop(source, None)
        server.moves.pop(source, None)
        publisher.good.add(publisher.content())
        if trouble in Fault._value2member_map_:
            server.troubles[source] = Fault(trouble)
        elif trouble == "capped-pages":
            server.pages[source] = self.rng.randint(7, 30)
        server.serve(publisher, self._spoiled(publisher))
        if trouble == "moving-pages":
            self.develop(source, again=False)
            moved = publisher.body_rows(publisher.rows)
            server.moves[source] = lambda: server.serve(publisher, moved)
        if trouble == "gone":
            server.withdraw(source)

    def _spoiled(self, publisher: Publisher) -> list[dict[str, Any]]:
        """The rows as printed in the publisher's trouble."""
        rows, printed = list(publisher.rows), publisher.body_rows(publisher.rows)
        match publisher.trouble:
            case "withdrawn-row":
                publisher.rows.pop(self.rng.randrange(len(rows)))
                publisher.good.add(publisher.content())
                printed = publisher.body_rows(publisher.rows)
            case "older-state" if publisher.past and publisher.form["dated"]:
                day = self.rng.choice(list(publisher.past))
                older = replace(publisher, rows=publisher.past[day], day=day)
                publisher.good.add(older.content())
                printed = older.body_rows(older.rows)
            case "shrunk":
                kept = int(len(printed) * self.rng.uniform(0.1, 0.7))  # of each month or year some rows
                printed = [printed[place * len(printed) // kept] for place in range(kept)]
            case "empty":
                printed = []
            case "other-column":
                old = {"fatalities": "type_of_incident", "uniformed_personnel": "personnel_type"}
                name = old.get(publisher.source, "calendar_year")
                printed = [
                    {f"{key}_code" if key == name else key: cell for key, cell in row.items()} for row in printed
                ]
            case "other-unit":
                printed = publisher.body_rows([(*row[:-1], row[-1] * 10) for row in rows])
            case "sorted-column":
                place = 3 if publisher.source == "fatalities" else 2
                column = sorted(row[place] for row in rows)
                mixed = [(*row[:place], cell, *row[place + 1 :]) for row, cell in zip(rows, column, strict=True)]
                printed = publisher.body_rows(mixed)
            case "future-date":
                later = self.today + timedelta(days=self.rng.choice([3, 30, 400, 30_000]))
                printed = [row | {"last_update": publisher.printed_day(later.isoformat())} for row in printed]
        return printed

    def develop(self, source: str, again: bool = True) -> None:
        """The publisher's next state: new rows and a few revisions."""
        publisher, rng = self.publishers[source], self.rng
        publisher.day = self.today
        {"fatalities": self._develop_fatalities, "uniformed_personnel": self._develop_personnel}.get(
            source, self._develop_contributions
        )(publisher)
        if rng.random() < 0.15:
            name = rng.choice(("iso", "gender", "spaced", "dated"))
            publisher.form[name] = not publisher.form[name]
        publisher.good.add(publisher.content())
        publisher.past[self.today] = list(publisher.rows)
        if again:
            self.publish(publisher)

    def _develop_fatalities(self, publisher: Publisher) -> None:
        rng, rows = self.rng, publisher.rows
        days = [self.today - timedelta(days=min(int(rng.expovariate(1 / 20)), 600)) for _ in range(rng.randint(1, 3))]
        self.new_casualties(days)
        pending = [place for place, row in enumerate(rows) if row[5] == PENDING]
        for place in rng.sample(pending, min(len(pending), 2)):
            rows[place] = (*rows[place][:5], rng.choice(INCIDENTS), rows[place][6])
        if rng.random() < 0.2:
            place = rng.randrange(len(rows))
            rows[place] = (*rows[place][:3], rng.choice(sorted(STATES)), *rows[place][4:])
        rows.sort(key=lambda row: (row[1], row[0]))

    def new_casualties(self, days: list[date]) -> None:
        """Add a casualty for each day."""
        for day in days:
            self._casualties += 1
            mission, rng = self.rng.choice(MISSIONS), self.rng
            self.publishers["fatalities"].rows.append(
                (
                    f"{mission}-{day:%Y-%m}-{self._casualties:05}", day.isoformat(), mission, rng.choice(sorted(STATES)),
                    rng.choice(("Military", "Police", "Local")), rng.choice((*INCIDENTS, PENDING)), rng.choice("FM"),
                )
            )  # fmt: skip

    def _first_months(self) -> list[Row]:
        month, rows = _month_end(self.today.replace(day=1) - timedelta(days=1)), []
        kinds = [
            (mission, iso3, kind)
            for mission in MISSIONS[:2]
            for iso3 in ("GHA", "IND", "NPL")
            for kind in ("Troops", "Individual Police")
        ]
        figures = {kind: (self.rng.randint(2, 40), self.rng.randint(100, 900)) for kind in kinds}
        for _ in range(3):
            rows = [(month.isoformat(), *kind, *figures[kind]) for kind in kinds] + rows
            month = month.replace(day=1) - timedelta(days=1)
            figures = {kind: self._near(*figure) for kind, figure in figures.items()}
        return rows

    def _near(self, female: int, male: int) -> tuple[int, int]:
        """Figures of the month after."""
        rng = self.rng
        return max(1, female + rng.randint(-1, 1)), max(50, round(male * rng.uniform(0.98, 1.02)))

    def _develop_personnel(self, publisher: Publisher) -> None:
        """Print the months up to the last complete one; the hub prints a year of months."""
        rows = publisher.rows
        while True:
            newest = date.fromisoformat(rows[-1][0])
            month = _month_end(newest + timedelta(days=1))
            if month > self.today - timedelta(days=1):
                break
            last = [row for row in rows if row[0] == rows[-1][0]]
            rows += [(month.isoformat(), *row[1:4], *self._near(*row[4:])) for row in last]
        if self.rng.random() < 0.4:
            place = self.rng.randrange(len(rows))
            rows[place] = (*rows[place][:4], rows[place][4] + 1, rows[place][5])
        publisher.rows = [row for row in rows if date.fromisoformat(row[0]) > self.today - timedelta(days=31 * MONTHS)]

    def _develop_contributions(self, publisher: Publisher) -> None:
        """Print the years before this one; sometimes only the newest."""
        rows, rng = publisher.rows, self.rng
        while rows[-1][0] < self.today.year - 1:
            last = [row for row in rows if row[0] == rows[-1][0]]
            factor = rng.uniform(0.96, 1.06)
            rows += [(row[0] + 1, row[1], round(row[2] * factor * rng.uniform(0.98, 1.02))) for row in last]
        if rng.random() < 0.4:
            place = rng.randrange(len(rows))
            rows[place] = (*rows[place][:2], rows[place][2] + rng.randint(1, 500))
        if rng.random() < 0.2:
            publisher.rows = [row for row in rows if row[0] >= self.today.year - 3]


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)

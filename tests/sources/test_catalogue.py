"""The catalogue: the shipped declarations, and the messages for faulty ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.steps import registry
from schemas.source import Source
from sources import catalogue
from sources.catalogue import address, find, load_catalogue, source_names
from sources.errors import CatalogueError, SourceError, UnknownSource

SHIPPED = Path(catalogue.__file__).parent
COMPILED = [
    "budget_totals",
    "contributor_strength",
    "dated_facts",
    "income_groups",
    "mission_assessments",
    "mission_budgets",
    "mission_strength",
    "peacekeeping_levels",
    "peacekeeping_rates",
    "regular_budget_payments",
    "state_mission_assessments",
]
HUB, API = "United Nations Peace & Security Data Hub", "https://api.psdata.un.org/public"
CEB, GA = "(CEB)", "United Nations General Assembly, Committee on Contributions"
REVENUE = "https://unsceb.org/sites/default/files/statistic_files/Financial/revenue_government_donors.csv"
CEB_PAGE = "https://unsceb.org/fs-revenue-government-donor"
# Read from the publishers' own pages, not from the YAML: publisher, landing page, address, cadence, metadata, licence.
LIVE = {
    "assessed_contributions": (CEB, CEB_PAGE, REVENUE, "yearly", None, "terms of use"),
    "fatalities": (
        HUB, "https://psdata.un.org/dataset/DPPADPOSS-FATALITIES", f"{API}/data/DPPADPOSS-FATALITIES/json", "daily",
        f"{API}/metadata/DPPADPOSS-FATALITIES", "CC BY 3.0 IGO",
    ),
    "government_revenue": (CEB, CEB_PAGE, REVENUE, "yearly", None, ""),
    "mission_budget_lines": (
        HUB, "https://psdata.un.org/dataset/DPO-PKBUDGET", f"{API}/data/DPO-PKBUDGET/json", "yearly",
        f"{API}/metadata/DPO-PKBUDGET", "CC BY 3.0 IGO",
    ),
    "missions": (
        HUB, "https://psdata.un.org/dataset/DPPADPOSS-PKO", f"{API}/data/DPPADPOSS-PKO/json", "irregular",
        f"{API}/metadata/DPPADPOSS-PKO", "CC BY 3.0 IGO",
    ),
    "publisher_codebook": (HUB, "https://psdata.un.org", f"{API}/metadata/all", "irregular", None, "CC BY 3.0 IGO"),
    "scale_of_assessments": (
        GA, "https://www.un.org/en/ga/contributions/",
        "https://www.un.org/en/ga/contributions/Scale%20of%20Assessments%20for%20RB%201946-2027.xlsx", "irregular",
        None, "",
    ),
    "uniformed_personnel": (
        HUB, "https://peacekeeping.un.org/en/troop-and-police-contributors", f"{API}/data/DPO-UCHISTORICAL/json",
        "monthly", f"{API}/metadata/DPO-UCHISTORICAL", "terms of use",
    ),
}  # fmt: skip
NAMES = sorted([*LIVE, *COMPILED])


@pytest.fixture(autouse=True)
def default_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PEACEKEEPING_PSDATA_URL", "PEACEKEEPING_CEB_URL", "PEACEKEEPING_CONTRIBUTIONS_URL",
                 "PEACEKEEPING_REPORTS_URL"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def shipped() -> dict[str, Source]:
    return load_catalogue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of one declaration and the publishers, to be changed."""
    shutil.copy(SHIPPED / "missions.yaml", tmp_path)
    shutil.copy(SHIPPED / "publishers.yaml", tmp_path)
    return tmp_path


def change(folder: Path, path: tuple[Any, ...], value: Any = None, name: str = "missions") -> str:
    """Set a place of a declaration, or remove it where no value is given; the error of the catalogue."""
    file = folder / f"{name}.yaml"
    content = catalogue.read_yaml(file)
    place = content
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return fault(folder)


def fault(folder: Path) -> str:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(folder)
    return str(caught.value)


# What is shipped


def test_all_sources_load_in_alphabetical_order(shipped: dict[str, Source]) -> None:
    assert list(shipped) == source_names() == NAMES


def test_every_live_source_says_what_its_publisher_says(shipped: dict[str, Source]) -> None:
    for name, (publisher, page, url, cadence, metadata, licence) in LIVE.items():
        source = shipped[name]
        assert source.live and publisher in source.publisher.title, name
        assert (source.landing_page, address(source), source.cadence) == (page, url, cadence)
        assert (address(source, source.live.metadata) if source.live.metadata else None) == metadata
        assert licence in source.licence.name


def test_every_source_declares_its_dialects_defects_and_citation(shipped: dict[str, Source]) -> None:
    authors = ("United Nations", "UN System", "cited row by row", "CEB", "Perry and Smith", "World Bank")
    for name, source in shipped.items():
        dialects, defects = [dialect.name for dialect in source.dialects], [one.id for one in source.known_defects]
        assert len(dialects) == len(set(dialects)) and all(dialect.note for dialect in source.dialects), name
        assert defects and len(set(defects)) == len(defects), name
        citation = source.citation_of("2025-04-04")
        assert "2025-04-04" in citation and "{" not in citation, name
        assert any(author in citation for author in authors), name


def test_every_source_names_a_table_and_a_staging_function(shipped: dict[str, Source]) -> None:
    for source in shipped.values():
        assert callable(registry.stage_of(source)) and registry.table_of(source).full_name == source.table
        assert source.table == f"main.{source.name}" or source.name == "publisher_codebook"


def test_compiled_figures_have_no_address(shipped: dict[str, Source]) -> None:
    assert [name for name in NAMES if not shipped[name].live] == COMPILED
    with pytest.raises(UnknownSource, match=r"budget_totals is published at no address.*peacekeeping load budget_tot"):
        catalogue.find_live(shipped, "budget_totals")


def test_only_what_was_never_recorded_is_optional_and_contacts_are_removed_from_the_codebook(
    shipped: dict[str, Source],
) -> None:
    assert [name for name in NAMES if shipped[name].optional] == ["mission_budget_lines", "publisher_codebook"]
    assert [name for name in NAMES if shipped[name].remove_contacts] == ["publisher_codebook"]


# Faulty declarations


def test_a_copy_of_a_declaration_loads(folder: Path) -> None:
    """The tests below change this copy; unchanged it has no fault."""
    assert list(load_catalogue(folder)) == ["missions"]


REQUIRED = """name title description publisher producer licence citation landing_page cadence table stage coverage envelope
bounds dialects known_defects corrections licence.url live.path coverage.rule envelope.why envelope.rows.min
dialects.0.required known_defects.0.text corrections.0.reason"""


def test_a_missing_field_names_file_and_field(folder: Path) -> None:
    original = (folder / "missions.yaml").read_text()
    for place in REQUIRED.split():
        path = tuple(int(step) if step.isdigit() else step for step in place.split("."))
        assert f"missions.yaml: {place}: Field required." in change(folder, path)
        (folder / "missions.yaml").write_text(original)


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("title", 1948, "a valid string, got 1948"),
        ("title", "Short", "at least 10 characters, got 'Short'"),
        ("licence", "CC BY 3.0 IGO", "a valid dictionary"),
        ("licence.url", "creativecommons.org", "'^https://'"),
        ("citation", "No vintage in it.", "vintage"),
        ("landing_page", "http://psdata.un.org", "'^https://'"),
        ("cadence", "hourly", "'daily', 'weekly', 'monthly', 'yearly' or 'irregular', got 'hourly'"),
        ("cadence", "daily", "missions.yaml: freshness: required unless cadence is irregular"),
        ("live.path", "data/DPPADPOSS-PKO/json", "'^/'"),
        ("optional", "perhaps", "a valid boolean, got 'perhaps'"),
        ("publisher", "nobody", r"publishers.yaml (psdata, ceb, contributions, reports, compiled, worldbank), got 'nobody'"),
        ("name", "operations", "expected the file's name 'missions', got 'operations'"),
        ("stage", "os.system", "'^transforms"),
        ("coverage.rule", "guess", "'union', 'replace_periods' or 'newest', got 'guess'"),
        ("envelope.rows.min", "many", "a valid integer, got 'many'"),
        ("envelope.rejected_share.max", 5, "less than or equal to 1, got 5"),
        ("envelope.against_neighbours.revised", {"name": {"measured": "a" * 10, "noted": "2026-11-27"}}, "any, settled"),
        ("bounds", {"start_date": {"least": 3}}, "'^(min|max)$'"),
        ("dialects", {}, "a valid list, got {}"),
        ("dialects", [], "at least 1 item"),
        ("dialects.1.format", "ods", "'csv', 'json', 'xlsx' or 'pdf', got 'ods'"),
        ("known_defects.0.noted", "yesterday", "got 'yesterday'"),
        ("corrections.0.set", {}, "at least 1 item"),
        ("colour", "blue", "Extra inputs are not permitted"),
        ("licence.colour", "blue", "Extra inputs"),
        ("live.colour", "blue", "Extra inputs"),
        ("dialects.0.colour", "blue", "Unexpected keyword argument"),
        ("corrections.0.colour", "blue", "Extra inputs"),
    ],
)  # fmt: skip
def test_a_wrong_value_names_file_place_expectation_and_value(
    folder: Path, place: str, value: object, expected: str
) -> None:
    message = change(folder, tuple(int(step) if step.isdigit() else step for step in place.split(".")), value)
    assert "missions.yaml: " in message and expected in message
    assert f"missions.yaml: {place}" in message or "freshness" in message


def test_all_faults_of_a_file_are_reported_at_once(folder: Path) -> None:
    change(folder, ("cadence",), "hourly")
    message = change(folder, ("title",), 7)
    assert "missions.yaml: cadence: " in message and "missions.yaml: title: " in message


def test_a_source_has_an_address_exactly_where_its_publisher_has_one(folder: Path) -> None:
    assert "missions.yaml: live: required exactly where the publisher has a base_url" in change(folder, ("live",))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"- a\n- list\n",
        b"just a text\n",
        b"title: [unclosed\n",
        b"a: b: c\n",
        b"\ttitle: x\n",
        b'title: "open\n',
        b"title: pass\xe9\n",
        b'title: !!python/object/apply:os.mkdir ["made"]\n',
    ],
)
@pytest.mark.parametrize("file", ["missions.yaml", "publishers.yaml"])
def test_a_file_that_is_no_mapping_or_no_safe_yaml_is_named(folder: Path, file: str, content: bytes) -> None:
    (folder / file).write_bytes(content)
    assert file in fault(folder)
    assert not Path("made").exists()


def test_a_faulty_publisher_names_file_publisher_and_field(folder: Path) -> None:
    original = (folder / "publishers.yaml").read_text()
    faults: list[tuple[str, Any, str]] = [
        ("title", None, "ceb.title: Field required"),
        ("landing_page", None, "ceb.landing_page: Field required"),
        ("base_url", None, "ceb: expected base_url and environment, or neither"),
        ("environment", None, "ceb: expected base_url and environment, or neither"),
        ("base_url", 80, "ceb.base_url: Input should be a valid string, got 80"),
    ]
    for field, value, expected in faults:
        assert f"publishers.yaml: {expected}" in change(folder, ("ceb", field), value, "publishers")
        (folder / "publishers.yaml").write_text(original)


@pytest.mark.parametrize(
    ("field", "value", "resolve"),
    [
        ("stage", "transforms.personnel.stages", registry.stage_of),
        ("stage", "transforms.nowhere.stage", registry.stage_of),
        ("table", "main.nothing", registry.table_of),
    ],
)
def test_an_unknown_staging_function_or_table_names_the_file_and_an_example(
    shipped: dict[str, Source], field: str, value: str, resolve: Callable[[Source], Any]
) -> None:
    with pytest.raises(CatalogueError, match=rf"missions\.yaml: {field}: expected .* such as .*, got '{value}'"):
        resolve(shipped["missions"].model_copy(update={field: value}))


# Names and addresses


def test_a_source_is_found_by_its_name_and_an_unknown_name_lists_the_known_ones(shipped: dict[str, Source]) -> None:
    assert find(shipped, "missions").title == "UN peacekeeping operations, past and present"
    with pytest.raises(UnknownSource, match="'casualties'") as caught:
        find(shipped, "casualties")
    assert all(name in str(caught.value) for name in NAMES)


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080/mirror", "http://127.0.0.1:8080/mirror/"])
def test_the_environment_replaces_the_address_of_one_publisher(
    shipped: dict[str, Source], monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", base)
    monkeypatch.setenv("PEACEKEEPING_CEB_URL", "  ")  # blank: the default
    assert address(shipped["fatalities"]) == "http://127.0.0.1:8080/mirror/data/DPPADPOSS-FATALITIES/json"
    assert address(shipped["fatalities"], "/metadata/X") == "http://127.0.0.1:8080/mirror/metadata/X"
    assert address(shipped["assessed_contributions"]) == REVENUE


@pytest.mark.parametrize(
    "nonsense",
    [
        "psdata.un.org",
        "ftp://psdata.un.org",
        "file:///etc/hostname",
        "http:/one-slash.example",
        "https:///no-host",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
        "http://two words.example",
    ],
)
def test_a_base_url_that_is_no_address_is_refused(
    shipped: dict[str, Source], monkeypatch: pytest.MonkeyPatch, nonsense: str
) -> None:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", nonsense)
    with pytest.raises(CatalogueError, match=r"PEACEKEEPING_PSDATA_URL .*https://api\.psdata\.un\.org/publ") as caught:
        address(shipped["fatalities"])
    assert nonsense in str(caught.value)


def test_every_error_of_the_package_is_a_source_error() -> None:
    """The command line shows a SourceError's text and no traceback."""
    assert issubclass(CatalogueError, SourceError) and issubclass(UnknownSource, SourceError)

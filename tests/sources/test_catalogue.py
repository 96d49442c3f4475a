"""The catalogue: what each source promises stands in its YAML, and a faulty declaration is told by file and field."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sources import catalogue
from sources.catalogue import Source, find, load_catalogue, source_names
from sources.errors import CatalogueError, SourceError, UnknownSource

SHIPPED = Path(catalogue.__file__).parent
LOADER, DUMPER = getattr(yaml, "CSafeLoader", yaml.SafeLoader), getattr(yaml, "CSafeDumper", yaml.SafeDumper)
LIVE = [
    "assessed_contributions",
    "fatalities",
    "government_revenue",
    "mission_budget_lines",
    "missions",
    "publisher_codebook",
    "scale_of_assessments",
    "uniformed_personnel",
]
COMPILED = [
    "budget_totals",
    "dated_facts",
    "mission_assessments",
    "mission_budgets",
    "mission_strength",
    "peacekeeping_levels",
    "peacekeeping_rates",
    "regular_budget_payments",
    "state_mission_assessments",
]
NAMES = sorted(LIVE + COMPILED)

# Read off the publishers' own pages, not off the YAML.
EXPECTED = {
    "assessed_contributions": {
        "publisher": "United Nations System Chief Executives Board for Coordination (CEB)",
        "landing_page": "https://unsceb.org/fs-revenue-government-donor",
        "url": "https://unsceb.org/sites/default/files/statistic_files/Financial/revenue_government_donors.csv",
        "cadence": "yearly",
        "metadata": None,
    },
    "fatalities": {
        "publisher": "United Nations Peace & Security Data Hub",
        "landing_page": "https://psdata.un.org/dataset/DPPADPOSS-FATALITIES",
        "url": "https://api.psdata.un.org/public/data/DPPADPOSS-FATALITIES/json",
        "cadence": "daily",
        "metadata": "https://api.psdata.un.org/public/metadata/DPPADPOSS-FATALITIES",
    },
    "government_revenue": {
        "publisher": "United Nations System Chief Executives Board for Coordination (CEB)",
        "landing_page": "https://unsceb.org/fs-revenue-government-donor",
        "url": "https://unsceb.org/sites/default/files/statistic_files/Financial/revenue_government_donors.csv",
        "cadence": "yearly",
        "metadata": None,
    },
    "mission_budget_lines": {
        "publisher": "United Nations Peace & Security Data Hub",
        "landing_page": "https://psdata.un.org/dataset/DPO-PKBUDGET",
        "url": "https://api.psdata.un.org/public/data/DPO-PKBUDGET/json",
        "cadence": "yearly",
        "metadata": "https://api.psdata.un.org/public/metadata/DPO-PKBUDGET",
    },
    "missions": {
        "publisher": "United Nations Peace & Security Data Hub",
        "landing_page": "https://psdata.un.org/dataset/DPPADPOSS-PKO",
        "url": "https://api.psdata.un.org/public/data/DPPADPOSS-PKO/json",
        "cadence": "irregular",
        "metadata": "https://api.psdata.un.org/public/metadata/DPPADPOSS-PKO",
    },
    "publisher_codebook": {
        "publisher": "United Nations Peace & Security Data Hub",
        "landing_page": "https://psdata.un.org",
        "url": "https://api.psdata.un.org/public/metadata/all",
        "cadence": "irregular",
        "metadata": None,
    },
    "scale_of_assessments": {
        "publisher": "United Nations General Assembly, Committee on Contributions",
        "landing_page": "https://www.un.org/en/ga/contributions/",
        "url": "https://www.un.org/en/ga/contributions/Scale%20of%20Assessments%20for%20RB%201946-2027.xlsx",
        "cadence": "irregular",
        "metadata": None,
    },
    "uniformed_personnel": {
        "publisher": "United Nations Peace & Security Data Hub",
        "landing_page": "https://peacekeeping.un.org/en/troop-and-police-contributors",
        "url": "https://api.psdata.un.org/public/data/DPO-UCHISTORICAL/json",
        "cadence": "monthly",
        "metadata": "https://api.psdata.un.org/public/metadata/DPO-UCHISTORICAL",
    },
}

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def default_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PEACEKEEPING_PSDATA_URL", "PEACEKEEPING_CEB_URL", "PEACEKEEPING_CONTRIBUTIONS_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def shipped() -> dict[str, Source]:
    return load_catalogue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of one declaration and the publishers, to be spoilt."""
    shutil.copy(SHIPPED / "missions.yaml", tmp_path)
    shutil.copy(SHIPPED / "publishers.yaml", tmp_path)
    return tmp_path


def spoil(folder: Path, name: str, change: Change) -> None:
    path = folder / f"{name}.yaml"
    declaration = yaml.load(path.read_text(encoding="utf-8"), LOADER)
    change(declaration)
    path.write_text(yaml.dump(declaration, Dumper=DUMPER, allow_unicode=True), encoding="utf-8")


def put(*path: Any, value: Any) -> Change:
    def change(declaration: Any) -> None:
        for step in path[:-1]:
            declaration = declaration[step]
        declaration[path[-1]] = value

    return change


def drop(*path: Any) -> Change:
    def change(declaration: Any) -> None:
        for step in path[:-1]:
            declaration = declaration[step]
        del declaration[path[-1]]

    return change


def told(folder: Path) -> str:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(folder)
    return str(caught.value)


# What is shipped


def test_all_sources_load_in_alphabetical_order() -> None:
    assert list(load_catalogue()) == NAMES
    assert source_names() == NAMES


@pytest.mark.parametrize("name", LIVE)
def test_every_source_says_what_it_is_and_where_it_comes_from(shipped: dict[str, Source], name: str) -> None:
    source = shipped[name]
    expected = EXPECTED[name]
    assert source.name == name
    assert len(source.title) > 20
    assert source.publisher.title == expected["publisher"]
    assert source.publisher.landing_page.startswith("https://")
    assert source.declaration["licence"]["name"]
    assert source.declaration["licence"]["url"].startswith("https://")
    assert source.declaration["landing_page"] == expected["landing_page"]
    assert source.url() == expected["url"]
    assert source.cadence == expected["cadence"]
    assert (source.url(source.metadata_path) if source.metadata_path else None) == expected["metadata"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fatalities", "CC BY 3.0 IGO"),
        ("mission_budget_lines", "CC BY 3.0 IGO"),
        ("missions", "CC BY 3.0 IGO"),
        ("publisher_codebook", "CC BY 3.0 IGO"),
        ("uniformed_personnel", "terms of use"),
        ("assessed_contributions", "terms of use"),
    ],
)
def test_the_licence_is_the_one_the_publisher_states(shipped: dict[str, Source], name: str, words: str) -> None:
    assert words in shipped[name].declaration["licence"]["name"]


@pytest.mark.parametrize("name", NAMES)
def test_every_source_declares_its_dialects_and_known_defects(shipped: dict[str, Source], name: str) -> None:
    source = shipped[name]
    names = [dialect["name"] for dialect in source.dialects]
    assert names and len(names) == len(set(names))
    assert {dialect["format"] for dialect in source.dialects} <= {"csv", "json", "xlsx"}
    assert all(dialect["required"] for dialect in source.dialects)
    defects = source.declaration["known_defects"]
    assert defects and len({defect["id"] for defect in defects}) == len(defects)
    assert all(len(defect["text"]) > 20 for defect in defects)


@pytest.mark.parametrize("name", NAMES)
def test_the_citation_carries_the_vintage(shipped: dict[str, Source], name: str) -> None:
    citation = shipped[name].citation("2025-04-04")
    assert "2025-04-04" in citation
    assert "{" not in citation and "}" not in citation
    assert any(who in citation for who in ("United Nations", "UN System", "cited row by row", "CEB", "Perry and Smith"))


def test_compiled_figures_are_published_at_no_address(shipped: dict[str, Source]) -> None:
    assert [name for name in NAMES if not shipped[name].live] == COMPILED
    assert {shipped[name].publisher.name for name in COMPILED} == {"compiled"}
    with pytest.raises(
        UnknownSource, match=r"budget_totals is published at no address.*peacekeeping load budget_total"
    ):
        catalogue.find_live(shipped, "budget_totals")


def test_a_source_is_asked_for_exactly_where_its_publisher_has_an_address(folder: Path) -> None:
    spoil(folder, "missions", drop("live"))
    assert "missions.yaml: live: " in told(folder) and "'psdata' has one" in told(folder)


def test_only_what_was_never_recorded_is_optional_and_the_codebook_is_stored_without_its_people(
    shipped: dict[str, Source],
) -> None:
    assert [name for name in NAMES if shipped[name].optional] == ["mission_budget_lines", "publisher_codebook"]
    assert {name: shipped[name].redact for name in NAMES if shipped[name].redact} == {"publisher_codebook": "codebook"}


# Faulty declarations


def test_a_copy_of_a_declaration_loads(folder: Path) -> None:
    """Else the tests below would fail for their set-up, not for what they spoil."""
    spoil(folder, "missions", lambda _: None)
    spoil(folder, "publishers", lambda _: None)
    assert list(load_catalogue(folder)) == ["missions"]


@pytest.mark.parametrize(
    "path",
    [
        ("name",),
        ("title",),
        ("description",),
        ("publisher",),
        ("producer",),
        ("licence",),
        ("citation",),
        ("landing_page",),
        ("cadence",),
        ("coverage",),
        ("envelope",),
        ("bounds",),
        ("dialects",),
        ("known_defects",),
        ("corrections",),
        ("licence", "url"),
        ("live", "path"),
        ("coverage", "rule"),
        ("envelope", "why"),
        ("envelope", "rows", "min"),
        ("dialects", 0, "required"),
        ("known_defects", 0, "text"),
        ("corrections", 0, "reason"),
    ],
    ids=lambda path: ".".join(map(str, path)),
)
def test_missing_field_names_file_and_field(folder: Path, path: tuple[str | int, ...]) -> None:
    spoil(folder, "missions", drop(*path))
    message = told(folder)
    assert "missions.yaml" in message
    assert repr(path[-1]) in message
    assert ".".join(map(str, path[:-1])) in message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("title",), 1948),
        (("title",), "Short"),
        (("licence",), "CC BY 3.0 IGO"),
        (("licence", "url"), "creativecommons.org"),
        (("citation",), "No vintage in it."),
        (("landing_page",), "http://psdata.un.org"),
        (("cadence",), "hourly"),
        (("live", "path"), "data/DPPADPOSS-PKO/json"),
        (("optional",), "perhaps"),
        (("live", "redact"), "everything"),
        (("coverage", "rule"), "guess"),
        (("envelope", "rows", "min"), "many"),
        (("envelope", "rejected_share", "max"), 5),
        (("dialects",), {}),
        (("dialects",), []),
        (("dialects", 1, "format"), "ods"),
        (("known_defects", 0, "noted"), "yesterday"),
        (("corrections", 0, "set"), {}),
    ],
    ids=lambda part: ".".join(map(str, part)) if isinstance(part, tuple) else repr(part),
)
def test_wrong_value_names_file_and_field(folder: Path, path: tuple[str | int, ...], value: object) -> None:
    spoil(folder, "missions", put(*path, value=value))
    assert f"missions.yaml: {'.'.join(map(str, path))}: " in told(folder)


@pytest.mark.parametrize(
    "path",
    [("colour",), ("licence", "colour"), ("live", "colour"), ("dialects", 0, "colour"), ("corrections", 0, "colour")],
    ids=lambda path: ".".join(map(str, path)),
)
def test_unknown_field_names_file_and_field(folder: Path, path: tuple[str | int, ...]) -> None:
    spoil(folder, "missions", put(*path, value="blue"))
    message = told(folder)
    assert "missions.yaml" in message and "'colour'" in message
    assert ".".join(map(str, path[:-1])) in message


def test_all_faults_of_a_file_are_told_at_once(folder: Path) -> None:
    spoil(folder, "missions", put("cadence", value="hourly"))
    spoil(folder, "missions", put("title", value=7))
    message = told(folder)
    assert "missions.yaml: cadence: " in message and "missions.yaml: title: " in message


@pytest.mark.parametrize("text", ["", "- a\n- list\n", "just a text\n"])
def test_a_declaration_that_is_no_mapping_names_the_file(folder: Path, text: str) -> None:
    (folder / "missions.yaml").write_text(text)
    assert "missions.yaml" in told(folder)


@pytest.mark.parametrize("text", ["title: [unclosed\n", "a: b: c\n", "\ttitle: x\n", 'title: "open\n'])
def test_broken_yaml_names_the_file(folder: Path, text: str) -> None:
    (folder / "missions.yaml").write_text(text)
    assert "missions.yaml" in told(folder)


def test_a_declaration_in_another_encoding_names_the_file(folder: Path) -> None:
    path = folder / "missions.yaml"
    path.write_bytes(path.read_text(encoding="utf-8").replace("past and present", "passé").encode("latin-1"))
    assert "missions.yaml" in told(folder)


def test_yaml_can_not_run_code(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (folder / "missions.yaml").write_text(f'title: !!python/object/apply:os.mkdir ["{mark}"]\n')
    assert "missions.yaml" in told(folder)
    assert not mark.exists()


def test_a_name_other_than_the_files_is_refused(folder: Path) -> None:
    spoil(folder, "missions", put("name", value="operations"))
    message = told(folder)
    assert "missions.yaml: name: " in message and "'operations'" in message


def test_unknown_publisher_is_refused_and_the_known_are_listed(folder: Path) -> None:
    spoil(folder, "missions", put("publisher", value="nobody"))
    message = told(folder)
    assert "missions.yaml: publisher: " in message and "'nobody'" in message
    assert "psdata" in message and "ceb" in message


@pytest.mark.parametrize("field", ["title", "landing_page", "base_url", "environment"])
def test_a_publisher_without_a_field_names_file_publisher_and_field(folder: Path, field: str) -> None:
    spoil(folder, "publishers", drop("ceb", field))
    message = told(folder)
    assert "publishers.yaml" in message and f"ceb.{field}" in message


def test_a_publisher_with_a_wrong_type_names_file_publisher_and_field(folder: Path) -> None:
    spoil(folder, "publishers", put("psdata", "base_url", value=80))
    message = told(folder)
    assert "publishers.yaml" in message and "psdata.base_url" in message


@pytest.mark.parametrize("content", [b"", b"- psdata\n- ceb\n", b"psdata: [open\n", b"ceb: {title: \xe9}\n"])
def test_a_broken_list_of_publishers_names_the_file(folder: Path, content: bytes) -> None:
    (folder / "publishers.yaml").write_bytes(content)
    assert "publishers.yaml" in told(folder)


# Names and addresses


def test_unknown_source_lists_the_known_ones(shipped: dict[str, Source]) -> None:
    with pytest.raises(UnknownSource) as caught:
        find(shipped, "casualties")
    assert "'casualties'" in str(caught.value)
    assert all(name in str(caught.value) for name in NAMES)


def test_a_source_is_found_by_its_name(shipped: dict[str, Source]) -> None:
    assert find(shipped, "missions").title == "UN peacekeeping operations, past and present"


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080/mirror", "http://127.0.0.1:8080/mirror/"])
def test_the_environment_moves_a_publisher_and_no_other(monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", base)
    loaded = load_catalogue()
    fatalities = loaded["fatalities"]
    assert fatalities.url() == "http://127.0.0.1:8080/mirror/data/DPPADPOSS-FATALITIES/json"
    assert fatalities.url(fatalities.metadata_path) == "http://127.0.0.1:8080/mirror/metadata/DPPADPOSS-FATALITIES"
    assert loaded["assessed_contributions"].url() == EXPECTED["assessed_contributions"]["url"]


def test_the_environment_is_read_when_the_address_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    source = load_catalogue()["assessed_contributions"]
    monkeypatch.setenv("PEACEKEEPING_CEB_URL", "https://mirror.example")
    assert source.url() == "https://mirror.example/revenue_government_donors.csv"


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_variable_leaves_the_default(
    shipped: dict[str, Source], monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    monkeypatch.setenv("PEACEKEEPING_CEB_URL", blank)
    assert shipped["assessed_contributions"].url() == EXPECTED["assessed_contributions"]["url"]


@pytest.mark.parametrize(
    "nonsense",
    [
        "psdata.un.org",
        "ftp://psdata.un.org",
        "file:///etc/hostname",
        "yes",
        "http:/one-slash.example",
        "http://",
        "https:///no-host",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
        "http://two words.example",
    ],
)
def test_nonsense_for_a_base_url_is_refused(
    shipped: dict[str, Source], monkeypatch: pytest.MonkeyPatch, nonsense: str
) -> None:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", nonsense)
    source = shipped["fatalities"]
    with pytest.raises(CatalogueError) as caught:
        source.url()
    assert "PEACEKEEPING_PSDATA_URL" in str(caught.value) and nonsense in str(caught.value)
    assert "https://api.psdata.un.org/public" in str(caught.value)  # what unsetting it would give


def test_every_fault_of_the_room_is_one_kind_of_error() -> None:
    """The command line shows a SourceError's text and no traceback."""
    assert issubclass(CatalogueError, SourceError) and issubclass(UnknownSource, SourceError)

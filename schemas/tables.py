"""The warehouse's tables, declared once: types, units, nullability, keys, references, descriptions, hazards."""

from __future__ import annotations

from schemas.claims import CLAIM_FIGURES, CLAIMS
from schemas.columns import ORIGIN, SHA256, Table, category, day, flag, money, number, text, whole
from schemas.money import MONEY, YEAR
from schemas.reconciliations import CONTROL_TOTALS, RECONCILIATION_REASONS, RECONCILIATIONS

INCIDENT_TYPES = ("Malicious Act", "Illness", "Accident", "Self-Inflicted", "To Be Determined", "Unknown")
CASUALTY_PERSONNEL_TYPES = ("Military", "Police", "Military Observer", "International Civilian", "Local", "Other")
UNIFORMED_PERSONNEL_TYPES = (
    "Troops",
    "Staff Officer",
    "Experts on Mission",
    "Individual Police",
    "Formed Police Units",
)
MISSION_KINDS = ("peacekeeping", "special_political", "support", "other", "unspecified", "unresolved")
FATALITY_FIELDS = (
    "incident_date",
    "mission",
    "nationality_iso3",
    "nationality_iso3_other",
    "personnel_type",
    "incident_type",
    "gender",
)
PUBLISHER_FIELDS = (
    "title",
    "description",
    "update_frequency",
    "start_range",
    "end_range",
    "limitations",
    "definition",
    "format",
    "attributes",
)
DATE_PRECISIONS = ("day", "first_of_month", "month", "year")
UNSPECIFIED_MISSION = "UNSPECIFIED"
ISO3 = r"^[A-Z]{3}$"

COUNTRIES = Table(
    "main",
    "countries",
    "States and territories",
    "One row an ISO 3166 alpha-3 code: those in force, the dissolved states kept as what they were, and the "
    "user-assigned XKX.",
    ("iso3",),
    True,
    {
        "iso3": text("ISO 3166-1 alpha-3 code; for dissolved states the code of their time.", pattern=ISO3),
        "name": text("Short English name."),
        "m49": text("UN M49 code, three digits.", nullable=True, pattern=r"^[0-9]{3}$"),
        "kind": category(
            "current: an ISO 3166 entry in force; dissolved: withdrawn; user_assigned: not in ISO 3166.",
            ("current", "dissolved", "user_assigned"),
        ),
        "existed_from": day("First day, for dissolved states.", nullable=True),
        "existed_until": day("Last day, for dissolved states.", nullable=True),
        "successors_iso3": text("Codes of the successor states, separated by semicolons.", nullable=True),
        "source": text("Where the row comes from."),
    },
)

MISSIONS = Table(
    "main",
    "missions",
    "Missions",
    "One row a mission: the publisher's list of peacekeeping operations, and this project's register for the "
    "special political missions and offices that no list has.",
    ("mission",),
    True,
    {
        "mission": text("The mission's acronym, the form all tables use; UNSPECIFIED where a report prints none."),
        "name": text("Full name.", nullable=True),
        "kind": category(
            "peacekeeping, special political, support office, other; unspecified: the report prints no "
            "mission; unresolved: an acronym that neither the list nor the register knows.",
            MISSION_KINDS,
        ),
        "lead_department": text("DPO or DPPA, as the publisher's list has it.", nullable=True),
        "is_active": flag(
            "Whether the publisher's list calls it active, corrected; NULL where not listed.", nullable=True
        ),
        "start_date": day("First day; see start_date_precision.", nullable=True),
        "start_date_precision": category(
            "How exact start_date is; first_of_month: the list prints the 1st, which it "
            "also does where it knows only the month.",
            DATE_PRECISIONS,
            nullable=True,
        ),
        "end_date": day("Last day; see end_date_precision. NULL while it runs or where unknown.", nullable=True),
        "end_date_precision": category("How exact end_date is.", DATE_PRECISIONS, nullable=True),
        "headquarters": text("Place of the headquarters.", nullable=True),
        "longitude": number(
            "Longitude of the headquarters, east positive.", unit="degree", nullable=True, minimum=-180, maximum=180
        ),
        "latitude": number(
            "Latitude of the headquarters, north positive.", unit="degree", nullable=True, minimum=-90, maximum=90
        ),
        "host_iso3": text("ISO3 of the host states or territories, separated by semicolons.", nullable=True),
        "part_of": text("The umbrella mission of which this one is a part (UNOSOM of UNOSOM I).", nullable=True),
        "predecessor": text("The mission it took over from.", nullable=True),
        "successor": text("The mission that took over.", nullable=True),
        "in_published_list": flag("Whether the publisher's list has it."),
        "source": text("Where the row's facts come from."),
        "note": text("What a reader must know.", nullable=True),
        "snapshot_sha256": text(
            "The snapshot this row comes from: of the list, else of the register; NULL for an unresolved acronym.",
            nullable=True,
            pattern=SHA256,
        ),
        "snapshot_row": whole("The row's number in that snapshot.", unit="row", nullable=True, minimum=1),
    },
    hazards=("Umbrella missions (UNOSOM, UNAVEM, UNEF) stand beside their parts: never add both.",),
)

MISSION_ALIASES = Table(
    "main",
    "mission_aliases",
    "Mission aliases",
    "Other printed forms of a mission's acronym, and which mission is meant.",
    ("alias",),
    True,
    {
        "alias": text("The printed form."),
        "mission": text("The mission meant.", references="missions.mission"),
        "note": text("Why they are the same.", nullable=True),
    },
)

_CASUALTY = {
    "casualty_id": text(
        "The publisher's registration id, the only key. Its month and prefix are the "
        "registration's, not the incident's."
    ),
    "incident_date": day("Day of the incident."),
    "mission": text("Mission of the casualty.", references="missions.mission"),
    "nationality_iso3": text(
        "State of the casualty, as it was at the time; NULL where undetermined.",
        nullable=True,
        references="countries.iso3",
    ),
    "nationality_iso3_other": text(
        "The second state under which the same casualty is published (MNE beside SCG).",
        nullable=True,
        references="countries.iso3",
    ),
    "nationality_as_published": text("The nationality as printed; NULL where blank.", nullable=True),
    "nationality_status": category(
        "known; from_code: the name is blank or in no code list, and the printed code stands in for it; undetermined: "
        "the publisher says so or leaves both blank; unresolved: a printed name that no code list knows, and no code.",
        ("known", "from_code", "undetermined", "unresolved"),
    ),
    "personnel_type": category(
        "The publisher's six types; is_uniformed says which are uniformed.", CASUALTY_PERSONNEL_TYPES
    ),
    "is_uniformed": flag(
        "Whether personnel_type is Military, Police or Military Observer.",
        generated="personnel_type IN ('Military', 'Police', 'Military Observer')",
    ),
    "incident_type": category(
        "The publisher's six types. To Be Determined is a state that will change, not a cause.", INCIDENT_TYPES
    ),
    "gender": category("F or M; NULL where not published.", ("F", "M"), nullable=True),
}

FATALITIES = Table(
    "main",
    "fatalities",
    "Fatalities in peacekeeping operations and special political missions since 1948",
    "One row a casualty (a person), in the newest published state. Deaths only: the wounded are not recorded.",
    ("casualty_id",),
    True,
    {
        **_CASUALTY,
        "first_seen": day("Vintage of the first snapshot that has this casualty."),
        "last_seen": day("Vintage of the newest snapshot that has this casualty."),
        **ORIGIN,
    },
    hazards=(
        "All staff, not only uniformed personnel, and special political missions too: name the definition.",
        "Give totals by incident type together with the number To Be Determined.",
        "Before 2000 the list may not be complete.",
    ),
)

FATALITY_STATES = Table(
    "main",
    "fatality_states",
    "Every published state of every casualty",
    "One row a casualty and state: what the publisher showed from one vintage until another. "
    "marts.fatalities_as_of(date) answers from it; main.fatalities has the states that stand.",
    ("casualty_id", "seen_from"),
    False,
    {
        **_CASUALTY,
        "unpublished": text(
            "Columns that no snapshot had published by then, separated by spaces: their NULL means unknown, not blank."
        ),
        "seen_from": day("Vintage of the first snapshot that shows this state."),
        "seen_to": day("Vintage of the newest snapshot that shows this state."),
        "superseded_on": day(
            "Vintage of the snapshot that shows another state; NULL for the one that stands.", nullable=True
        ),
        "first_seen": day("Vintage of the first snapshot that has this casualty."),
        **ORIGIN,
    },
    rules=(
        ("seen_from <= seen_to", "a state is seen until it was seen or later"),
        ("superseded_on IS NULL OR seen_to < superseded_on", "a state ends after it was last seen"),
        ("first_seen <= seen_from", "a casualty is first seen with its first state"),
    ),
    hazards=("Several rows a casualty: count fatalities, or one day's states, never these rows.",),
)

FATALITY_REVISIONS = Table(
    "main",
    "fatality_revisions",
    "Revisions of the fatalities",
    "One row a published value that changed between two vintages. Renamed missions and states are aliases and a column "
    "that an older vintage lacks was unknown: neither is a revision. New casualties are told by first_seen.",
    ("casualty_id", "field", "to_vintage"),
    False,
    {
        "casualty_id": text("The casualty."),
        "field": category("The column of main.fatalities that changed.", FATALITY_FIELDS),
        "old_value": text("The value before; NULL where it was blank or undetermined.", nullable=True),
        "new_value": text("The value after; NULL where it became blank or undetermined.", nullable=True),
        "from_vintage": day("Newest vintage that shows the old value."),
        "to_vintage": day("First vintage that shows the new value."),
    },
    rules=(("from_vintage < to_vintage", "time runs forward"),),
    hazards=("What lies between the two vintages is not known: the change may have come any day between them.",),
)

UNIFORMED_PERSONNEL = Table(
    "main",
    "uniformed_personnel",
    "Uniformed personnel by month, mission, contributor and personnel type",
    "One row a month-end, mission, contributing state and personnel type: numbers deployed on that day. Zeros are "
    "published zeros. The monthly report comes first; the data hub fills the months without one.",
    ("month_end", "mission", "contributor_iso3", "personnel_type"),
    False,
    {
        "month_end": day("Last day of the reported month."),
        "mission": text(
            "Mission; UNSPECIFIED in the months whose report prints none (2018-03 to 2019-08, 2023-09).",
            references="missions.mission",
        ),
        "contributor_iso3": text("Contributing state.", references="countries.iso3"),
        "personnel_type": category(
            "Personnel type, one vocabulary over all report layouts.", UNIFORMED_PERSONNEL_TYPES
        ),
        "female": whole("Women; NULL where the report prints no sex.", unit="person", nullable=True),
        "male": whole("Men; NULL where the report prints no sex.", unit="person", nullable=True),
        "total": whole("All.", unit="person"),
        "includes_staff_officers": flag(
            "True for Troops until 2017-04, when staff officers were counted among them: a break in the series."
        ),
        "series": category("Which publication the row comes from.", ("monthly_report", "data_hub")),
        **ORIGIN,
    },
    rules=(("female IS NULL OR male IS NULL OR female + male = total", "women and men add up to the total"),),
    hazards=(
        "A stock on a day, not a flow: never add months; average them or take one.",
        "Special political missions are in it.",
        "No mission's strength can be read from the months under UNSPECIFIED.",
    ),
    split_by_year_of="month_end",
)

_BETWEEN_VINTAGES = {
    "from_vintage": day("Newest vintage that speaks for the period and shows the old value, or no such row."),
    "to_vintage": day("First vintage that shows the new value, or the row no more."),
}

UNIFORMED_PERSONNEL_REVISIONS = Table(
    "main",
    "uniformed_personnel_revisions",
    "Revisions of the uniformed personnel",
    "One row a figure that changed between two vintages of one series that both cover its month. The monthly reports "
    "and the data hub don't revise each other.",
    ("month_end", "mission", "contributor_iso3", "personnel_type", "series", "field", "to_vintage"),
    False,
    {
        "month_end": day("Last day of the reported month."),
        "mission": text("Mission.", references="missions.mission"),
        "contributor_iso3": text("Contributing state.", references="countries.iso3"),
        "personnel_type": category("Personnel type.", UNIFORMED_PERSONNEL_TYPES),
        "series": category("Which publication revised itself.", ("monthly_report", "data_hub")),
        "field": category("The figure that changed.", ("female", "male", "total")),
        "old_value": whole("The figure before; NULL where there was none.", unit="person", nullable=True),
        "new_value": whole("The figure after; NULL where there is none any more.", unit="person", nullable=True),
        **_BETWEEN_VINTAGES,
    },
)

ASSESSED_CONTRIBUTIONS = Table(
    "main",
    "assessed_contributions",
    "Assessed contributions to UN peacekeeping by peacekeeping year and member state",
    "One row a peacekeeping year (1 July to 30 June) and member state: revenue assessed for UN-DPO, from CEB, whose "
    "calendar year Y is the peacekeeping year that ended on 30 June Y.",
    ("peacekeeping_year", "contributor_iso3"),
    True,
    {
        **YEAR,
        "contributor_iso3": text("Member state assessed.", references="countries.iso3"),
        "amount_usd": money("Amount assessed, not cash paid."),
        "contributor_as_published": text("The state's name as printed."),
        **ORIGIN,
    },
    hazards=(
        "Assessed, not paid: arrears can't be read from it.",
        "Before credits to member states: the sum of 2023-24 is the missions' appropriations with prorated shares, to "
        "the dollar. mission_assessments are after credits.",
        "Some states are missing in 2012-13 to 2016-17.",
    ),
)

ASSESSED_CONTRIBUTION_REVISIONS = Table(
    "main",
    "assessed_contribution_revisions",
    "Revisions of the assessed contributions",
    "One row an amount that changed between two vintages that both cover its peacekeeping year.",
    ("peacekeeping_year", "contributor_iso3", "field", "to_vintage"),
    False,
    {
        "peacekeeping_year": YEAR["peacekeeping_year"],
        "contributor_iso3": text("Member state assessed.", references="countries.iso3"),
        "field": category("The column that changed.", ("amount_usd",)),
        "old_value": money("The amount before; NULL where there was none.", nullable=True),
        "new_value": money("The amount after; NULL where there is none any more.", nullable=True),
        **_BETWEEN_VINTAGES,
    },
)

BUILDS = Table(
    "meta",
    "builds",
    "This build",
    "One row: what this file was made of. The same snapshots and the same code give the same build.",
    ("build_id",),
    True,
    {
        "build_id": text("Hash of the snapshots, the code and the judgement data it was made of."),
        "code_version": text("Version of this project."),
        "code_sha256": text("Hash of the project's code, declarations and code lists.", pattern=SHA256),
        "duckdb_version": text("Version of DuckDB that wrote the file."),
        "snapshots": whole("Number of snapshots it was made of.", unit="snapshot"),
    },
)

SNAPSHOTS = Table(
    "meta",
    "snapshots",
    "Snapshots",
    "One row a snapshot (the bytes of a source as they were on a date) this build was made of. "
    "rows_in = rows_staged + rows_rejected + rows_merged.",
    ("source", "sha256"),
    True,
    {
        "source": text("Name of the source."),
        "sha256": text("SHA-256 of the bytes as they came.", pattern=SHA256),
        "vintage": day("Publication date; see vintage_basis."),
        "vintage_basis": text(
            "What the vintage rests on: last_update of the rows, the publisher's metadata, "
            "Last-Modified, the day of retrieval, a stated date, the last month or year covered."
        ),
        "origin": text("fetched, loaded, bundled, or register (this project's own compilation)."),
        "url": text("Address or file it came from."),
        "retrieved_at": text("When it was retrieved (UTC time, or the day)."),
        "dialect": text("The form it was recognised as."),
        "bytes": whole("Size of the bytes as they came.", unit="byte"),
        "covers_from": day("First day it covers (first incident, month or year).", nullable=True),
        "covers_to": day("Last day it covers.", nullable=True),
        "rows_read": whole("All rows of the file.", unit="row"),
        "rows_out_of_scope": whole(
            "Rows of other entities or kinds, left aside by the source's scope rule.", unit="row"
        ),
        "rows_in": whole("Rows in scope.", unit="row"),
        "rows_staged": whole("Rows turned into tidy rows.", unit="row"),
        "rows_rejected": whole("Rows rejected, each with its reason in meta.rejected_rows.", unit="row"),
        "rows_merged": whole("Rows merged into another by a named rule (meta.merged_rows).", unit="row"),
        "citation": text("How to cite it."),
        "accepted": text(
            "Checks that a person let it pass when it was loaded, each with the reason; NULL where it passed them all.",
            nullable=True,
        ),
    },
    rules=(
        ("rows_in = rows_staged + rows_rejected + rows_merged", "no row is lost"),
        ("rows_read = rows_in + rows_out_of_scope", "no row is lost before staging"),
    ),
)

_RAW_ROW = {
    "source": text("Name of the source."),
    "snapshot_sha256": text("The snapshot.", pattern=SHA256),
    "row_number": whole("The row's number in it, the first row of data being 1.", unit="row", minimum=1),
}

REJECTED_ROWS = Table(
    "meta",
    "rejected_rows",
    "Rejected rows",
    "One row a fault of a rejected row, with the raw row as JSON. A row can have several faults.",
    (),
    False,
    {
        **_RAW_ROW,
        "raw_row": text("The row as published, as JSON under the published column names."),
        "column_name": text("The column at fault (our name); NULL when it is the whole row.", nullable=True),
        "check_name": text("The check that failed."),
        "reason": text("What was expected and what came."),
    },
)

INCOMPLETE_PERIODS = Table(
    "meta",
    "incomplete_periods",
    "Incomplete periods",
    "One row a period (month, year) of which published rows were rejected: its total is not the whole. Of a source in "
    "which each row is one person or thing, one row for all of it (period 'all').",
    ("source", "snapshot_sha256", "period"),
    False,
    {
        "source": text("Name of the source, which is that of its table in main."),
        "snapshot_sha256": text("The snapshot that speaks for the period.", pattern=SHA256),
        "period": text("The period as text: 2025-07-31, 2023-24, 2019; all for a source without periods."),
        "measure": text("The column of the table that is estimated; rows where each row counts as one."),
        "rows_rejected": whole("Rejected rows that are, or may be, of the period.", unit="row", minimum=1),
        "published": number("Sum of the measure as published.", unit=None, minimum=-1e15, maximum=1e15),
        "missing": number(
            "What the rejected rows would add: their own figures where these can be read, else those of the same keys "
            "in the nearest other period; NULL where neither is known.",
            unit=None,
            nullable=True,
            minimum=0,
            maximum=1e15,
        ),
        "share_pct": number(
            "The missing part of the whole; NULL where it is not known.",
            unit="percent",
            nullable=True,
            minimum=0,
            maximum=100,
        ),
    },
    hazards=("A total of such a period is too low by an unknown amount; `missing` is an estimate and in no total.",),
)

MERGED_ROWS = Table(
    "meta",
    "merged_rows",
    "Merged rows",
    "One row a published row that was merged into another by a named rule.",
    (),
    False,
    {
        **_RAW_ROW,
        "rule": text("The rule's name."),
        "into_row": whole("Number of the row that was kept.", unit="row", minimum=1),
    },
)

SIGNALS = Table(
    "meta",
    "signals",
    "Signals",
    "Things noticed that stop nothing and want a look: new columns, names that no code list knows, codes that "
    "contradict names.",
    (),
    False,
    {
        "source": text("Name of the source."),
        "snapshot_sha256": text("The snapshot.", pattern=SHA256),
        "kind": text("What was noticed."),
        "value": text("The value in question."),
        "rows": whole("How many rows have it.", unit="row"),
    },
)

CHECKS = Table(
    "meta",
    "checks",
    "Checks",
    "One row a check this build was held against. A failed check of severity error stops publishing.",
    ("name",),
    True,
    {
        "name": text("The check's name."),
        "description": text("What it promises."),
        "expected": text("What was expected."),
        "found": text("What was found."),
        "passed": flag("Whether it held."),
        "severity": category("error stops publishing; warn does not.", ("error", "warn")),
    },
)

CORRECTIONS = Table(
    "meta",
    "corrections",
    "Corrections",
    "One row a correction declared for a source, and whether it applied.",
    ("source", "correction_id"),
    True,
    {
        "source": text("Name of the source."),
        "correction_id": text("Its id."),
        "status": category(
            "applied; expired: the publisher no longer prints what the correction expects; absent: no such row.",
            ("applied", "expired", "absent"),
        ),
        "where_row": text("Which row, as JSON."),
        "expected": text("What the publisher prints, as JSON."),
        "corrected": text("What stands in the tables, as JSON."),
        "reason": text("Why."),
        "noted": day("When it was noted."),
    },
)

KNOWN_DEFECTS = Table(
    "meta",
    "known_defects",
    "Known defects",
    "One row a known defect of a source that is left as published.",
    ("source", "defect_id"),
    True,
    {
        "source": text("Name of the source."),
        "defect_id": text("Its id."),
        "noted": day("When it was noted."),
        "description": text("What is wrong, and what follows."),
        "expect": text(
            "SQL for the number of cases of the defect that stand in the tables; NULL where no query can tell.",
            nullable=True,
        ),
        "cases": whole(
            "How many cases were noted; NULL where their number differs by vintage.", unit="case", nullable=True
        ),
        "found": whole("How many the query finds in this build.", unit="case", nullable=True),
        "status": category(
            "stands; changed: another number of cases than noted, look at it; mended: none is left, and the "
            "declaration can be changed; not asked: no query can tell, or what is held can't.",
            ("stands", "changed", "mended", "not asked"),
        ),
    },
)

_DESCRIBED = {
    "first_seen": day("Vintage of the first snapshot that describes it."),
    "last_seen": day("Vintage of the newest snapshot that describes it: an older one than the rest is gone since."),
    **ORIGIN,
}

PUBLISHER_DATASETS = Table(
    "meta",
    "publisher_datasets",
    "The publisher's datasets in its own words",
    "One row a dataset that the Peace & Security Data Hub has ever described, in the newest published wording; empty "
    "while no snapshot of its codebook is held. Contacts are left out before anything is stored.",
    ("dataset_id",),
    True,
    {
        "dataset_id": text("The publisher's id; meta.published_names tells which of our sources it is."),
        "title": text("Its name.", nullable=True),
        "description": text("What the publisher says it is.", nullable=True),
        "update_frequency": text("How often the publisher says it is updated.", nullable=True),
        "start_range": text("What the publisher says it begins with, as printed.", nullable=True),
        "end_range": text("What the publisher says it ends with, as printed.", nullable=True),
        "limitations": text("What the publisher warns of.", nullable=True),
        "last_update_date": day(
            "When the publisher says it was last updated; NULL where that is no date.", nullable=True
        ),
        **_DESCRIBED,
    },
)

PUBLISHER_COLUMNS = Table(
    "meta",
    "publisher_columns",
    "The publisher's columns in its own words",
    "One row a dataset and column that the publisher has ever defined, in the newest published wording. As published: "
    "see meta.known_defects for what is wrong in it, and marts.dictionary for our columns beside it.",
    ("dataset_id", "column_name"),
    True,
    {
        "dataset_id": text("The publisher's id of the dataset."),
        "column_name": text("The publisher's name of the column."),
        "definition": text("What the publisher says it holds.", nullable=True),
        "format": text("What the publisher says its type is.", nullable=True),
        "attributes": text(
            "The values it can have and their definitions, as JSON, where the publisher lists them.", nullable=True
        ),
        **_DESCRIBED,
    },
)

PUBLISHER_REVISIONS = Table(
    "meta",
    "publisher_revisions",
    "Revisions of the publisher's codebook",
    "One row a wording that changed between two vintages. The date of the last update changes with every update and "
    "is none; new and gone datasets and columns are told by first_seen and last_seen.",
    ("dataset_id", "column_name", "field", "to_vintage"),
    True,
    {
        "dataset_id": text("The publisher's id of the dataset."),
        "column_name": text("The publisher's name of the column; empty for what is said of the whole dataset."),
        "field": category("What changed.", PUBLISHER_FIELDS),
        "old_value": text("The wording before; NULL where there was none.", nullable=True),
        "new_value": text("The wording after; NULL where there is none any more.", nullable=True),
        "from_vintage": day("Newest vintage that shows the old wording."),
        "to_vintage": day("First vintage that shows the new wording."),
    },
    rules=(("from_vintage < to_vintage", "time runs forward"),),
)

PUBLISHED_NAMES = Table(
    "meta",
    "published_names",
    "Published names of our columns",
    "One row a column of main and the published column that it comes from, for the datasets of the Peace & Security "
    "Data Hub that this build has a snapshot of. Several can make one: a state comes from its name, or else its code.",
    ("table_name", "column_name", "dataset_id", "published_name"),
    True,
    {
        "source": text("Name of the source."),
        "dataset_id": text("The publisher's id of the dataset."),
        "published_name": text("The column's name in the publisher's API."),
        "table_name": text("The table of main that its rows go to."),
        "column_name": text("The column of that table."),
    },
)

POISSON_LIMITS = Table(
    "meta",
    "poisson_limits",
    "Exact limits of a Poisson mean",
    "One row a count from 0 to 2,000: the 95 % confidence limits of its Poisson mean (Garwood 1936), computed with "
    "scipy at development time. marts.fatality_rates uses them.",
    ("deaths",),
    True,
    {
        "deaths": whole("The count.", unit="person"),
        "low": number("Lower limit; 0 for a count of 0.", unit="person", minimum=0, maximum=1e6),
        "high": number("Upper limit.", unit="person", minimum=0, maximum=1e6),
    },
)

COLUMNS = Table(
    "meta",
    "columns",
    "Dictionary",
    "One row a column of every table.",
    ("schema_name", "table_name", "column_name"),
    True,
    {
        "schema_name": text("Schema."),
        "table_name": text("Table."),
        "column_name": text("Column."),
        "position": whole("Place in the table, from 1.", unit=None, minimum=1),
        "data_type": text("SQL type."),
        "unit": text("Unit.", nullable=True),
        "nullable": flag("Whether it may be NULL."),
        "is_key": flag("Whether it is part of the key."),
        "references_column": text("The column it must be found in.", nullable=True),
        "description": text("What it holds."),
    },
)

DIMENSIONS = (COUNTRIES, MISSIONS, MISSION_ALIASES)
FACTS = (FATALITIES, UNIFORMED_PERSONNEL, ASSESSED_CONTRIBUTIONS, *MONEY)
HISTORY = (
    FATALITY_STATES,
    FATALITY_REVISIONS,
    UNIFORMED_PERSONNEL_REVISIONS,
    ASSESSED_CONTRIBUTION_REVISIONS,
)
META = (
    BUILDS,
    SNAPSHOTS,
    REJECTED_ROWS,
    INCOMPLETE_PERIODS,
    MERGED_ROWS,
    SIGNALS,
    CHECKS,
    CONTROL_TOTALS,
    RECONCILIATION_REASONS,
    RECONCILIATIONS,
    CORRECTIONS,
    KNOWN_DEFECTS,
    PUBLISHER_DATASETS,
    PUBLISHER_COLUMNS,
    PUBLISHER_REVISIONS,
    PUBLISHED_NAMES,
    CLAIMS,
    CLAIM_FIGURES,
    POISSON_LIMITS,
    COLUMNS,
)
# What a build writes by itself once the rest is loaded; no source has rows of them.
WRITTEN_IN_BUILD = (CHECKS, COLUMNS, RECONCILIATIONS, RECONCILIATION_REASONS, CLAIMS, CLAIM_FIGURES, POISSON_LIMITS)
# In the order in which they can be filled: what is referred to comes first.
TABLES: dict[str, Table] = {table.full_name: table for table in (*DIMENSIONS, *FACTS, *HISTORY, *META)}

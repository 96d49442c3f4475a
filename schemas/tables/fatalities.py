"""Tables of fatalities: the newest state, every published state, and the revisions."""

from __future__ import annotations

from schemas.columns import ORIGIN, Table, category, day, flag, text

INCIDENT_TYPES = ("Malicious Act", "Illness", "Accident", "Self-Inflicted", "To Be Determined", "Unknown")
CASUALTY_PERSONNEL_TYPES = ("Military", "Police", "Military Observer", "International Civilian", "Local", "Other")

FATALITY_FIELDS = (
    "incident_date",
    "mission",
    "nationality_iso3",
    "nationality_iso3_other",
    "personnel_type",
    "incident_type",
    "gender",
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
        "The publisher's six types; is_uniformed tells which are uniformed.", CASUALTY_PERSONNEL_TYPES
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

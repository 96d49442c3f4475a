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
        "The publisher's registration id, the only key. Its month and prefix refer to the registration, not to the "
        "incident."
    ),
    "incident_date": day("Day of the incident."),
    "mission": text("Mission of the casualty.", references="missions.mission"),
    "nationality_iso3": text(
        "Nationality: the state as it existed on the day of the incident; NULL where undetermined.",
        nullable=True,
        references="countries.iso3",
    ),
    "nationality_iso3_other": text(
        "Second state under which the same casualty is published (MNE with SCG).",
        nullable=True,
        references="countries.iso3",
    ),
    "nationality_as_published": text("Nationality as printed; NULL where blank.", nullable=True),
    "nationality_status": category(
        "How nationality_iso3 was determined. known: from the printed name; from_code: from the printed code, because "
        "the name is blank or in no code list; undetermined: the publisher prints so, or name and code are blank; "
        "unresolved: the name is in no code list and there is no code.",
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
    "One row per casualty (one person) in the most recently published state. Deaths only; injuries are not recorded.",
    ("casualty_id",),
    True,
    {
        **_CASUALTY,
        "first_seen": day("Vintage of the first snapshot with this casualty."),
        "last_seen": day("Vintage of the newest snapshot with this casualty."),
        **ORIGIN,
    },
    hazards=(
        "Includes civilian staff and special political missions: state the definition used.",
        "Give totals by incident type together with the number that is To Be Determined.",
        "The list may be incomplete before 2000.",
    ),
)

FATALITY_STATES = Table(
    "main",
    "fatality_states",
    "Every published state of every casualty",
    "One row per casualty and published state, valid from one vintage to another. marts.fatalities_as_of(date) reads "
    "it; main.fatalities has the current states.",
    ("casualty_id", "seen_from"),
    False,
    {
        **_CASUALTY,
        "unpublished": text(
            "Columns that no snapshot had published by that vintage, separated by spaces: NULL in them means unknown, "
            "not blank."
        ),
        "seen_from": day("Vintage of the first snapshot with this state."),
        "seen_to": day("Vintage of the newest snapshot with this state."),
        "superseded_on": day(
            "Vintage of the first snapshot with a later state; NULL for the current state.", nullable=True
        ),
        "first_seen": day("Vintage of the first snapshot with this casualty."),
        **ORIGIN,
    },
    rules=(
        ("seen_from <= seen_to", "seen_from is not after seen_to"),
        ("superseded_on IS NULL OR seen_to < superseded_on", "a state is superseded after it was last seen"),
        ("first_seen <= seen_from", "first_seen is not after seen_from"),
    ),
    hazards=("A casualty has one or more rows: count main.fatalities, or the states of one date, never these rows.",),
)

FATALITY_REVISIONS = Table(
    "main",
    "fatality_revisions",
    "Revisions of the fatalities",
    "One row per value that changed between two vintages. Not revisions: a renamed mission or state (an alias), a "
    "column that the older vintage does not have (unknown), and a new casualty (see first_seen).",
    ("casualty_id", "field", "to_vintage"),
    False,
    {
        "casualty_id": text("Casualty (main.fatalities)."),
        "field": category("Column of main.fatalities that changed.", FATALITY_FIELDS),
        "old_value": text("Old value; NULL where it was blank or undetermined.", nullable=True),
        "new_value": text("New value; NULL where it became blank or undetermined.", nullable=True),
        "from_vintage": day("Newest vintage with the old value."),
        "to_vintage": day("First vintage with the new value."),
    },
    rules=(("from_vintage < to_vintage", "the new vintage is later"),),
    hazards=("The date of the change is unknown: it lies between the two vintages.",),
)

"""Tables of the codes by which researchers name states: Gleditsch and Ward's, and Correlates of War's."""

from __future__ import annotations

from schemas.columns import Table, category, day, flag, text, whole

SYSTEMS = ("gw", "cow")
REASONS = ("territory", "not_in_list", "before_first_day", "between_spells", "after_last_day")
SYSTEM = category("gw: Gleditsch and Ward; cow: Correlates of War.", SYSTEMS)

STATE_CODES = Table(
    "main",
    "state_codes",
    "Gleditsch-Ward and Correlates of War codes of states, with dates",
    "One row per code and spell in which the list has the state, divided where another ISO3 code begins. On any day a "
    "state has at most one code of each system: marts.state_code(iso3, day, system).",
    ("system", "code", "valid_from"),
    True,
    {
        "system": SYSTEM,
        "code": whole("The state's number in the list.", unit=None, minimum=1),
        "abbreviation": text("Its abbreviation in the list."),
        "name": text("Its name in the list."),
        "iso3": text(
            "State of that code in those days; NULL for a state that ISO 3166 has no code for (see note).",
            nullable=True,
            references="countries.iso3",
        ),
        "valid_from": day("First day."),
        "valid_until": day("Last day; NULL where it still applies.", nullable=True),
        "is_microstate": flag("Whether the list marks it as a microstate."),
        "note": text("What the code stands for where that is not plain.", nullable=True),
    },
    rules=(("valid_until IS NULL OR valid_from <= valid_until", "valid_from is not after valid_until"),),
    hazards=(
        "The two lists differ in codes and days: Serbia is 340 from 2006-06-05 in gw and stays 345 in cow.",
        "Join by day: a code or a state alone can match several rows.",
    ),
)

STATE_CODE_GAPS = Table(
    "main",
    "state_code_gaps",
    "Days on which a state has no Gleditsch-Ward or Correlates of War code",
    "One row per system, state or territory and span of days without a code, with the reason. With state_codes it "
    "covers every day since 1816 of every state and territory once.",
    ("system", "iso3", "valid_from"),
    True,
    {
        "system": SYSTEM,
        "iso3": text("State or territory.", references="countries.iso3"),
        "valid_from": day("First day; 1816-01-01, where the lists begin, for all days before."),
        "valid_until": day("Last day; NULL where it still applies.", nullable=True),
        "reason": category(
            "territory: of another state, or disputed; not_in_list: an entity that the list does not have; "
            "before_first_day, between_spells, after_last_day: the list has the state, but not in those days.",
            REASONS,
        ),
        "note": text("What the state or territory is.", nullable=True),
    },
)

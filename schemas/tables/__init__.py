"""Registry of the warehouse's tables. A submodule for each subject declares them."""

from __future__ import annotations

from schemas.columns import Table
from schemas.tables import (
    assessments,
    budgets,
    builds,
    claims,
    codebook,
    contributions,
    countries,
    development,
    fatalities,
    missions,
    payments,
    personnel,
    quality,
    reconciliations,
    state_codes,
)

DIMENSIONS = (
    countries.COUNTRIES,
    countries.COUNTRY_ALIASES,
    missions.MISSIONS,
    missions.MISSION_ALIASES,
    missions.MISSION_HOSTS,
    state_codes.STATE_CODES,
    state_codes.STATE_CODE_GAPS,
    development.COUNTRY_YEARS,
    development.DEVELOPMENT_LADDERS,
)
FACTS = (
    fatalities.FATALITIES,
    personnel.UNIFORMED_PERSONNEL,
    contributions.ASSESSED_CONTRIBUTIONS,
    budgets.MISSION_BUDGETS,
    budgets.MISSION_BUDGET_LINES,
    budgets.BUDGET_TOTALS,
    assessments.MISSION_ASSESSMENTS,
    assessments.STATE_MISSION_ASSESSMENTS,
    assessments.PEACEKEEPING_LEVELS,
    assessments.PEACEKEEPING_RATES,
    payments.REGULAR_BUDGET_PAYMENTS,
    payments.DATED_FACTS,
    personnel.MISSION_STRENGTH,
    personnel.CONTRIBUTOR_STRENGTH,
    contributions.GOVERNMENT_REVENUE,
    assessments.SCALE_OF_ASSESSMENTS,
    development.INCOME_GROUPS,
)
HISTORY = (
    fatalities.FATALITY_STATES,
    fatalities.FATALITY_REVISIONS,
    personnel.UNIFORMED_PERSONNEL_REVISIONS,
    personnel.UNIFORMED_PERSONNEL_SUPERSEDED,
    contributions.ASSESSED_CONTRIBUTION_REVISIONS,
)
META = (
    builds.BUILDS,
    builds.SNAPSHOTS,
    quality.REJECTED_ROWS,
    quality.INCOMPLETE_PERIODS,
    quality.MERGED_ROWS,
    quality.SIGNALS,
    builds.CHECKS,
    reconciliations.CONTROL_TOTALS,
    reconciliations.RECONCILIATION_REASONS,
    reconciliations.RECONCILIATIONS,
    quality.CORRECTIONS,
    quality.KNOWN_DEFECTS,
    codebook.PUBLISHER_DATASETS,
    codebook.PUBLISHER_COLUMNS,
    codebook.PUBLISHER_REVISIONS,
    codebook.PUBLISHED_NAMES,
    claims.CLAIMS,
    claims.CLAIM_FIGURES,
    builds.POISSON_LIMITS,
    builds.COLUMNS,
)
# Tables that the build fills after loading; no source has rows of them.
WRITTEN_IN_BUILD = (
    builds.CHECKS,
    builds.COLUMNS,
    reconciliations.RECONCILIATIONS,
    reconciliations.RECONCILIATION_REASONS,
    claims.CLAIMS,
    claims.CLAIM_FIGURES,
    builds.POISSON_LIMITS,
)
# In loading order: a referenced table precedes those that refer to it.
TABLES: dict[str, Table] = {table.full_name: table for table in (*DIMENSIONS, *FACTS, *HISTORY, *META)}

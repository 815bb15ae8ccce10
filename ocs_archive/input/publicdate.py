"""When a frame without a public date becomes public: the portal's tags, then the settings' rules."""

from collections.abc import Iterable
from urllib.parse import quote

import requests

from ocs_archive.input.dates import build_later_date
from ocs_archive.input.headerdata import HeaderData
from ocs_archive.settings import settings

DAYS_PRIVATE = 999 * 365
PORTAL_TIMEOUT_S = 5


def find_proposal_tags(proposal_id: str) -> set[str]:
    """Ask the Observation Portal for a proposal's tags; none where it is not set up or does not answer."""
    base_url, token = settings.OBSERVATION_PORTAL_BASE_URL, settings.OBSERVATION_PORTAL_API_TOKEN
    if not (base_url and token and proposal_id):
        return set()
    try:
        response = requests.get(
            f"{base_url.rstrip('/')}/api/proposals/{quote(proposal_id, safe='')}",
            headers={"Authorization": f"Token {token}"},
            timeout=PORTAL_TIMEOUT_S,
        )
        response.raise_for_status()
        answer = response.json()
    except requests.RequestException:
        return set()  # the contract: an unreachable portal leaves the decision to the rules
    tags = answer.get("tags") if isinstance(answer, dict) else None
    return {str(tag) for tag in tags} if isinstance(tags, list) else set()


def contains_any(text: str, parts: Iterable[str]) -> bool:
    return any(part in text for part in parts)


def count_days_until_public(header: HeaderData, basename: str) -> int:
    """Return the days from the observation to the public date; the first rule that matches decides."""
    proposal_id = header.get_proposal_id()
    tags = find_proposal_tags(proposal_id)
    if tags.intersection(settings.PRIVATE_PROPOSAL_TAGS):
        return DAYS_PRIVATE
    if tags.intersection(settings.PUBLIC_PROPOSAL_TAGS):
        return 0
    is_calibration = header.get_configuration_type() in settings.CALIBRATION_TYPES
    if is_calibration or contains_any(proposal_id, settings.PUBLIC_PROPOSALS):
        return 0
    if contains_any(proposal_id, settings.PRIVATE_PROPOSALS) or contains_any(basename, settings.PRIVATE_FILE_TYPES):
        return DAYS_PRIVATE
    return int(settings.DAYS_UNTIL_PUBLIC)


def find_public_date(header: HeaderData, basename: str) -> str | None:
    """Return the public date that the rules give, as ISO text with the observation date's UTC offset or none.

    Raises
    ------
    FileSpecificationException
        ``header.bad_date``, if the observation date is none or the public date lies beyond the year 9999.
    """
    observed = header.get_observation_date()
    if observed is None:
        return None
    days = count_days_until_public(header, basename)
    return build_later_date(settings.OBSERVATION_DATE_KEY, observed, days) if days else observed

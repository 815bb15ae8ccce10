"""GET /frames/aggregate/: which values the frames that one may see have, under each of its parameters."""

import datetime as dt
from typing import Any

import pytest

from tests.contract.stock import MEMBER, OPERATOR, Archive

WHOLE = {
    "sites": ["coj", "cpt"],
    "telescopes": ["1m0a"],
    "filters": ["rp"],
    "instruments": ["fa01", "kb05"],
    "obstypes": ["BIAS", "EXPOSE"],
    "proposals": ["OPEN2026A-001", "calibrate"],
}
#: Each parameter of the contract: what is asked, and the sites of the frames that are meant.
CASES = {
    "start": ("2026-11-02", ["coj"]),
    "end": ("2026-11-02", ["cpt"]),
    "public": ("false", []),
    "site_id": ("cpt", ["cpt"]),
    "telescope_id": ("1m0a", ["cpt"]),
    "primary_optical_element": ("rp", ["cpt"]),
    "instrument_id": ("kb05", ["coj"]),
    "configuration_type": ("BIAS", ["coj"]),
    "proposal_id": ("calibrate", ["coj"]),
}


def get(archive: Archive, *viewer: str, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = archive.get("/frames/aggregate/", *viewer, **query).json
    return found


def test_fields(archive: Archive) -> None:
    found = get(archive)
    assert dt.datetime.fromisoformat(found.pop("generated_at")).utcoffset() == dt.timedelta(0)
    assert found == WHOLE


@pytest.mark.parametrize("name", CASES)
def test_parameter(archive: Archive, name: str) -> None:
    value, sites = CASES[name]
    assert get(archive, **{name: value})["sites"] == sites


def test_a_user_gets_the_values_of_what_they_may_see(archive: Archive) -> None:
    secret, foreign = "SECRET2026A-001", "FOREIGN2026A-001"
    assert get(archive, MEMBER)["proposals"] == ["OPEN2026A-001", secret, "calibrate"]
    assert get(archive, MEMBER, public="false")["proposals"] == [secret]
    assert get(archive, OPERATOR)["proposals"] == [foreign, "OPEN2026A-001", secret, "calibrate"]

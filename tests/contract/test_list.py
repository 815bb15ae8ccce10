"""The list: its shape, each parameter of the contract, each order; and the lists of versions and thumbnails."""

from typing import Any

import pytest

from app.frames.search import LIST_PARAMETERS, ORDERINGS, SEARCH_PARAMETERS
from tests.contract.stock import BIAS, MEMBER, NOBODY, OPERATOR, SCIENCE, SECRET, Archive

BOTH = {SCIENCE, BIAS}
NONE: set[str] = set()
EXACT = {
    ("proposal_id", "PROPID"): "OPEN2026A-001",
    ("configuration_type", "OBSTYPE"): "EXPOSE",
    ("instrument_id", "INSTRUME"): "fa01",
    ("reduction_level", "RLEVEL"): "91",
    ("site_id", "SITEID"): "cpt",
    ("telescope_id", "TELID"): "1m0a",
    ("primary_optical_element", "FILTER"): "rp",
    ("observation_id", "BLKUID"): "1000",
    ("request_id", "REQNUM"): "2000",
}
NIGHTS: list[tuple[Any, set[str]]] = [("2026-10-31", {SCIENCE}), ("20261102", {BIAS}), ("2026-11-01", NONE)]
TARGETS: list[tuple[Any, set[str]]] = [
    ("éta car", {SCIENCE}),
    ("ETA", {SCIENCE}),
    ("carinae", {SCIENCE}),
    ("x", NONE),
]
EXPOSURES: list[tuple[Any, set[str]]] = [("60", {SCIENCE}), ("0.5", {SCIENCE}), ("60.1", NONE)]
#: Each parameter of the contract: what is asked, and which frames are found.
CASES: dict[str, list[tuple[Any, set[str]]]] = {
    "start": [
        ("2026-11-02T03:00:00Z", {BIAS}),
        ("2026-11-02T05:00:00+02:00", {BIAS}),
        ("2026-11-02T05:00:00 02:00", {BIAS}),  # a plus sign in an address is a space
        ("2026-11-02 05:00 02:00", {BIAS}),
        ("2026-11-02 03:00", {BIAS}),
        ("2026-11-02", {BIAS}),
        ("2026-11-02 03:01", NONE),
    ],
    "end": [("2026-11-02T03:00:00", BOTH), ("2026-11-01 03:01", {SCIENCE}), ("2026-11-02", {SCIENCE})],
    "DATE_OBS": [("2026-11-01T03:00:00.500Z", {SCIENCE}), ("2026-11-02 03:00", {BIAS}), ("2026-11-02", NONE)],
    **dict.fromkeys(("DAY_OBS", "dayobs"), NIGHTS),
    "basename": [("M010-FA01", {SCIENCE}), ("_", NONE)],
    "basename_exact": [(SCIENCE, {SCIENCE}), (SCIENCE.upper(), NONE), (SCIENCE[:-1], NONE)],
    **dict.fromkeys(("target_name", "OBJECT"), TARGETS),
    "target_name_exact": [("Éta Carinæ", {SCIENCE}), ("Eta Carinae", NONE)],
    "empty_target_name": [("true", {BIAS}), ("false", {SCIENCE})],
    **{name: [(value, {SCIENCE}), ("7", NONE)] for names, value in EXACT.items() for name in names},
    **dict.fromkeys(("exposure_time", "EXPTIME"), EXPOSURES),
    "covers": [("POINT(0 0)", {SCIENCE}), ("POINT(359.5 0.5)", {SCIENCE}), ("POINT(180 0)", NONE)],
    "intersects": [
        ("POLYGON((359.2 -5, 359.3 -5, 359.3 5, 359.2 5, 359.2 -5))", {SCIENCE}),
        ("POLYGON((0.5 -0.1, 5 -0.1, 5 0.1, 0.5 0.1, 0.5 -0.1))", {SCIENCE}),
        ("POLYGON((0 85, 90 85, 180 85, 270 85, 0 85))", NONE),
    ],
    "exclude_configuration_type": [("BIAS", {SCIENCE}), (["BIAS", "EXPOSE"], NONE)],
    "exclude_OBSTYPE": [("BIAS", {SCIENCE}), (["BIAS", "EXPOSE"], NONE)],
    "include_configuration_type": [("BIAS", {BIAS}), (["BIAS", "EXPOSE"], BOTH)],
    "exclude_calibrations": [("true", {SCIENCE}), ("false", BOTH)],
    "public": [("true", BOTH), ("false", NONE)],
    "submitter": [("observer", {SCIENCE}), ("nobody", NONE)],
}
#: What this archive can be searched by beside the contract.
OURS = {"position", "ra", "dec", "radius", "availability"}
ORDERS = [
    "id",
    "basename",
    "observation_date",
    "primary_optical_element",
    "configuration_type",
    "proposal_id",
    "instrument_id",
    "target_name",
    "reduction_level",
    "exposure_time",
]


@pytest.mark.parametrize("name", CASES)
def test_parameter(archive: Archive, name: str) -> None:
    for value, found in CASES[name]:
        assert set(archive.list_basenames(**{name: value})) == found, value


def test_no_parameter_is_without_a_case() -> None:
    known = {name for parameter in SEARCH_PARAMETERS for name in (parameter.name, *parameter.aliases)}
    assert known - OURS == set(CASES)


def test_public_false_is_a_users_own(archive: Archive) -> None:
    assert archive.list_basenames(MEMBER, public="false") == [SECRET]


@pytest.mark.parametrize("style", ["{field}", "-{field}"])
@pytest.mark.parametrize("field", ORDERS)
def test_ordering(archive: Archive, field: str, style: str) -> None:
    answer = archive.get("/frames/", OPERATOR, ordering=style.format(field=field))
    values = [record[field] for record in answer.json["results"]]
    expected = sorted(values, key=lambda value: (value is not None, value), reverse=style.startswith("-"))
    assert values == expected
    assert len(set(values)) > 1


def test_the_newest_come_first(archive: Archive) -> None:
    assert archive.list_basenames() == archive.list_basenames(ordering="-observation_date") == [BIAS, SCIENCE]


def test_the_orders_are_those_of_the_contract() -> None:
    assert set(ORDERINGS) - {"site_id"} == set(ORDERS)


def test_the_shape_of_a_page(archive: Archive) -> None:
    page = archive.get("/frames/").json
    assert {name: value for name, value in page.items() if name != "results"} == {
        "count": 2,
        "next": None,
        "previous": None,
        "count_estimated": False,
    }
    assert archive.get("/frames/", force_count="true").json["count"] == 2


def test_the_other_parameters_are_those_of_the_contract() -> None:
    """Pages are in `test_paging`, what a record has in `test_record`."""
    paging = {"limit", "offset", "ordering", "pagination_style", "cursor", "force_count"}
    others = {"include_related_frames", "include_thumbnails", "format"}
    assert {parameter.name for parameter in LIST_PARAMETERS} == paging | others


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [SCIENCE]),
        ({"frame_basename": SCIENCE}, [SCIENCE]),
        ({"frame_basename": SCIENCE[:-1]}, []),
        ({"proposal_id": "OPEN2026A-001"}, [SCIENCE]),
        ({"observation_id": "1000"}, [SCIENCE]),
        ({"request_id": "1"}, []),
        ({"size": "small"}, [SCIENCE]),
        ({"size": "large"}, []),
    ],
    ids=str,
)
def test_thumbnails(archive: Archive, query: dict[str, str], found: list[str]) -> None:
    page = archive.get("/thumbnails/", **query).json
    assert [thumbnail["frame_basename"] for thumbnail in page["results"]] == found
    assert (page["count"], page["next"], page["previous"]) == (len(found), None, None)


def test_versions(archive: Archive) -> None:
    (version,) = archive.get(f"/frames/{archive.ids[SCIENCE]}/").json["version_set"]
    page = archive.get("/versions/", OPERATOR, md5=version["md5"]).json
    assert (page["count"], page["results"][0]["id"]) == (1, version["id"])
    assert archive.get(f"/versions/{version['id']}/", OPERATOR).json["md5"] == version["md5"]
    assert archive.get("/versions/", OPERATOR, md5="0" * 32).json["count"] == 0
    assert [archive.get("/versions/", viewer).status_code for viewer in (NOBODY, MEMBER)] == [401, 403]

"""What a list may not tell by its length, order, pages or choices, and what a zip holds: only what the viewer sees."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.frames.cursors import Cursor
from app.frames.search import ORDERINGS
from tests.access.rows import NO_JOB
from tests.access.stock import (
    ADMIN,
    INGEST,
    KINDS,
    MEMBER,
    NOBODY,
    NOBODY_AFTERWARDS,
    OTHERS,
    PUBLIC,
    SESSION,
    STUB,
    UNLISTED,
    VIEWERS,
    WITHOUT_VERSION,
    Archive,
    describe,
)
from tests.html_page import BROWSER

known = pytest.mark.parametrize("viewer", [name for name, viewer in VIEWERS.items() if viewer.is_known])
some = pytest.mark.parametrize("viewer", [NOBODY, MEMBER])
EXACT = (
    *("proposal_id", "instrument_id", "target_name", "site_id", "telescope_id", "primary_optical_element"),
    *("configuration_type", "reduction_level", "observation_id", "request_id"),
)
EVERYTHING = {"limit": 1000, "include_thumbnails": "true"}


@pytest.fixture(autouse=True)
def moment(archive: Archive, request: pytest.FixtureRequest) -> Iterator[None]:
    with archive.at_its_time(request.node.callspec.params.get("viewer", "")):
        yield


def ask(archive: Archive, viewer: str, path: str, **query: Any) -> Any:
    answer = archive.make_client(viewer).get(path, query_string=query or None, headers=archive.headers[viewer])
    assert answer.status_code == 200, answer.text
    return answer.json


def list_ids(archive: Archive, viewer: str, without: frozenset[str] = UNLISTED) -> set[int]:
    return {archive.ids[kind] for kind in VIEWERS[viewer].sees - without}


def list_searches(kind: str) -> Iterator[dict[str, Any]]:
    """Yield the searches that find a frame and no other: by each of its texts, numbers and places."""
    fields = describe(kind)
    yield from ({name: fields[name]} for name in EXACT)
    ra_deg, dec_deg = fields["area"]["coordinates"][0][0]
    yield {"covers": f"POINT({ra_deg + 0.7} {dec_deg + 0.2})"}
    yield {"ra": ra_deg, "dec": dec_deg, "radius": 0.1}
    yield {"basename_exact": f"{kind}-frame"}
    yield {"basename": kind}
    yield {"submitter": f"{kind}-user"}
    if fields["observation_date"]:
        yield {"start": fields["observation_date"], "end": fields["observation_date"]}


@known
def test_counts_are_of_what_is_seen(archive: Archive, viewer: str) -> None:
    expected = list_ids(archive, viewer)
    page = ask(archive, viewer, "/frames/", **EVERYTHING)
    assert ({record["id"] for record in page["results"]}, page["count"]) == (expected, len(expected))
    assert ask(archive, viewer, "/frames/", limit=1, force_count="true")["count"] == len(expected)
    assert ask(archive, viewer, "/frames/", limit=1)["count"] == len(expected)
    thumbnails = ask(archive, viewer, "/thumbnails/", size="small")
    seen = list_ids(archive, viewer, frozenset({STUB}))
    assert ({record["frame_id"] for record in thumbnails["results"]}, thumbnails["count"]) == (seen, len(seen))


@known
def test_related_frames_are_those_that_are_seen(archive: Archive, viewer: str) -> None:
    record = ask(archive, viewer, f"/frames/{archive.ids[PUBLIC]}/")
    related = {archive.ids[kind] for kind in ("vqsoon", "vqmine", OTHERS) if kind in VIEWERS[viewer].sees}
    array = ask(archive, viewer, f"/frames/{archive.ids[PUBLIC]}/related/")
    assert set(record["related_frames"]) == {other["id"] for other in array} == related


@known
def test_choices_are_the_values_of_what_is_seen(archive: Archive, viewer: str) -> None:
    kinds = VIEWERS[viewer].sees - UNLISTED
    found = ask(archive, viewer, "/frames/aggregate/")
    assert set(found["sites"]) >= {f"{kind}-site_id" for kind in kinds - {"vqrewritten"}}
    assert len(found["sites"]) == len(kinds)
    page = archive.make_client(viewer).get("/", headers=BROWSER | archive.headers[viewer]).text
    assert all(f"{kind}-site_id" in page for kind in kinds - {"vqrewritten"})


@some
def test_a_search_for_what_is_hidden_finds_nothing(archive: Archive, viewer: str) -> None:
    for kind in VIEWERS[viewer].hidden:
        for search in list_searches(kind):
            page = ask(archive, viewer, "/frames/", **search)
            assert (page["count"], page["results"]) == (0, []), search
        assert ask(archive, viewer, "/frames/aggregate/", **search)["sites"] == []


def test_these_searches_find_what_is_seen(archive: Archive) -> None:
    for search in list_searches(PUBLIC):
        assert ask(archive, NOBODY, "/frames/", **search)["count"] == 1, search


@some
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_cursors_stand_on_what_is_seen(archive: Archive, ordering: str, viewer: str) -> None:
    """Also those that an operator has passed on, which stand on hidden frames."""
    options = {"ordering": ordering, "pagination_style": "cursor", "limit": 1}
    seen, passed_on = list_ids(archive, viewer), ask(archive, ADMIN, "/frames/", **options)["next"]
    found = set()
    for first in (f"/frames/?ordering={ordering}&pagination_style=cursor&limit=1", passed_on):
        address = first
        for _ in KINDS:
            page = ask(archive, viewer, address)
            found |= {record["id"] for record in page["results"]}
            assert {find_frame_id(archive, page[name], ordering) for name in ("next", "previous")} <= {None, *seen}
            address = page["next"]
            if address is None:
                break
        assert address is None
    assert found == seen


def find_frame_id(archive: Archive, address: str | None, ordering: str) -> int | None:
    """Return the frame on which the cursor of an address stands."""
    if address is None:
        return None
    with archive.app.app_context():
        return Cursor.from_token(parse_qs(urlsplit(address).query)["cursor"][0], ordering).frame_id


@known
@pytest.mark.parametrize("is_in_body", [False, True])
def test_a_zip_holds_what_is_seen(archive: Archive, viewer: str, is_in_body: bool) -> None:
    """By whom the request comes, or by whom the token in its body speaks for."""
    headers = archive.headers[viewer]
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    token = token if is_in_body and scheme == "Token" else ""  # a body holds no bearer's
    body = {"frame_ids": list(archive.ids.values()), "auth_token": token}
    client = archive.make_client(viewer)
    answer = client.post("/frames/zip/", json=body, headers={} if token else headers)
    names = {name.rpartition("/")[2] for name in zipfile.ZipFile(io.BytesIO(answer.data)).namelist()}
    assert names == {"MANIFEST.txt", *(f"{kind}-frame.fits" for kind in VIEWERS[viewer].sees - WITHOUT_VERSION)}
    assert archive.find_leaks(answer.data.decode("latin-1"), viewer, "") == []


@pytest.mark.parametrize("viewer", ["expired token", "revoked token", "token of a disabled operator"])
def test_a_token_in_a_body_that_works_no_more_opens_nothing(archive: Archive, viewer: str) -> None:
    token = archive.headers[viewer]["Authorization"].removeprefix("Token ")
    body = {"frame_ids": [archive.ids[PUBLIC]], "auth_token": token}
    answer = archive.app.test_client().post("/frames/zip/", json=body)
    assert (answer.status_code, answer.json["code"]) == (404, "bad_token")


def test_who_ingests_learns_that_a_file_is_there_and_no_more(archive: Archive) -> None:
    md5 = archive.md5s[archive.ids[OTHERS]]
    known = ask(archive, INGEST, "/versions/", md5=md5)
    assert (known["count"], known["results"], known["next"]) == (1, [], None)
    assert len(ask(archive, ADMIN, "/versions/", md5=md5)["results"]) == 1


def test_who_ingests_sees_their_own_jobs(archive: Archive) -> None:
    jobs = ask(archive, INGEST, "/ingest/jobs")
    assert ([job["id"] for job in jobs["results"]], sum(jobs["counts"].values())) == ([archive.own_job], 1)
    assert ask(archive, INGEST, f"/ingest/jobs/{archive.own_job}")["filename"] == "own.fits"
    others, missing = (
        archive.app.test_client().get(f"/ingest/jobs/{number}", headers=archive.headers[INGEST])
        for number in (archive.job, NO_JOB)
    )
    assert others.status_code == missing.status_code == 404
    retried = archive.app.test_client().post(f"/ingest/jobs/{archive.job}/retry", headers=archive.headers[INGEST])
    assert retried.status_code == 404
    assert others.json["detail"].replace(str(archive.job), str(NO_JOB)) == missing.json["detail"]


@pytest.mark.parametrize("viewer", [SESSION, MEMBER, NOBODY_AFTERWARDS])
def test_another_site_gets_nothing_by_a_users_cookies(archive: Archive, viewer: str) -> None:
    client = archive.make_client(viewer)
    answer = client.get("/frames/", headers={**archive.headers[viewer], "Origin": "https://elsewhere.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"  # with it no browser gives an answer asked with cookies
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["Cache-Control"] == "private, no-cache"

"""The JSON API of frames: records, lists, paging, ordering, what is hidden and what is refused."""

import datetime as dt
import itertools
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.extensions import db
from app.frames.models import Frame
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame, add_preview, build_version, square

SECRET = {"proposal_id": "SECRET2026A-001", "public_date": "2100-01-01"}


def basenames(answer: Any) -> list[str]:
    return [record["basename"] for record in answer.json["results"]]


def test_the_record_of_a_frame_whole(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        raw_id = add_frame("raw-e00", observation_date="2026-11-01T03:00:00.261")
        frame_id = add_frame(
            "reduced-e91", related_frame_filenames=["raw-e00"], area=square(0, 20, 2), reduction_level=91
        )
    record = client.get(f"/frames/{frame_id}/?include_thumbnails=true").json
    (version,) = record.pop("version_set")
    assert version.pop("url") == record.pop("url")
    assert dt.datetime.fromisoformat(version.pop("created")) <= dt.datetime.now(dt.UTC)
    stored = {name: value for name, value in build_version("reduced-e91").items() if name != "store_path"}
    assert version == stored | {"id": version["id"]}
    assert record.pop("created") <= record.pop("modified")
    shared = {
        "observation_date": "2026-11-01T03:00:00Z",
        "observation_day": "2026-11-01",
        "proposal_id": "OPEN2026A-001",
        "instrument_id": "fa01",
        "target_name": "M 42",
        "reduction_level": 91,
        "site_id": "cpt",
        "telescope_id": "1m0a",
        "exposure_time": 60.0,
        "primary_optical_element": "rp",
        "public_date": "2026-11-01T03:00:00Z",
        "configuration_type": "EXPOSE",
        "observation_id": 1000,
        "request_id": 2000,
    }
    old_names = (
        "DATE_OBS DAY_OBS PROPID INSTRUME OBJECT RLEVEL SITEID TELID EXPTIME FILTER L1PUBDAT OBSTYPE BLKUID REQNUM"
    )
    assert record == {
        "id": frame_id,
        "basename": "reduced-e91",
        "filename": "reduced-e91.fits.fz",
        "area": square(0, 20, 2),
        "related_frames": [raw_id],
        "thumbnails": [],
        **shared,
        **dict(zip(old_names.split(), shared.values(), strict=True)),
    }


def test_headers_and_related_frames_both_ways(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        reduced_id = add_frame("reduced-e91", related_frame_filenames=["raw-e00", "not-arrived"])
        raw_id = add_frame("raw-e00")
    assert client.get(f"/frames/{raw_id}/headers/").json == {"data": {"OBJECT": "M 42", "USERID": "observer"}}
    assert [frame["id"] for frame in client.get(f"/frames/{raw_id}/related/").json] == [reduced_id]
    assert [frame["id"] for frame in client.get(f"/frames/{reduced_id}/related/").json] == [raw_id]
    assert client.get(f"/frames/{reduced_id}/").json["related_frames"] == [raw_id]


def test_a_related_frame_that_arrives_later_fills_its_place(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        reduced_id = add_frame("reduced-e91", related_frame_filenames=["raw-e00"])
        assert basenames(client.get("/frames/")) == ["reduced-e91"]
        raw_id = add_frame("raw-e00")
    assert client.get(f"/frames/{raw_id}/").json["related_frames"] == [reduced_id]


def test_frames_without_version_or_date_are_not_listed(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        add_frame("no-version", contents=())
        add_frame("no-date", observation_date=None)
        add_frame("whole")
    assert basenames(client.get("/frames/")) == ["whole"]


def test_paths_answer_with_and_without_a_slash(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        frame_id = add_frame("a-frame")
    for path in (
        "/frames",
        f"/frames/{frame_id}",
        f"/frames/{frame_id}/headers",
        f"/frames/{frame_id}/related",
        "/health",
    ):
        assert client.get(path).status_code == client.get(f"{path}/").status_code == 200


class TestPaging:
    @pytest.fixture(autouse=True)
    def _frames(self, app: Flask) -> None:
        with app.app_context():
            for n in range(25):
                minute, exposure_time = n // 2, None if n % 3 == 0 else float(n % 5)
                add_frame(f"f{n:02d}", observation_date=f"2026-11-01T03:{minute:02d}", exposure_time=exposure_time)

    @pytest.mark.parametrize("style", ["offset", "cursor"])
    @pytest.mark.parametrize(
        "ordering", ["-observation_date", "observation_date", "exposure_time", "-exposure_time", "-id"]
    )
    def test_pages_make_up_the_whole_list_forth_and_back(self, client: FlaskClient, style: str, ordering: str) -> None:
        whole = basenames(client.get("/frames/", query_string={"ordering": ordering}))
        assert len(set(whole)) == 25
        page = client.get("/frames/", query_string={"ordering": ordering, "limit": 7, "pagination_style": style})
        pages = [basenames(page)]
        while following := page.json["next"]:
            page = client.get(following)
            pages.append(basenames(page))
        assert list(itertools.chain(*pages)) == whole
        back = []
        while previous := page.json["previous"]:
            page = client.get(previous)
            back.append(basenames(page))
        assert back == pages[-2::-1]

    def test_an_offset_page_counts(self, client: FlaskClient) -> None:
        page = client.get("/frames/?limit=10&offset=20&FILTER=rp").json
        assert (page["count"], page["count_estimated"], len(page["results"])) == (25, False, 5)
        assert page["next"] is None
        assert "offset=10" in page["previous"]
        assert "FILTER=rp" in page["previous"]
        assert "count" not in client.get("/frames/?pagination_style=cursor").json

    def test_a_limit_above_the_largest_is_the_largest(self, client: FlaskClient) -> None:
        assert len(basenames(client.get("/frames/?limit=5000"))) == 25

    def test_a_cursor_page_misses_none_while_others_arrive(self, app: Flask, client: FlaskClient) -> None:
        page = client.get("/frames/?limit=10&pagination_style=cursor")
        seen = basenames(page)
        with app.app_context():
            add_frame("newcomer", observation_date="2026-11-02")
        while following := page.json["next"]:
            page = client.get(following)
            seen += basenames(page)
        assert sorted(seen) == [f"f{n:02d}" for n in range(25)]

    def test_a_bad_cursor_is_no_first_page(self, client: FlaskClient) -> None:
        token = client.get("/frames/?limit=10&pagination_style=cursor").json["next"].split("cursor=")[-1]
        for query in ("cursor=junk", f"cursor={token}x", f"cursor={token}&ordering=id"):
            answer = client.get(f"/frames/?{query}")
            assert answer.status_code == 400, query
            assert "cursor" in answer.json, query


def test_every_ordering_sorts(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        for n, name in enumerate(["b", "B", "a", "é", "_"]):
            add_frame(name, target_name=name, exposure_time=float(n), observation_date=f"2026-11-0{n + 1}")
    for field in ("basename", "target_name"):
        assert basenames(client.get(f"/frames/?ordering={field}")) == ["B", "_", "a", "b", "é"]
        assert basenames(client.get(f"/frames/?ordering=-{field}")) == ["é", "b", "a", "_", "B"]
    assert basenames(client.get("/frames/")) == ["_", "é", "a", "B", "b"]


class TestVisibility:
    @pytest.fixture(autouse=True)
    def _frames(self, app: Flask) -> None:
        with app.app_context():
            self.secret_id = add_frame("secret", **SECRET)
            self.other_id = add_frame("other-secret", **SECRET | {"proposal_id": "OTHER"})
            self.open_id = add_frame("open", related_frame_filenames=["secret"])

    def test_lists_counts_and_relations(self, client: FlaskClient, as_member: Headers, as_operator: Headers) -> None:
        expected = {(): ["open"], tuple(as_member.items()): ["open", "secret"]}
        expected[tuple(as_operator.items())] = ["open", "other-secret", "secret"]
        for headers, names in expected.items():
            listed = client.get("/frames/?ordering=basename", headers=dict(headers))
            assert (basenames(listed), listed.json["count"]) == (names, len(names))
            related = client.get(f"/frames/{self.open_id}/", headers=dict(headers)).json["related_frames"]
            assert related == ([self.secret_id] if "secret" in names else [])

    def test_a_hidden_frame_is_hidden_everywhere(self, app: Flask, client: FlaskClient, as_member: Headers) -> None:
        with app.app_context():
            for basename in ("secret", "other-secret"):
                add_preview(basename)
        for path in ("", "headers/", "related/", "previews/small.jpg"):
            assert client.get(f"/frames/{self.secret_id}/{path}").status_code == 404
            assert client.get(f"/frames/{self.other_id}/{path}", headers=as_member).status_code == 404
            assert client.get(f"/frames/{self.secret_id}/{path}", headers=as_member).status_code == 200
        assert client.get(f"/frames/{self.open_id}/related/").json == []
        (related,) = client.get(f"/frames/{self.open_id}/related/", headers=as_member).json
        assert related["id"] == self.secret_id

    def test_public_false_gives_only_ones_own(self, client: FlaskClient, as_member: Headers) -> None:
        assert basenames(client.get("/frames/?public=false", headers=as_member)) == ["secret"]
        assert basenames(client.get("/frames/?public=false")) == []

    def test_an_unknown_token_is_not_taken_for_nobody(self, client: FlaskClient) -> None:
        answer = client.get("/frames/", headers={"Authorization": "Token unknown"})
        assert (answer.status_code, answer.json["code"]) == (401, "bad_token")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("taget_name=M42", "taget_name"),
        ("limit=0", "limit"),
        ("limit=ten", "limit"),
        ("offset=-1", "offset"),
        ("ordering=key", "ordering"),
        ("start=yesterday", "start"),
        ("end=2026-13-01", "end"),
        ("dayobs=2026", "dayobs"),
        ("reduction_level=raw", "reduction_level"),
        ("reduction_level=9999999999", "reduction_level"),
        ("observation_id=99999999999999999999", "observation_id"),
        ("exposure_time=nan", "exposure_time"),
        ("public=perhaps", "public"),
        ("covers=POINT(10)", "covers"),
        ("covers=POINT(10 95)", "covers"),
        ("intersects=POLYGON((0 0, 1 0, 1 1))", "intersects"),
        ("intersects=POLYGON((0 0, 1 0, 1 1, 0 5))", "intersects"),
        ("intersects=BOX(0 0, 1 0)", "intersects"),
        ("intersects=BOX(0 0, 1 91)", "intersects"),
        ("intersects=BOX(0 0)", "intersects"),
        ("intersects=POLYGON((0 0, 120 0, 240 0, 0 0))", "intersects"),
        ("ra=10", "dec"),
        ("ra=10&dec=95", "dec"),
        ("ra=10&dec=5&radius=-1", "radius"),
        ("radius=1", "radius"),
        ("position=nowhere at all", "position"),
        ("position=M42&ra=1&dec=1", "position"),
        ("target_name=a%00b", "target_name"),
        ("basename=cpt&basename=lsc", "basename"),
        ("pagination_style=pages", "pagination_style"),
        ("pagination_style=cursor&offset=5", "offset"),
        ("pagination_style=offset&cursor=x", "cursor"),
        ("covers=POINT(10 5, 1 1)", "covers"),
        ("covers=POINT(" + "1" * 8000 + ")", "covers"),
    ],
)
def test_bad_parameters_are_refused_by_name(client: FlaskClient, query: str, named: str) -> None:
    answer = client.get(f"/frames/?{query}")
    assert answer.status_code == 400
    assert answer.json["code"] == "bad_parameter"
    assert named in answer.json
    assert named in answer.json["detail"]


def test_a_mistyped_parameter_suggests_the_nearest(client: FlaskClient) -> None:
    for mistyped, meant in (
        ("taget_name", "target_name"),
        ("target", "target_name"),
        ("targt", "target_name"),
        ("filter", "FILTER"),
        ("day", "dayobs"),
    ):
        assert meant in client.get(f"/frames/?{mistyped}=x").json["detail"]


def test_links_name_the_public_address(make_app: MakeApp) -> None:
    app = make_app(PUBLIC_URL="https://archive.example.org/data/")
    with app.app_context():
        frame_id = add_frame("a-frame")
    answer = app.test_client().get(f"/frames/{frame_id}/", headers={"Host": "elsewhere.example.com"})
    assert answer.json["url"].startswith("https://archive.example.org/data/downloads/")


def ask_again(client: FlaskClient, path: str, tag: str, headers: Headers | None = None) -> int:
    return client.get(path, headers={"If-None-Match": tag} | (headers or {})).status_code


def test_a_client_that_has_the_record_is_told_so(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        frame_id = add_frame("a-e91")
    for path in (f"/frames/{frame_id}/", f"/frames/{frame_id}/headers/"):
        answer = client.get(path)
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert {"Accept", "Authorization", "Cookie"} <= set(answer.vary)
        tag = answer.headers["ETag"]
        again = client.get(path, headers={"If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Cache-Control"] == "private, no-cache"
        assert ask_again(client, path, '"other"') == 200
        assert ask_again(client, path, "*") == 304


def test_whatever_changes_a_record_is_told(app: Flask, client: FlaskClient, as_member: Headers) -> None:
    secret = {"public_date": "2100-01-01", "proposal_id": "SECRET2026A-001"}
    with app.app_context():
        frame_id = add_frame("a-e91")
    path = f"/frames/{frame_id}/?include_thumbnails=true"
    tags = [client.get(path).headers["ETag"]]
    changes = (
        lambda: add_frame("a-e91", contents=("second",)),
        lambda: add_frame("b-e92", related_frame_filenames=["a-e91"]),
        lambda: add_frame("a-e91", contents=("third",), target_name="M 43"),
        lambda: add_preview("a-e91"),
    )
    for change in changes:
        with app.app_context():
            change()
        assert ask_again(client, path, tags[-1]) == 200
        tags.append(client.get(path).headers["ETag"])
    with app.app_context():
        add_frame("c-e92", related_frame_filenames=["a-e91"], **secret)
    assert ask_again(client, path, tags[-1]) == 304, "a hidden relation changes nothing for others"
    assert ask_again(client, path, tags[-1], as_member) == 200
    assert len(set(tags)) == len(tags)


def test_a_frame_that_was_hidden_since_is_not_there(app: Flask, client: FlaskClient, as_member: Headers) -> None:
    with app.app_context():
        frame_id = add_frame("a-e91", proposal_id="SECRET2026A-001")
    paths = (f"/frames/{frame_id}/", f"/frames/{frame_id}/headers/")
    tags = [client.get(path).headers["ETag"] for path in paths]
    with app.app_context():
        db.session.execute(update(Frame).values(public_date=dt.datetime(2100, 1, 1, tzinfo=dt.UTC)))
        db.session.commit()
    for path, tag in zip(paths, tags, strict=True):
        assert [ask_again(client, path, seen) for seen in (tag, "*")] == [404, 404]
        assert client.get(path, headers={"If-None-Match": tag} | as_member).status_code in {200, 304}


def test_who_is_told_that_they_have_it_has_links_that_work(app: Flask, client: FlaskClient) -> None:
    """Links live for 48 hours: what is said to be good has links for 24 more."""
    with app.app_context():
        frame_id = add_frame("a-e91")
    path, begin_s = f"/frames/{frame_id}/", 24 * 3600 * 20_000

    def ask(hours: float, tag: str = "") -> Any:
        with patch("time.time", return_value=begin_s + hours * 3600):
            return client.get(path, headers={"If-None-Match": tag})

    tag = ask(0.5).headers["ETag"]
    assert ask(23.9, tag).status_code == 304
    fresh = ask(24.1, tag)
    assert fresh.status_code == 200
    assert ask(0.5).json["url"] != fresh.json["url"]

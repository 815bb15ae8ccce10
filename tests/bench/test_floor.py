"""The floor of the bench of searches answers what the archive answers: else its times would mean nothing."""

import datetime as dt

import orjson
import pytest
from flask import Flask
from sqlalchemy.engine import make_url
from werkzeug.test import Client

from app.accounts.actions import create_token, create_user
from app.extensions import db
from bench import floor_server
from bench.cases import CASES, draw_requests
from bench.catalogue import Catalogue
from bench.catalogue_rows import make_chunks
from bench.draws import BenchViewer, Sample
from bench.http_client import Request
from bench.loading import load_postgresql
from bench.search import pick_comparable

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def make_viewers(proposals: tuple[str, ...]) -> list[BenchViewer]:
    member = create_token(create_user("member", "x", proposals=proposals), "test")
    admin = create_token(create_user("admin", "x", is_admin=True), "test")
    db.session.commit()
    headers = [f"Authorization: Token {token}\r\n" for token in (member, admin)]
    return [
        BenchViewer("anonymous", "", ()),
        BenchViewer("member", headers[0], proposals),
        BenchViewer("operator", headers[1], None),
    ]


def ask(app: Flask, request: Request) -> dict:
    headers = dict(line.split(": ") for line in request.headers.splitlines())
    answer = app.test_client().get(request.path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.fixture
def archive(app: Flask, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Flask:
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    now = dt.datetime.now(dt.UTC)
    load_postgresql(url, make_chunks(Catalogue(2000, now)), lambda _line: None)
    return app


def test_every_case_is_answered_alike_for_every_viewer(archive: Flask) -> None:
    with archive.test_request_context():
        sample = Sample(seed=1)
        viewers = make_viewers(tuple(sorted({row.proposal_id for row in sample.rows if row.request_id})[:5]))
        asked = [(case, viewer, draw_requests(case, sample, viewer, 2, 1)) for case in CASES for viewer in viewers]
    floor, found = Client(floor_server.app), 0
    for case, viewer, requests in asked:
        for each in requests:
            theirs = orjson.loads(floor.get(each.floor.path).data)
            ours = ask(archive, each.archive)
            assert pick_comparable(case, ours) == pick_comparable(case, theirs), (
                case.name,
                viewer.name,
                each.archive.path,
            )
            found += len(ours.get("results", ()))
    assert found > 1000
    assert floor.get("/empty").data == b"{}"

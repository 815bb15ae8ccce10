"""Where reads go: to the replica, if there is one, else to the primary; here the two have different rows."""

import datetime as dt
import logging
import shutil
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import column, event, literal, select, table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.accounts.actions import create_token, create_user
from app.accounts.queries import TOKEN_HOLDER, hash_secret
from app.extensions import db
from app.frames.statements import HEADER, ONE, ONE_WITH_RELATED, PAGE, PAGE_WITH_RELATED
from app.often import OftenRead
from app.reading import read_primary
from tests.fixtures.application import MakeApp, migrate
from tests.fixtures.ingest import Headers, make_headers
from tests.frames_factory import add_frame, square
from tests.posted_frames import NIGHT_PATH, build_post, put_into_store

OFTEN = {
    "page": PAGE,
    "page with related frames": PAGE_WITH_RELATED,
    "frame": ONE,
    "frame with related frames": ONE_WITH_RELATED,
    "header": HEADER,
    "token": TOKEN_HOLDER,
}
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none"


@pytest.fixture
def replica_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> str:
    """The URL of another migrated, empty database of the same kind."""
    if database_url.startswith("sqlite"):
        copy = shutil.copyfile(request.getfixturevalue("migrated_sqlite"), tmp_path / "replica.db")
        return f"sqlite:///{copy}"
    url: str = request.getfixturevalue("postgres").create_database()
    migrate(url, tmp_path)
    return url


@pytest.fixture
def replica(make_app: MakeApp, replica_url: str) -> Flask:
    """An application whose database is the others' replica; it has two frames."""
    app = make_app(DATABASE_URL=replica_url)
    with app.app_context():
        add_frame("in-replica", target_name="Replica")
        add_frame("second")
    return app


@pytest.fixture
def app(make_app: MakeApp, replica: Flask, replica_url: str, database_url: str) -> Flask:
    """An application whose primary has one frame, of the same id as the replica's first."""
    app = make_app(DATABASE_URL=database_url, DATABASE_READER_URL=replica_url)
    with app.app_context():
        add_frame("in-primary", target_name="Primary")
    return app


def test_frames_come_from_the_replica(client: FlaskClient) -> None:
    assert client.get("/frames/1/").json["basename"] == "in-replica"
    found = client.get("/frames/").json
    assert found["count"] == 2
    assert {frame["basename"] for frame in found["results"]} == {"in-replica", "second"}
    assert client.get("/frames/?basename=in-primary").json["count"] == 0
    assert client.get("/frames/1/headers/").status_code == 200
    assert client.get("/frames/2/headers/").status_code == 200


def test_who_is_asking_the_primary_says(client: FlaskClient, app: Flask, replica: Flask) -> None:
    known, unknown = make_headers(app, "known"), make_headers(replica, "unknown")
    assert client.get("/frames/1/", headers=known).status_code == 200
    assert client.get("/frames/1/", headers=unknown).status_code == 401


def test_what_was_just_written_comes_from_the_primary(client: FlaskClient, as_operator: Headers) -> None:
    put_into_store(f"{NIGHT_PATH}/raw/posted.fits.fz", b"pixels")
    answer = client.post("/frames/", json=build_post("posted", b"pixels"), headers=as_operator)
    assert answer.status_code == 201, answer.text
    assert client.get(f"/frames/?basename_exact={answer.json['basename']}").json["count"] == 0, "the replica is late"


def test_while_the_replica_is_away_the_primary_is_read(
    make_app: MakeApp, app: Flask, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_app(DATABASE_URL=database_url, DATABASE_READER_URL=NOWHERE).test_client()
    with caplog.at_level(logging.WARNING, "app.reading"):
        assert [client.get("/frames/1/").json["basename"] for _ in range(2)] == ["in-primary"] * 2
        assert client.get("/frames/").json["count"] == 1
    told = [record.getMessage() for record in caplog.records if record.name == "app.reading"]
    assert len(told) == 1, "it is not asked again at once"
    assert told[0].startswith("the replica does not answer")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_read_goes_on_after_the_server_has_ended_its_connection(client: FlaskClient, app: Flask) -> None:
    for _ in range(2):
        assert client.get("/frames/1/").status_code == 200
        with app.app_context():
            end_connections(db.engines["replica"].url.render_as_string(hide_password=False))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_statements_are_prepared_unless_the_operator_says_otherwise(
    make_app: MakeApp, app: Flask, database_url: str
) -> None:
    for prepares in (True, False):
        asked = make_app(DATABASE_URL=database_url, DATABASE_PREPARED_STATEMENTS=str(prepares), DATABASE_READER_URL="")
        for _ in range(8):
            assert asked.test_client().get("/frames/1/").status_code == 200
        with asked.app_context(), db.engine.connect() as connection:
            prepared = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one()
            name = connection.exec_driver_sql("SHOW application_name").scalar_one()
        assert (prepared > 0, name) == (prepares, "archive")


@pytest.mark.parametrize("statement", OFTEN.values(), ids=OFTEN)
def test_the_driver_alone_gives_the_rows_that_sqlalchemy_gives(app: Flask, statement: OftenRead) -> None:
    with app.app_context():
        hidden = {"proposal_id": "mine", "public_date": None, "contents": ("first", "second")}
        add_frame("second", area=square(0.0, 89.0, 1.0), related_frame_filenames=["in-primary"], **hidden)
        token = create_token(create_user("pi", "pi", proposals=["mine", "theirs"]), "a script's")
        db.session.commit()
        sight = {"sees_all": False, "now": dt.datetime.now(dt.UTC), "proposals": ["mine"]}
        given = sight | {"ids": [1, 2], "id": 2, "hash": hash_secret(token)}
        asked = {name: given[name] for name in statement.statement.compile(db.engine).params if name in given}
        with db.engine.connect() as connection:
            expected = connection.execute(statement.statement, asked).all()
        assert expected
        for _ in range(2):  # the first answer has told the driver's types
            found = read_primary(statement, asked)
            assert [tuple(row) for row in found] == [tuple(row) for row in expected]
            assert found[0]._fields == tuple(expected[0]._fields)


def test_what_the_driver_refuses_is_an_error_of_sqlalchemy_and_costs_a_connection(app: Flask) -> None:
    with app.app_context():
        works = OftenRead(select(literal(1).label("one")))
        assert read_primary(works) == [(1,)]
        with pytest.raises(DBAPIError, match="nowhere"):
            read_primary(OftenRead(select(column("nothing")).select_from(table("nowhere"))))
        assert read_primary(works) == [(1,)]
        assert db.engine.pool.checkedout() == 0


def test_who_listens_to_statements_hears_all_of_them(client: FlaskClient, app: Flask) -> None:
    heard: list[str] = []
    with app.app_context():
        event.listen(db.engines["replica"], "before_cursor_execute", lambda *told: heard.append(told[2]))
    assert client.get("/frames/1/").status_code == 200
    assert any("FROM frame" in statement for statement in heard)


def end_connections(url: str) -> None:
    parts = make_url(url)
    with psycopg.connect(parts.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [parts.database],
        )

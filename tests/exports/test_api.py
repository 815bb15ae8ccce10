"""Exports of all frames of a search: what stands in each form, who gets what, and that nothing is kept of them."""

import csv
import datetime as dt
import hashlib
import io
import json
import re
import subprocess
import zipfile

import numpy as np
import pytest
from astropy.table import Table
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.accounts.actions import create_user
from app.exports.columns import COLUMNS, find_centre
from app.extensions import db
from app.frames import lists
from app.frames.models import Frame
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import log_in
from tests.frames_factory import add_frame, square
from tests.stored_frames import add_stored_frame

HIDDEN = {"public_date": "2999-01-01T00:00:00", "proposal_id": "theirs"}
ODD = '=HYPERLINK("x"), <&>\u2028 "quoted"'


@pytest.fixture
def frames(app: Flask) -> list[int]:
    """Five frames, the middle one hidden, the last with odd texts and no footprint."""
    with app.app_context():
        ids = [
            add_frame(
                f"frame-{number}",
                observation_date=f"2026-11-01T03:00:0{number}.25",
                area=square(10.0 * number, -5.0, 0.5),
                **(HIDDEN if number == 2 else {}),
            )
            for number in range(4)
        ]
        return [*ids, add_frame("odd", target_name=ODD, observation_date="2026-11-01T03:00:09", exposure_time=None)]


def read_csv(client: FlaskClient, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(f"/export.csv{query}").text, newline="")))


def test_csv_has_all_of_a_search_in_its_order(client: FlaskClient, frames: list[int]) -> None:
    answer = client.get("/export.csv?ordering=observation_date")
    assert answer.text.splitlines(keepends=True)[0] == ",".join(column.name for column in COLUMNS) + "\r\n"
    assert re.search(r"attachment; filename=ocs-frames-\d{8}-4\.csv", answer.headers["Content-Disposition"])
    rows = read_csv(client, "?ordering=observation_date")
    assert [int(row["id"]) for row in rows] == [frames[0], frames[1], frames[3], frames[4]]
    first, odd = rows[1], rows[-1]
    assert (float(first["ra"]), float(first["dec"])) == pytest.approx((10.0, -5.0), abs=1e-4)
    assert (first["observation_date"], first["size"]) == ("2026-11-01T03:00:01.250000Z", "1000")
    assert client.get(first["url"]).status_code == 404  # the link is good; the file of this frame is made up
    assert (odd["target_name"], odd["exposure_time"], odd["s_region"]) == (f"'{ODD}", "", "")


def test_no_cell_is_a_formula(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        for number, sign in enumerate("=+-@"):
            add_frame(f"{sign}frame", target_name=f"{sign}1+1", exposure_time=number, area=square(10, -5, 1))
    texts = [value for row in read_csv(client) for value in row.values() if value]
    assert [text for text in texts if text[0] in "=+-@" and not re.fullmatch(r"-\d+(\.\d+)?", text)] == []


def test_votable_is_read_by_astropy(client: FlaskClient, frames: list[int]) -> None:
    table = Table.read(io.BytesIO(client.get("/export.vot?ordering=observation_date").data), format="votable")
    assert table.colnames == [column.name for column in COLUMNS]
    assert list(table["id"]) == [frames[0], frames[1], frames[3], frames[4]]
    assert (table["ra"].unit, table["exposure_time"].unit, table["size"].unit) == ("deg", "s", "byte")
    assert table["ra"].meta["ucd"] == "pos.eq.ra;meta.main"
    assert table["target_name"][3] == ODD
    assert table["exposure_time"].mask.tolist() == [False, False, False, True]
    empty = Table.read(io.BytesIO(client.get("/export.vot?site_id=nowhere").data), format="votable")
    assert len(empty) == 0


def test_json_lines_are_the_records_of_the_api(client: FlaskClient, frames: list[int]) -> None:
    lines = [json.loads(line) for line in client.get("/export.jsonl?site_id=cpt").data.splitlines()]
    records = client.get("/frames/?site_id=cpt").json["results"]
    without_links = [
        {name: value for name, value in record.items() if name not in {"url", "version_set"}}
        for record in (*lines, *records)
    ]
    assert without_links[:4] == without_links[4:]


def test_regions_have_the_footprints(client: FlaskClient, frames: list[int]) -> None:
    *begin, first, second, third = client.get("/export.reg?ordering=id").text.splitlines()
    assert begin[-1] == "icrs"
    corners = "9.7500000,-5.2500000,10.2500000,-5.2500000,10.2500000,-4.7500000,9.7500000,-4.7500000"
    assert second == f"polygon({corners}) # text={{frame-1}}"
    assert ("359.75" in first, "frame-3" in third) == (True, True)


def test_links_and_zip_give_the_files(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        for name in ("one", "two"):
            add_stored_frame(name, name.encode())
        add_stored_frame("hidden", b"hidden", **HIDDEN)
    links = client.get("/export.txt?ordering=id").text.splitlines()
    assert [client.get(link).data for link in links] == [b"one", b"two"]
    with zipfile.ZipFile(io.BytesIO(client.get("/export.zip?basename=one").data)) as zipped:
        assert [name.rpartition("/")[2] for name in zipped.namelist()] == ["MANIFEST.txt", "one.fits"]
    assert client.get("/export.zip?basename=hidden").status_code == 404


def test_fresh_links_of_files(app: Flask, client: FlaskClient) -> None:
    contents = (b"one", b"two", b"hidden")
    md5s = [hashlib.md5(content).hexdigest() for content in contents]
    with app.app_context():
        add_stored_frame("one", b"one")
        add_stored_frame("two", b"two")
        add_stored_frame("hidden", b"hidden", **HIDDEN)
    lines = client.post("/links/", data={"md5": [*md5s, "0" * 32]}).text.splitlines()
    found = dict(line.split("\t") for line in lines)
    assert found.keys() == set(md5s[:2])
    assert client.get(found[md5s[1]]).data == b"two"
    assert client.post("/links/", data={"md5": "x"}).json["code"] == "bad_parameter"
    assert client.post("/links/", data={"md5": ["0" * 32] * 501}).status_code == 400


def test_the_script_is_one(client: FlaskClient, frames: list[int]) -> None:
    script = client.get("/export.sh").text
    assert "@" + "LINKS@" not in script
    assert len(re.findall(r"^[0-9a-f]{32}\t1000\t\S+$", script, re.MULTILINE)) == 4
    subprocess.run(["dash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("query", ["?limit=1", "?cursor=x", "?colour=blue", "?start=never"])
def test_what_no_export_knows_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/export.csv{query}").json["code"] == "bad_parameter"


def test_rows_are_fetched_as_they_go_out(make_app: MakeApp, frames: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read ahead, no connection is kept, and what is hidden meanwhile is left out."""
    monkeypatch.setattr(lists, "BATCH", 2)
    app = make_app()
    answer = app.test_client().get("/export.csv?ordering=id", buffered=False)
    blocks = iter(answer.response)
    assert next(blocks).startswith(b"id,")
    assert len(next(blocks).splitlines()) == 2
    with app.app_context():
        assert db.engine.pool.checkedout() == 0
        later = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
        db.session.execute(update(Frame).where(Frame.id == frames[4]).values(public_date=later))
        db.session.commit()
    assert len(next(blocks).splitlines()) == 1
    assert list(blocks) == []


def test_own_frames_are_exported_to_who_is_logged_in(app: Flask, client: FlaskClient, frames: list[int]) -> None:
    with app.app_context():
        create_user("member", "secret", proposals=["theirs"])
        db.session.commit()
    assert len(read_csv(client)) == 4
    log_in(client, "member")
    assert len(read_csv(client)) == 5


def test_the_middle_of_a_footprint_at_a_seam_and_a_pole() -> None:
    assert find_centre(np.array(square(0.1, 20, 1)["coordinates"][0])) == pytest.approx((0.1, 20), abs=2e-3)
    cap = np.array([(ra, 89.0) for ra in (0, 90, 180, 270, 0)], float)
    assert find_centre(cap)[1] == pytest.approx(90)

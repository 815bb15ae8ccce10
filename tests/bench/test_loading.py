"""A catalogue comes into both databases whole, also one from files; the archive finds what is in it."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, inspect, select
from sqlalchemy.engine import make_url

from app.extensions import db
from app.frames.models import Frame, Header, RelatedFrame, Version
from bench.catalogue import Catalogue
from bench.catalogue_rows import FRAME_COLUMNS, Chunk, make_chunks
from bench.loading import load_postgresql, load_sqlite, read_csv

COLUMNS = (
    "id,basename,extension,observation_date,observation_day,proposal_id,instrument_id,target_name,reduction_level,site_id,"
    "telescope_id,exposure_time,primary_optical_element,public_date,configuration_type,observation_id,request_id,area,"
    "key,md5,size,created,related_ids"
)
FILES = {
    "frames": (
        COLUMNS,
        "1,lsc1-b00,.fits.fz,2018-01-03T16:58:11.263Z,2018-01-03,calibrate,ef20,,0,lsc,1m0a,0.0,rp,"
        "2018-01-03T16:58:11.263Z,BIAS,7,,,k1,m1,100,2018-01-03T17:08:03.498Z,{}",
        "2,lsc2-e91,.fits.fz,2018-01-03T17:58:46.445Z,2018-01-03,LCO2018A-001,ef20,Ångström 1,91,lsc,1m0a,5.0,B,"
        '3017-01-11T10:58:46.445Z,EXPOSE,8,9,"POLYGON((359.9 -0.1,0.1 -0.1,0.1 0.1,359.9 0.1,359.9 -0.1))",k3,m3,200,'
        '2018-01-03T18:08:26.322Z,"{1}"',
    ),
    "versions": (
        "frame_id,key,md5,extension,size,created",
        "1,k1,m1,.fits.fz,100,2018-01-03T17:08:03.498Z",
        "2,k2,m2,.fits.fz,199,2018-01-03T18:08:26.322Z",
        "2,k3,m3,.fits.fz,200,2018-02-02T18:08:26.322Z",
    ),
    "headers": (
        "frame_id,headers",
        '1,"{""SIMPLE"":true,""SITEID"":""lsc""}"',
        '2,"{""SIMPLE"":true,""SITE"":""node \\"" at lsc""}"',
    ),
    "related": ("from_id,to_id", "2,1"),
}


def load(chunks: Iterable[Chunk]) -> None:
    url = make_url(db.engine.url)
    if db.engine.dialect.name == "sqlite":
        load_sqlite(Path(str(url.database)), chunks, lambda _line: None)
    else:
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        load_postgresql(plain, chunks, lambda _line: None)


def count(*models: type) -> list[int]:
    return [db.session.scalar(select(func.count()).select_from(model)) for model in models]


def list_indexes() -> set[str]:
    found = inspect(db.engine)
    return {index["name"] for table in ("frame", "version", "related_frame") for index in found.get_indexes(table)}


def test_a_made_up_catalogue_is_loaded_and_found(app: Flask, client: FlaskClient) -> None:
    (chunk,) = make_chunks(Catalogue(400, dt.datetime(2026, 11, 1, tzinfo=dt.UTC)))
    with app.app_context():
        indexes = list_indexes()
        load([chunk])
        rows = [chunk.frames, chunk.versions, chunk.headers, chunk.related]
        assert count(Frame, Version, Header, RelatedFrame) == [len(each) for each in rows]
        assert list_indexes() == indexes
    row = next(row for row in chunk.frames if row[FRAME_COLUMNS.index("area")] and row[13] < "2025")
    ra_deg, dec_deg, *_ = row[FRAME_COLUMNS.index("area")]
    found = client.get("/frames/", query_string={"covers": f"POINT({ra_deg} {dec_deg})"}).json["results"]
    record = next(record for record in found if record["id"] == row[0])
    assert record["basename"] == row[1]
    assert record["observation_date"] == row[2].replace(" ", "T") + "Z"
    assert len(client.get(f"/frames/{row[0]}/headers/").json["data"]) == 10


def test_a_catalogue_of_files_is_loaded(app: Flask, tmp_path: Path) -> None:
    for name, lines in FILES.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    with app.app_context():
        load(read_csv(tmp_path))
        assert count(Frame, Version, Header, RelatedFrame) == [2, 3, 2, 1]
        frame = db.session.get(Frame, 2)
        assert (frame.target_name_ascii, frame.request_id, len(frame.versions)) == ("angstrom 1", 9, 2)
        assert frame.observation_date == dt.datetime(2018, 1, 3, 17, 58, 46, 445000, tzinfo=dt.UTC)
        assert frame.area.tolist()[0] == pytest.approx([359.9, -0.1])
        assert db.session.get(Header, 2).data["SITE"] == 'node " at lsc'
        assert db.session.get(Frame, 1).area is None

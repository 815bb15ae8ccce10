"""A frame's record: each of its fields, under its names; its header and the frames related to it."""

import datetime as dt
import hashlib
from typing import Any

import pytest

from app.frames.records import OLD_NAMES
from tests.contract.stock import BIAS, FRAMES, MEMBER, OPERATOR, SCIENCE, SECRET, Archive
from tests.frames_factory import A_FRAME, square

#: What each frame's record says, beside the files and the frames that its test looks at.
RECORDS: dict[str, dict[str, Any]] = {
    SCIENCE: {
        "basename": SCIENCE,
        "filename": f"{SCIENCE}.fits.fz",
        "area": square(0, 0, 2),
        "reduction_level": 91,
        "observation_day": "2026-10-31",
        "observation_date": "2026-11-01T03:00:00.500000Z",
        "proposal_id": "OPEN2026A-001",
        "instrument_id": "fa01",
        "target_name": "Éta Carinæ",
        "site_id": "cpt",
        "telescope_id": "1m0a",
        "exposure_time": 60.0,
        "primary_optical_element": "rp",
        "public_date": "2026-11-02T00:00:00Z",
        "configuration_type": "EXPOSE",
        "observation_id": 1000,
        "request_id": 2000,
        "DATE_OBS": "2026-11-01T03:00:00.500000Z",
        "DAY_OBS": "2026-10-31",
        "PROPID": "OPEN2026A-001",
        "INSTRUME": "fa01",
        "OBJECT": "Éta Carinæ",
        "RLEVEL": 91,
        "SITEID": "cpt",
        "TELID": "1m0a",
        "EXPTIME": 60.0,
        "FILTER": "rp",
        "L1PUBDAT": "2026-11-02T00:00:00Z",
        "OBSTYPE": "EXPOSE",
        "BLKUID": 1000,
        "REQNUM": 2000,
    },
    BIAS: {
        "basename": BIAS,
        "filename": f"{BIAS}.fits.fz",
        "area": None,
        "reduction_level": 0,
        "observation_day": "2026-11-02",
        "observation_date": "2026-11-02T03:00:00Z",
        "proposal_id": "calibrate",
        "instrument_id": "kb05",
        "target_name": "",
        "site_id": "coj",
        "telescope_id": "",
        "exposure_time": None,
        "primary_optical_element": "",
        "public_date": "2026-11-02T03:00:00Z",
        "configuration_type": "BIAS",
        "observation_id": None,
        "request_id": None,
        "DATE_OBS": "2026-11-02T03:00:00Z",
        "DAY_OBS": "2026-11-02",
        "PROPID": "calibrate",
        "INSTRUME": "kb05",
        "OBJECT": "",
        "RLEVEL": 0,
        "SITEID": "coj",
        "TELID": "",
        "EXPTIME": None,
        "FILTER": "",
        "L1PUBDAT": "2026-11-02T03:00:00Z",
        "OBSTYPE": "BIAS",
        "BLKUID": None,
        "REQNUM": None,
    },
}
OF_A_VERSION = {"id", "created", "key", "md5", "extension", "url"}
TWO_DAYS_S = 48 * 3600


def get(archive: Archive, basename: str, **query: str) -> dict[str, Any]:
    record: dict[str, Any] = archive.get(f"/frames/{archive.ids[basename]}/", **query).json
    return record


@pytest.mark.parametrize("basename", RECORDS)
def test_the_whole_record(archive: Archive, basename: str) -> None:
    record = get(archive, basename)
    related = {SCIENCE: [BIAS], BIAS: [SCIENCE]}  # whoever names the other
    for name in ("created", "modified"):
        assert dt.datetime.fromisoformat(record.pop(name)).utcoffset() == dt.timedelta(0)
    (version,) = record.pop("version_set")
    assert version.keys() >= OF_A_VERSION
    assert record.pop("url") == version["url"]
    ids = {"id": archive.ids[basename], "related_frames": [archive.ids[name] for name in related[basename]]}
    assert record == RECORDS[basename] | ids


def test_the_list_shows_the_same_records(archive: Archive) -> None:
    (record,) = archive.get("/frames/", basename_exact=SCIENCE).json["results"]
    alone = get(archive, SCIENCE)
    assert record.keys() == alone.keys()
    assert {name for name in record if record[name] != alone[name]} <= {"url", "version_set"}  # signed anew


def test_every_old_name_has_the_value_of_the_new(archive: Archive) -> None:
    record = get(archive, SCIENCE)
    assert {old: record[old] for old in OLD_NAMES} == {old: record[new] for old, new in OLD_NAMES.items()}


def test_the_url_downloads_the_newest_version_without_any_header(archive: Archive) -> None:
    record = get(archive, SCIENCE)
    content = archive.client.get(record["url"])
    assert record["url"].startswith("http://")
    assert content.headers["Content-Disposition"] == f"attachment; filename={SCIENCE}.fits.fz"
    assert hashlib.md5(content.data).hexdigest() == record["version_set"][0]["md5"]


@pytest.mark.parametrize(("age_s", "status"), [(TWO_DAYS_S - 60, 200), (TWO_DAYS_S + 60, 404)])
def test_the_url_works_for_48_hours(archive: Archive, monkeypatch: pytest.MonkeyPatch, age_s: int, status: int) -> None:
    url = get(archive, SCIENCE)["url"]
    now_s = dt.datetime.now(dt.UTC).timestamp()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now_s + age_s)
    assert archive.client.get(url).status_code == status


@pytest.mark.parametrize("path", ["/frames/{id}/", "/frames/"])
def test_with_and_without_what_hangs_on_a_frame(archive: Archive, path: str) -> None:
    def read(**query: str) -> dict[str, Any]:
        answer = archive.get(path.format(id=archive.ids[SCIENCE]), **query).json
        records = [record for record in answer.get("results", [answer]) if record["basename"] == SCIENCE]
        found: dict[str, Any] = records[0]
        return found

    (thumbnail,) = read(include_thumbnails="true")["thumbnails"]
    assert thumbnail.keys() >= {"id", "size", "url"}
    assert archive.client.get(thumbnail["url"]).mimetype == "image/jpeg"
    assert "thumbnails" not in read()
    assert "related_frames" in read(include_related_frames="true")
    assert "related_frames" not in read(include_related_frames="false")


def test_the_header(archive: Archive) -> None:
    for basename in (SCIENCE, BIAS):
        expected = {"data": FRAMES[basename].get("headers", A_FRAME["headers"])}
        assert archive.get(f"/frames/{archive.ids[basename]}/headers/").json == expected


@pytest.mark.parametrize(("viewer", "related"), [(MEMBER, [BIAS, SECRET]), (OPERATOR, [BIAS, SECRET])])
def test_related_frames_are_a_bare_array_of_records(archive: Archive, viewer: str, related: list[str]) -> None:
    records = archive.get(f"/frames/{archive.ids[SCIENCE]}/related/", viewer).json
    assert [record["basename"] for record in records] == related
    assert records[0].keys() >= RECORDS[BIAS].keys()

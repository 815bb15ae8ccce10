"""What a control system may send: metadata that a database holds, and paths and names that lead somewhere."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, make_headers

DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "metadata",
    ['{"a": NaN}', '{"a": [-Infinity]}', '{"a": 1e999}', r'{"a": "\u0000"}', r'{"\ud800": 1}', f'{{"a": {DEEP}}}'],
)
def test_metadata_that_no_database_holds_are_refused(
    metadata: str, client: FlaskClient, as_operator: Headers, tmp_path: Path
) -> None:
    with write_fits(tmp_path / "good.fits").open("rb") as content:
        form = {"file": (content, "good.fits"), "file_metadata": metadata}
        answer = client.post("/ingest/jobs", data=form, headers=as_operator)
    assert (answer.status_code, answer.json["code"]) == (400, "bad_parameter")
    assert "file_metadata" in answer.json


def test_metadata_in_a_json_body_are_checked_too(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(INGEST_ROOTS=str(tmp_path))
    headers = make_headers(app, "tcs", is_admin=True)
    nested: object = 1
    for _level in range(30):
        nested = {"a": nested}
    for metadata, status in (({"a": float("nan")}, 400), (nested, 400), ({"a": [{"b": 1.5}, "ü"]}, 202)):
        body = json.dumps({"filepath": str(tmp_path / "x.fits"), "file_metadata": metadata})
        answer = app.test_client().post("/ingest/jobs", data=body, headers=headers, content_type="application/json")
        assert answer.status_code == status, metadata


def test_paths_that_lead_nowhere_are_refused(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(INGEST_ROOTS=str(tmp_path))
    headers = make_headers(app, "tcs", is_admin=True)
    (tmp_path / "loop").symlink_to("loop")
    for name in ("\ud800.fits", "\udc80/x.fits", "\0.fits", "loop", "loop/x.fits", "n" * 5000):
        answer = app.test_client().post("/ingest/jobs", json={"filepath": f"{tmp_path}/{name}"}, headers=headers)
        assert answer.status_code == 400, name

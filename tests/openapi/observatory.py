"""A small archive for the document's tests, and one request to each of its addresses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from app.accounts.actions import create_token, create_user
from app.extensions import db
from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, Work, upload
from tests.posted_frames import build_post
from tests.stored_frames import add_stored_frame, build_mosaic

PUBLIC_URL = "https://archive.example.org"
NAME = "coj1m011-kb05-20240219-0125-e91"
MOSAIC = "cpt1m012-fa01-20261101-0042-e91"
POSTED = "cpt1m012-fa01-20261101-0043-e91"
PICTURE = {"key": "1", "md5": "0" * 32, "extension": ".jpg"}


@dataclass(frozen=True)
class Request:
    """One request; a GET, unless it has a body."""

    path: str
    json: dict[str, Any] | None = None
    is_post: bool = False
    form: dict[str, str] | None = None

    @property
    def method(self) -> str:
        return "POST" if self.is_post or self.json is not None or self.form else "GET"


#: In this order: some change what the next ones find. Frame 1 was ingested, frame 2 is the mosaic.
REQUESTS = {
    "ingest_views.list_jobs": Request("/ingest/jobs?state=archived"),
    "ingest_views.show_job": Request("/ingest/jobs/1"),
    "ingest_api.retry_job": Request("/ingest/jobs/2/retry", is_post=True),
    "ingest_api.create_job": Request("/ingest/jobs", {"filepath": f"{{incoming}}/{NAME}.fits.fz"}),
    "frames_api.list_frames": Request(f"/frames/?basename={NAME}&include_thumbnails=true"),
    "frames_views.show_frame": Request("/frames/1/"),
    "frames_views.show_preview": Request("/frames/1/previews/small.jpg"),
    "calibrations_views.show_calibrations": Request("/frames/1/calibrations"),
    "frames_api.show_headers": Request("/frames/2/headers/"),
    "frames_api.list_related": Request("/frames/1/related/"),
    "frames_api.show_aggregate": Request("/frames/aggregate/?start=2024-01-01"),
    "exports.export_csv": Request("/export.csv?basename=e91"),
    "exports.export_votable": Request("/export.vot?basename=e91"),
    "exports.export_json_lines": Request("/export.jsonl?ordering=id"),
    "exports.export_regions": Request("/export.reg"),
    "exports.export_urls": Request("/export.txt"),
    "exports.export_script": Request("/export.sh"),
    "exports.export_zip": Request(f"/export.zip?basename_exact={NAME}"),
    "exports.list_links": Request("/links/", form={"md5": "0" * 32}),
    "targets.list_targets": Request("/targets/", {"targets": ["M 42", "5:35:17 -5:23:28"], "radius": 1.5}),
    "targets.export_targets": Request("/targets/targets.csv", form={"targets": "M 42"}),
    "targets.export_frames": Request("/targets/frames.csv", form={"targets": "M 42"}),
    "bundles.download_zip": Request("/frames/zip/", {"frame_ids": [1, 2]}),
    "bundles.download_unpacked": Request("/frame-funpack/2/funpack/"),
    "bundles.download_catalog": Request("/frame-catalog/2/catalog/"),
    "frames_api.post_frame": Request("/frames/", build_post(POSTED, b"content", headers={"OBJECT": "M 42"})),
    "versions_api.list_versions": Request("/versions/?limit=1"),
    "versions_api.show_version": Request("/versions/1/"),
    "thumbnails_api.post_thumbnail": Request(
        "/thumbnails/",
        {
            "frame_basename": POSTED,
            "size": "small",
            "observation_date": "2026-11-01T03:00:00",
            "site_id": "cpt",
            "instrument_id": "fa01",
            "version_set": [PICTURE],
        },
    ),
    "thumbnails_api.list_thumbnails": Request("/thumbnails/?limit=1&size=small"),
    "thumbnails_api.show_thumbnail": Request("/thumbnails/1/"),
    "accounts_api.show_profile": Request("/profile/"),
    "accounts_api.show_token": Request("/api-token-auth/", {"username": "operator", "password": "secret"}),
    "accounts_api.replace_token": Request("/revoke_token/", is_post=True),
    "monitoring.show_health": Request("/health/"),
    "monitoring.show_readiness": Request("/ready"),
    "monitoring.show_metrics": Request("/metrics"),
    "openapi_api.show_document": Request("/openapi/"),
    "downloads.download": Request("{download}"),
    "downloads.show_thumbnail": Request("{picture}"),
}


class Observatory:
    """An archive with a frame that came by ingest, one with a catalogue, and a file that was no FITS."""

    def __init__(self, make_app: MakeApp, incoming: Path) -> None:
        self.incoming = incoming
        self.app: Flask = make_app(PUBLIC_URL=PUBLIC_URL, INGEST_ROOTS=str(incoming))
        self.client: FlaskClient = self.app.test_client()
        with self.app.app_context():
            token = create_token(create_user("operator", "secret", is_admin=True), "script")
            db.session.commit()
        self.headers: Headers = {"Authorization": f"Token {token}"}

    def fill(self, work: Work) -> None:
        """Archive the frames."""
        write_fits(self.incoming / f"{NAME}.fits.fz", compressed=True, L1PUBDAT="2024-02-20", L1IDBIAS=None)
        (self.incoming / "broken.fits").write_text("no FITS at all")
        for file in (f"{NAME}.fits.fz", "broken.fits"):
            upload(self.client, self.headers, self.incoming / file)
            work()
        with self.app.app_context():
            add_stored_frame(MOSAIC, build_mosaic(), ".fits.fz", reduction_level=91, related_frame_filenames=[NAME])

    def ask(self, endpoint: str) -> Any:
        """Send an endpoint's request, as the operator."""
        request = REQUESTS[endpoint]
        path = request.path.format(**self._list_links()) if "{" in request.path else request.path
        body = {name: self._fill_in(value) for name, value in request.json.items()} if request.json else None
        return self.client.open(path, method=request.method, json=body, data=request.form, headers=self.headers)

    def _list_links(self) -> dict[str, str]:
        """Return the links of frame 1: to its file, and to its picture."""
        record = self.client.get("/frames/1/?include_thumbnails=true").json
        return {"download": record["url"], "picture": record["thumbnails"][0]["url"]}

    def _fill_in(self, value: Any) -> Any:
        return value.format(incoming=self.incoming) if isinstance(value, str) else value

"""What the archive of the contract's tests holds, and who looks at it: rows as data, and nothing that tests change."""

import io
from collections.abc import Mapping
from typing import Any

from astropy.io import fits
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.ingest import Headers, make_headers
from tests.frames_factory import add_frame, add_preview, square
from tests.stored_frames import add_stored_frame, build_mosaic

SCIENCE, BIAS = "cpt1m010-fa01-20261031-0001-e91", "coj1m011-kb05-20261102-0002-b00"
SECRET, FOREIGN = "cpt1m010-fa01-20261103-0003-e91", "cpt1m010-fa01-20261103-0004-e91"
NO_DATE, NO_VERSION = "cpt1m010-fa01-20261104-0005-e91", "cpt1m010-fa01-20261104-0006-e91"
SOME_DAY = "2100-01-01"

#: Frames that lists show. The bias says nothing that it need not say.
FRAMES: Mapping[str, Mapping[str, Any]] = {
    SCIENCE: {
        "observation_date": "2026-11-01T03:00:00.500",
        "observation_day": "20261031",
        "public_date": "2026-11-02",
        "target_name": "Éta Carinæ",
        "reduction_level": 91,
        "area": square(0, 0, 2),
        "related_frame_filenames": [BIAS, SECRET],
    },
    BIAS: {
        "observation_date": "2026-11-02T03:00:00",
        "public_date": "2026-11-02T03:00:00",
        "configuration_type": "BIAS",
        "instrument_id": "kb05",
        "site_id": "coj",
        "telescope_id": "",
        "proposal_id": "calibrate",
        "target_name": "",
        "exposure_time": None,
        "primary_optical_element": "",
        "observation_id": None,
        "request_id": None,
        "headers": {},
    },
    SECRET: {"observation_date": "2026-11-03T03:00:00", "public_date": SOME_DAY, "proposal_id": "SECRET2026A-001"},
    FOREIGN: {"observation_date": "2026-11-03T04:00:00", "public_date": SOME_DAY, "proposal_id": "FOREIGN2026A-001"},
}
#: Frames that no list shows.
UNLISTED: Mapping[str, Mapping[str, Any]] = {NO_DATE: {"observation_date": None}, NO_VERSION: {"contents": ()}}

NOBODY, MEMBER, OPERATOR = "nobody", "member", "operator"
USERS: Mapping[str, Mapping[str, Any]] = {
    MEMBER: {"proposals": ["SECRET2026A-001"]},
    OPERATOR: {"is_admin": True},
}
#: Which of the frames each viewer may see.
SEEN = {NOBODY: {SCIENCE, BIAS}, MEMBER: {SCIENCE, BIAS, SECRET}, OPERATOR: set(FRAMES)}


class Archive:
    """An archive that tests only read: its frames by their basenames, and a way to ask as each viewer."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.headers: dict[str, Headers] = {NOBODY: {}}
        self.headers |= {name: make_headers(app, name, **rights) for name, rights in USERS.items()}
        with app.app_context():
            self.ids = {name: add_stored_frame(name, _pack(name), ".fits.fz", **FRAMES[name]) for name in FRAMES}
            self.ids |= {name: add_frame(name, **fields) for name, fields in UNLISTED.items()}
            for name in (SCIENCE, SECRET):
                add_preview(name)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def get(self, path: str, viewer: str = NOBODY, **query: Any) -> TestResponse:
        return self.client.get(path, query_string=query or None, headers=self.headers[viewer])

    def post(self, path: str, viewer: str = NOBODY, **body: Any) -> TestResponse:
        return self.client.post(path, headers=self.headers[viewer], **body)

    def list_basenames(self, viewer: str = NOBODY, **query: Any) -> list[str]:
        """Return what a search finds, in its order."""
        answer = self.get("/frames/", viewer, **query)
        assert answer.status_code == 200, answer.text
        return [record["basename"] for record in answer.json["results"]]


def _pack(basename: str) -> bytes:
    """Return a compressed file with a catalogue, unlike any other frame's."""
    written = io.BytesIO()
    with fits.open(io.BytesIO(build_mosaic()), disable_image_compression=True) as hdus:
        hdus[0].header["ORIGNAME"] = basename
        hdus.writeto(written)
    return written.getvalue()

"""The archive that is fuzzed: a web server with a few frames, pictures and jobs, and whoever asks it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from app import create_app
from app.config import AppConfig
from app.extensions import db
from app.ingest.models import IngestJob, JobState
from tests.contract.stock import Archive
from tests.fixtures.application import SECRET_KEY, migrate
from tests.jobs_factory import add_attempt, add_job
from tests.services import NO_LIMITS
from tests.web_server import running_web_server

ROWS = tuple(range(1, 9))  # numbers that rows have: the archive holds a few of each kind
REPLACE_TOKEN = "/revoke_token/"


@dataclass
class Viewer:
    """Whoever asks, and the headers that say so."""

    name: str
    headers: dict[str, str] = field(default_factory=dict)

    def take_new_token(self, response: Any) -> None:
        """Go on with the token that an answer has put in the place of this viewer's."""
        request = response.request
        if self.headers and (request.method, request.path_url, response.status_code) == ("POST", REPLACE_TOKEN, 200):
            self.headers = {"Authorization": f"Token {response.json()['token']}"}


@dataclass(frozen=True)
class Site:
    """A running archive."""

    url: str
    viewers: Mapping[str, Viewer]

    def list_downloads(self) -> list[tuple[str, str]]:
        """Return the token and the file's name of each link, to a file or a picture, that anybody sees."""
        records = requests.get(f"{self.url}/frames/?include_thumbnails=true", timeout=60).json()["results"]
        shown = [*records, *(picture for record in records for picture in record["thumbnails"])]
        return [tuple(one["url"].split("/")[-2:]) for one in shown]


@contextmanager
def running_site(folder: Path, database_url: str, redis_url: str) -> Iterator[Site]:
    """Run the web server of an archive with a little of everything in it; what it logs is in ``web.log``."""
    settings = {
        "DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": SECRET_KEY,
        "FILESTORE_TYPE": "local",
        "FILESYSTEM_STORAGE_ROOT_DIR": str(folder / "files"),
        "INGEST_ROOTS": str(folder / "incoming"),
    } | NO_LIMITS
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        migrate(database_url, folder)
        archive = Archive(create_app(AppConfig.from_env(settings)))
        _add_jobs(archive)
        viewers = {name: Viewer(name, dict(headers)) for name, headers in archive.headers.items()}
        with running_web_server(settings, folder / "web.log") as server:
            yield Site(server.url, viewers)


def _add_jobs(archive: Archive) -> None:
    with archive.app.app_context():
        for state in JobState:
            job_id = add_job(f"{state}.fits.fz", state=state)
        add_attempt(job_id, db.session.get_one(IngestJob, job_id).created)
        db.session.commit()
        db.engine.dispose()

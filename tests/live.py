"""A whole archive for tests: what `make run` starts, on a free port, in a folder of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from app import create_app
from app.accounts.actions import create_token, create_user
from app.config import AppConfig
from app.extensions import db
from app.processes import PROJECT_DIR, end_with_parent
from tests.services import LOOPBACK, free_port

START_PATIENCE_S = 60.0
UNFINISHED = {"queued", "running", "waiting"}


class LiveArchive:
    """A running archive and how a test talks to it."""

    def __init__(self, url: str, settings: Mapping[str, str]) -> None:
        self.url = url
        self.settings = settings
        self.admin_token = self.add_user("operator", is_admin=True)

    @property
    def data_dir(self) -> Path:
        return Path(self.settings["DATA_DIR"])

    def add_user(self, username: str, **rights: Any) -> str:
        """Make a user whose password is the name, and return a token of theirs."""
        app = create_app(AppConfig.from_env(self.settings))
        with app.app_context():
            token = create_token(create_user(username, username, **rights), "test")
            db.session.commit()
            db.engine.dispose()
        return token

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask the archive as its operator."""
        headers = {"Authorization": f"Token {self.admin_token}"} | options.pop("headers", {})
        return requests.request(method, self.url + path, headers=headers, timeout=60, **options)

    def submit(self, file: Path) -> int:
        """Upload a file, and return its job's number."""
        with file.open("rb") as content:
            answer = self.request("POST", "/ingest/jobs", files={"file": (file.name, content)})
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def wait(self, job_id: int, patience_s: float = 60) -> dict[str, Any]:
        """Return a job's record as soon as the job has ended."""
        deadline_s = time.monotonic() + patience_s
        while (job := self.request("GET", f"/ingest/jobs/{job_id}").json())["state"] in UNFINISHED:
            assert time.monotonic() < deadline_s, job
            time.sleep(0.1)
        return job

    def ingest(self, file: Path) -> dict[str, Any]:
        """Upload a file, and return its job's record as soon as the job has ended."""
        return self.wait(self.submit(file))


def launch(settings: Mapping[str, str], output: Path) -> subprocess.Popen[bytes]:
    """Start the launcher as `make run` does, its terminal's lines in a file."""
    with output.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "app.launcher"],
            cwd=PROJECT_DIR,
            env=os.environ | settings,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )


def wait_for_health(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline_s = time.monotonic() + START_PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline_s:
        try:
            if requests.get(f"{url}/health/", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"The archive did not start: {output.read_text()}")


@contextmanager
def running_archive(data_dir: Path, **settings: str) -> Iterator[LiveArchive]:
    """Run an archive; no settings mean SQLite, the local store and the embedded Redis."""
    port = free_port()
    url, output = f"http://{LOOPBACK}:{port}", data_dir / "terminal.log"
    settings = {"DATA_DIR": str(data_dir), "PORT": str(port), "DEMO": "0", "SECRET_KEY": "live"} | settings
    process = launch(settings, output)
    try:
        wait_for_health(url, process, output)
        yield LiveArchive(url, settings)
    finally:
        process.terminate()
        process.wait(15)

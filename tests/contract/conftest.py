"""Fixtures of the contract's tests: an archive to read, and the published client, in an environment of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.config import AppConfig
from app.extensions import db
from tests.contract.stock import Archive
from tests.fixtures.application import SECRET_KEY, migrate
from tests.fixtures.services import Start
from tests.services import NO_LIMITS, ServiceMissing, temporary_folder

PUBLISHED_CLIENT = "ocs_ingester==3.2.0"
PIP_OPTIONS = ["--disable-pip-version-check", "--quiet", "--no-compile", "--retries=1"]
SCRIPT = Path(__file__).with_name("run_published_client.py")
INSTALL_TIMEOUT_S, RUN_TIMEOUT_S = 600, 300


class PublishedClient:
    """The OCS's own client, which has its own `ocs_archive` and knows nothing of ours."""

    def __init__(self, python: Path) -> None:
        self.python = python

    def ingest(self, settings: Mapping[str, str], *wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Ingest files, each named by its ``path``, and return what came of each."""
        done = subprocess.run(
            [self.python, "-I", SCRIPT],
            input=json.dumps(wanted),
            env=os.environ | {"OPENTSDB_PYTHON_METRICS_TEST_MODE": "True"} | settings,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=RUN_TIMEOUT_S,
        )
        return json.loads(done.stdout)


@contextmanager
def installed_client() -> Iterator[PublishedClient]:
    """Install the client from the package index that pip knows.

    Raises
    ------
    ServiceMissing
        If it can't be installed here.
    """
    with temporary_folder() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = folder / "bin" / "python"
        install = [python, "-m", "pip", "install", *PIP_OPTIONS, PUBLISHED_CLIENT]
        done = subprocess.run(install, capture_output=True, text=True, check=False, timeout=INSTALL_TIMEOUT_S)
        if done.returncode:
            raise ServiceMissing(f"{PUBLISHED_CLIENT} can't be installed: {done.stderr[-500:]}")
        yield PublishedClient(python)


@pytest.fixture(scope="session")
def published_client(start_service: Start, service_versions: dict[str, str]) -> PublishedClient:
    client: PublishedClient = start_service(PUBLISHED_CLIENT, installed_client())
    service_versions[PUBLISHED_CLIENT] = PUBLISHED_CLIENT.replace("==", " ")
    return client


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def stocked_archive(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Archive, Mapping[str, str]]]:
    """An archive of each engine in turn, filled once, and the settings of its file store."""
    folder = tmp_path_factory.mktemp("stocked")
    settings = {"FILESTORE_TYPE": "local", "FILESYSTEM_STORAGE_ROOT_DIR": str(folder / "files")} | NO_LIMITS
    own = {"DATA_DIR": str(folder), "DATABASE_URL": make_database(request, folder), "SECRET_KEY": SECRET_KEY}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        app = create_app(AppConfig.from_env(settings | own))
        app.testing = True
        archive = Archive(app)
    yield archive, settings
    with app.app_context():
        db.engine.dispose()


def make_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """Make a migrated database that no other test empties, and return its URL."""
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copyfile(request.getfixturevalue('migrated_sqlite'), folder / 'archive.db')}"
    url: str = request.getfixturevalue("postgres").create_database()
    migrate(url, folder)
    return url


@pytest.fixture
def archive(stocked_archive: tuple[Archive, Mapping[str, str]], monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The archive of `stock`, which a test must not change."""
    filled, settings = stocked_archive
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return filled

"""Fixture: the archive of the permission matrix, filled once on each engine."""

import os
from collections.abc import Iterator

import pytest

from app import create_app
from app.config import AppConfig
from app.extensions import db
from tests.access.stock import PROFILES, Archive
from tests.contract.conftest import make_database
from tests.fixtures.application import SECRET_KEY
from tests.portal.portal_server import portal_server


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def archive(
    request: pytest.FixtureRequest, redis_server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Archive]:
    """The archive of `stock`, which a test leaves as it was."""
    folder = tmp_path_factory.mktemp("access")
    settings = {
        "DATA_DIR": str(folder),
        "DATABASE_URL": make_database(request, folder),
        "REDIS_URL": redis_server_url,
        "SECRET_KEY": SECRET_KEY,
        "FILESTORE_TYPE": "local",
        "FILESYSTEM_STORAGE_ROOT_DIR": str(folder / "files"),
        "INGEST_ROOTS": str(folder / "incoming"),
        "AUTH_CACHE_SECONDS": "86400",
    }
    with pytest.MonkeyPatch.context() as patch, portal_server() as portal:
        portal.profiles |= PROFILES
        settings["OAUTH_PROFILE_URL"] = portal.url
        for name, value in settings.items():
            patch.setenv(name, value)
        app = create_app(AppConfig.from_env(os.environ))
        app.testing = True
        app.config["WTF_CSRF_ENABLED"] = False
        yield Archive(app)
        with app.app_context():
            db.engine.dispose()

"""Settings: their defaults, what can't be understood, and the secret."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import AppConfig
from app.reference import PAPERS, PROJECT_DIR
from app.settings import SETTINGS
from ocs_archive.settings import SettingError


def test_the_embedded_defaults_live_below_the_data_folder(tmp_path: Path) -> None:
    config = AppConfig.from_env({"DATA_DIR": str(tmp_path)})
    assert config.database_url == f"sqlite:///{tmp_path}/archive.db"
    assert config.redis_url == f"unix://{tmp_path}/redis/redis.sock"
    assert config.upload_dir == tmp_path / "uploads"


def test_a_socket_path_that_is_too_long_moves(tmp_path: Path) -> None:
    config = AppConfig.from_env({"DATA_DIR": str(tmp_path / ("deep" * 30))})
    assert config.embedded_redis_socket is not None
    assert len(str(config.embedded_redis_socket)) < 100


def test_the_embedded_secret_is_kept_and_private(tmp_path: Path) -> None:
    first, second = (AppConfig.from_env({"DATA_DIR": str(tmp_path)}).secret_key for _ in range(2))
    assert first == second
    assert len(first) > 40
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("secret", ["", "change me"])
def test_production_without_a_real_secret_does_not_start(tmp_path: Path, secret: str) -> None:
    with pytest.raises(SettingError, match="SECRET_KEY"):
        AppConfig.from_env({"DATA_DIR": str(tmp_path), "ENVIRONMENT": "production", "SECRET_KEY": secret})


def test_all_that_is_wrong_is_said_in_one_go(tmp_path: Path) -> None:
    wrong = {"ENVIRONMENT": "production", "PORT": "http", "WEBHOOK_URLS": "https://a.example", "INTAKE_RABBITMQ": "1"}
    wrong["FILESTORE_TYPE"] = "s3"
    with pytest.raises(SettingError) as refused:
        AppConfig.from_env({"DATA_DIR": str(tmp_path)} | wrong)
    named = [line.split()[2] for line in str(refused.value).splitlines()]
    assert named == ["PORT", "QUEUE_BROKER_URL", "WEBHOOK_SECRET", "SECRET_KEY", "PUBLIC_URL", "BUCKET"]


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("of the file, and long enough for anybody\n")
    settings = {"DATA_DIR": str(tmp_path), "ENVIRONMENT": "production", "SECRET_KEY_FILE": str(file)}
    settings["TRUSTED_HOSTS"] = "archive.example"
    assert AppConfig.from_env(settings).secret_key == "of the file, and long enough for anybody"
    with pytest.raises(SettingError, match="SECRET_KEY_FILE names can't be read"):
        AppConfig.from_env(settings | {"SECRET_KEY_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    "program", [["-m", "flask", "--app", "wsgi", "routes"], ["-m", "gunicorn"], ["-m", "app.launcher"]]
)
def test_a_start_that_can_not_be_says_why_and_nothing_else(tmp_path: Path, program: list[str]) -> None:
    environ = {"PATH": os.environ["PATH"], "ENVIRONMENT": "production", "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, *program],
        cwd=PROJECT_DIR,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "The setting SECRET_KEY is missing" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("DEMO", "perhaps"), ("ENVIRONMENT", "test"), ("WORKERS", "0"), ("LOG_FORMAT", "xml")],
)
def test_a_setting_that_cannot_be_understood_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        AppConfig.from_env({"DATA_DIR": str(tmp_path), name: value})


def test_plain_postgresql_urls_are_understood(tmp_path: Path) -> None:
    config = AppConfig.from_env({"DATA_DIR": str(tmp_path), "DATABASE_URL": "postgres://host/archive"})
    assert config.database_url == "postgresql+psycopg://host/archive"


def test_every_setting_becomes_an_attribute(tmp_path: Path) -> None:
    config = AppConfig.from_env({"DATA_DIR": str(tmp_path)})
    assert all(hasattr(config, name.lower()) for name in SETTINGS)


@pytest.mark.parametrize("paper", PAPERS)
def test_the_papers_say_what_the_code_says(paper: str) -> None:
    assert (PROJECT_DIR / paper).read_text() == PAPERS[paper](), "run: python -m app.reference"

"""What machines ask: is it alive, which part is away, and how does ingest go."""

import logging
import re
import socket
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app.events.actions import owe
from app.extensions import db
from app.frames.models import Version
from app.processes import PROJECT_DIR
from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, Work, make_headers, upload
from tests.frames_factory import add_frame
from tests.services import LOOPBACK

NOWHERE = f"{LOOPBACK}:1"
Values = dict[tuple[str, ...], float]


def read_metrics(client: FlaskClient, headers: Headers) -> dict[str, Values]:
    """Return each metric's values by its labels' values, in the order of the labels' names."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Values] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


class TestReadiness:
    def test_all_is_there(self, client: FlaskClient) -> None:
        answer = client.get("/ready/")
        assert answer.json == {"database": "ok", "redis": "ok", "store": "ok"}
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")

    def test_without_redis_and_store_it_goes_on_serving(self, make_app: MakeApp, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        app = make_app(REDIS_URL=f"redis://:secret@{NOWHERE}", FILESYSTEM_STORAGE_ROOT_DIR=str(tmp_path / "file"))
        answer = app.test_client().get("/ready")
        assert answer.status_code == 200
        assert answer.json["database"] == "ok"
        for part in ("redis", "store"):
            assert answer.json[part] == "away: it does not answer, or refuses; the log says more"

    @pytest.mark.parametrize("url", [f"postgresql://archive:secret@{NOWHERE}/archive", "sqlite:////nowhere/archive.db"])
    def test_without_a_database_it_does_not(self, make_app: MakeApp, url: str, database_url: str) -> None:
        answer = make_app(DATABASE_URL=url).test_client().get("/ready")
        assert (answer.status_code, answer.json["redis"]) == (503, "ok")
        assert answer.json["database"].startswith("away: ")

    def test_a_part_that_hangs_is_asked_once(
        self, make_app: MakeApp, database_url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with socket.create_server((LOOPBACK, 0)) as hanging:
            client = make_app(REDIS_URL=f"redis://{LOOPBACK}:{hanging.getsockname()[1]}").test_client()
            with caplog.at_level(logging.WARNING, "app.monitoring"):
                answers = [client.get("/ready") for _ in range(2)]
        for answer in answers:
            assert answer.status_code == 200
            assert answer.json["redis"].startswith("away: ")
        assert sum("the redis: away" in line for line in caplog.messages) <= 2


@pytest.mark.usefixtures("database_url")
class TestWhoMayReadMetrics:
    def test_operators(self, client: FlaskClient, as_operator: Headers, as_member: Headers) -> None:
        answers = [client.get("/metrics", headers=headers) for headers in ({}, as_member, as_operator)]
        assert [answer.status_code for answer in answers] == [401, 403, 200]

    def test_everybody_if_the_settings_say_so(self, make_app: MakeApp) -> None:
        assert make_app(METRICS_PUBLIC="true").test_client().get("/metrics").status_code == 200


class TestMetrics:
    def test_a_file_s_way(self, client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path) -> None:
        file = write_fits(tmp_path / "a-frame.fits")
        broken = tmp_path / "broken.fits"
        broken.write_bytes(b"no header")
        for path in (file, file, broken):
            upload(client, as_operator, path)
        before = read_metrics(client, as_operator)
        assert before["archive_ingest_jobs"] == {("queued",): 3, ("running",): 0, ("waiting",): 0, ("failed",): 0}
        assert before["archive_ingest_oldest_job_age_seconds"][("queued",)] > 0
        assert before["archive_queue_length"] == {("ingest",): 3, ("previews",): 0}
        work()
        after = read_metrics(client, as_operator)
        assert after["archive_ingest_jobs"] == {("queued",): 0, ("running",): 0, ("waiting",): 0, ("failed",): 1}
        ended = after["archive_ingest_jobs_ended_last_hour"]
        assert ended == {("archived",): 1, ("already_archived",): 1, ("failed",): 1}
        outcomes = {outcome: count for (_, outcome), count in after["archive_ingest_attempts_last_hour"].items()}
        assert outcomes == {"archived": 1, "already_archived": 1, "failed": 1}
        assert after["archive_ingest_jobs_submitted_total"] == after["archive_ingest_attempts_total"] == {(): 3}
        assert after["archive_ingest_archived_last_hour_bytes"] == {(): file.stat().st_size}
        assert after["archive_ingest_lag_last_hour_seconds_bucket"][("+Inf",)] == 1
        assert after["archive_ingest_lag_last_hour_seconds_bucket"][("86400",)] == 1
        assert 0 < after["archive_ingest_lag_last_hour_seconds_gsum"][()] < 3600
        # All three were read, two looked for in the database, and one stored.
        counts = after["archive_ingest_attempt_part_last_hour_seconds_gcount"]
        assert counts == {("read",): 3, ("database",): 3, ("store",): 1}
        assert after["archive_up"] == {("database",): 1, ("redis",): 1, ("store",): 1}

    def test_no_file_is_named(self, client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path) -> None:
        upload(client, as_operator, write_fits(tmp_path / "a-frame.fits"))
        work()
        text = client.get("/metrics", headers=as_operator).text
        assert "a-frame" not in text
        assert str(tmp_path) not in text

    def test_what_is_owed_to_whom(self, make_app: MakeApp) -> None:
        urls = "https://user:secret@pipeline.example/hook?key=secret,https://pipeline.example/other"
        app = make_app(WEBHOOK_URLS=urls, WEBHOOK_SECRET="of the webhook")
        with app.app_context():
            frame_id = add_frame("a-frame")
            owe(frame_id, db.session.scalars(db.select(Version.id)))
            db.session.commit()
        text = app.test_client().get("/metrics", headers=make_headers(app, "prometheus", is_admin=True)).text
        (line,) = re.findall(r"^archive_events_owed\{.*", text, re.MULTILINE)
        assert re.fullmatch(r'archive_events_owed\{target="pipeline.example"\} [24]\.0', line)
        assert "secret" not in text

    def test_the_age_of_the_columns(self, app: Flask, client: FlaskClient, as_operator: Headers) -> None:
        assert "archive_columns_age_seconds" not in read_metrics(client, as_operator)
        with app.app_context():
            add_frame("a-frame")
            db.session.commit()
            assert app.extensions["frame_columns"].build()
        assert 0 <= read_metrics(client, as_operator)["archive_columns_age_seconds"][()] < 3600

    def test_a_part_that_is_away_is_told(self, make_app: MakeApp) -> None:
        app = make_app(REDIS_URL=f"redis://{NOWHERE}")
        found = read_metrics(app.test_client(), make_headers(app, "prometheus", is_admin=True))
        assert found["archive_up"] == {("database",): 1, ("redis",): 0, ("store",): 1}
        assert "archive_workers" not in found
        assert "archive_ingest_jobs" in found

    def test_each_is_in_the_papers(self, client: FlaskClient, as_operator: Headers) -> None:
        paper = (PROJECT_DIR / "docs" / "monitoring.md").read_text()
        text = client.get("/metrics", headers=as_operator).text
        told = {family.name for family in text_string_to_metric_families(text)}
        told = {re.sub("_g(count|sum)$", "", name) for name in told}
        assert set(re.findall(r"`(archive_\w+?)(?:_total)?`", paper)) >= told


def test_health_asks_nobody(make_app: MakeApp, app: Flask) -> None:
    client = make_app(DATABASE_URL=f"postgresql://{NOWHERE}/archive", REDIS_URL=f"redis://{NOWHERE}").test_client()
    assert (client.get("/health/").json, client.get("/health").status_code) == ("ok", 200)

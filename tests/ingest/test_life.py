"""The life of a job: claims, leases, retries, what a dead worker or an empty Redis leaves, an operator's retry."""

import datetime as dt
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.extensions import db, get_file_store, get_queue
from app.ingest import actions
from app.ingest.actions import LeaseLostError
from app.ingest.models import IngestJob, JobState
from ingest_worker.exceptions import BackoffRetryError, DoNotRetryError, RetryError
from ingest_worker.retries import find_wait_s
from ocs_archive.storage.filestore import FileStoreConnectionError
from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, Work, make_headers, upload

NAME = "coj1m011-kb05-20240219-0125-e91"


@pytest.fixture
def job_id(client: FlaskClient, as_operator: Headers, tmp_path: Path) -> int:
    """A job whose good file has been uploaded."""
    return upload(client, as_operator, write_fits(tmp_path / f"{NAME}.fits"))


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def set_job(job_id: int, **values: Any) -> None:
    db.session.execute(update(IngestJob).where(IngestJob.id == job_id).values(**values))
    db.session.commit()


def get_job(job_id: int) -> IngestJob:
    db.session.expire_all()
    return db.session.get_one(IngestJob, job_id)


def past() -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)


@pytest.mark.usefixtures("context")
class TestLeases:
    def test_one_of_two_workers_gets_a_job(self, job_id: int) -> None:
        assert actions.claim(job_id, "one:1") is not None
        assert actions.claim(job_id, "two:2") is None
        assert get_job(job_id).lease_owner == "one:1"

    def test_a_worker_that_lost_its_lease_cannot_mark_the_job(self, job_id: int) -> None:
        actions.claim(job_id, "slow:1")
        set_job(job_id, due=past())
        actions.reconcile()
        actions.claim(job_id, "quick:2")
        assert not actions.renew_lease(job_id, "slow:1")
        with pytest.raises(LeaseLostError):
            actions.mark_archived(job_id, "slow:1", frame_id=1, md5="", size=0, is_new=True)
        db.session.rollback()
        assert actions.renew_lease(job_id, "quick:2")

    def test_a_dead_workers_job_is_done_by_another(self, job_id: int, work: Work) -> None:
        actions.claim(job_id, "dead:1")
        assert actions.reconcile() == 0
        set_job(job_id, due=past())
        assert actions.reconcile() == 1
        work()
        job = get_job(job_id)
        assert (job.state, job.attempts) == (JobState.ARCHIVED, 2)
        assert (job.history[0].worker, job.history[0].outcome) == ("dead:1", "lost")

    def test_a_file_that_kills_every_worker_fails_at_last(self, job_id: int) -> None:
        for attempt in range(1, 6):
            assert actions.claim(job_id, f"dead:{attempt}")
            set_job(job_id, due=past())
            actions.reconcile()
        job = get_job(job_id)
        assert (job.state, job.error_code, job.due) == (JobState.FAILED, "worker.died", None)


@pytest.mark.usefixtures("context")
class TestBells:
    def test_a_bell_that_is_gone_rings_again_once_it_is_due(self, app: Flask, job_id: int) -> None:
        app.extensions["redis"].flushdb()
        assert actions.reconcile() == 0
        set_job(job_id, due=past())
        assert actions.reconcile() == 1
        assert get_queue("ingest").count == 1

    def test_a_bell_that_is_there_does_not_ring_twice(self, job_id: int) -> None:
        set_job(job_id, due=past())
        assert actions.reconcile() == 1
        actions.ring_for_missing()
        assert get_queue("ingest").count == 1


@pytest.mark.usefixtures("context")
class TestRetries:
    def test_a_store_that_is_away_for_a_while_costs_only_time(
        self, job_id: int, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, calls = get_file_store(), itertools.count()
        really_store = store.store_file

        def store_file(data_file: Any) -> dict[str, str]:
            if next(calls) < 2:
                raise FileStoreConnectionError("S3 answers 503")
            return really_store(data_file)

        monkeypatch.setattr(store, "store_file", store_file)
        for _attempt in range(2):
            work()
            job = get_job(job_id)
            assert (job.state, job.error_class, job.error_code) == ("waiting", "BackoffRetryError", "store.unavailable")
            assert job.due is not None
            assert job.due > dt.datetime.now(dt.UTC)
            set_job(job_id, due=past())
            actions.reconcile()
        work()
        job = get_job(job_id)
        assert (job.state, job.error_code) == (JobState.ARCHIVED, "")
        assert [line.outcome for line in job.history] == ["waiting", "waiting", "archived"]

    def test_five_attempts_from_two_seconds_to_ten_minutes(self) -> None:
        backoff = BackoffRetryError("the store is away", "store.unavailable")
        waits = [find_wait_s(backoff, attempts) for attempts in range(1, 6)]
        assert waits[4] is None
        for wait_s, expected_s in zip(waits[:4], (2, 13.4, 89.6, 600), strict=True):
            assert wait_s == pytest.approx(expected_s, rel=0.21)
        assert find_wait_s(RetryError("again"), 4) == pytest.approx(2, rel=0.21)
        assert find_wait_s(DoNotRetryError("never"), 1) is None


def test_an_operator_retries_a_failed_job(
    client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path
) -> None:
    app: Flask = client.application
    job_id = upload(client, as_operator, write_fits(tmp_path / f"{NAME}.fits"))
    with app.app_context():
        set_job(job_id, state=JobState.FAILED, due=None, error_code="store.unavailable")
    assert client.post(f"/ingest/jobs/{job_id}/retry", headers=as_operator).json["state"] == "queued"
    work()
    job = client.get(f"/ingest/jobs/{job_id}", headers=as_operator).json
    assert (job["state"], [line["outcome"] for line in job["history"]]) == ("archived", ["archived"])
    refused = client.post(f"/ingest/jobs/{job_id}/retry", headers=as_operator)
    assert (refused.status_code, refused.json["code"]) == (400, "job_not_retriable")


def test_a_batch_is_answered_job_by_job(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(INGEST_ROOTS=str(tmp_path))
    client, headers = app.test_client(), make_headers(app, "tcs", is_admin=True)
    good = write_fits(tmp_path / f"{NAME}.fits")
    jobs: list[Any] = [{"filepath": str(good)}, {"filepath": "/etc/passwd"}, {"path": "x"}, 7]
    answer = client.post("/ingest/jobs", json={"jobs": jobs}, headers=headers)
    assert answer.status_code == 202
    first, *refused = answer.json["results"]
    assert first["state"] == "queued"
    assert [result["code"] for result in refused] == ["path.outside_roots", "bad_parameter", "bad_parameter"]
    for bad in ([], [{}] * 1001, "x"):
        assert client.post("/ingest/jobs", json={"jobs": bad}, headers=headers).status_code == 400

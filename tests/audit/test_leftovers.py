"""What killed processes left: in the upload folder, and in the local store's temporary folder."""

import datetime as dt
from pathlib import Path
from uuid import uuid4

import pytest

from app.extensions import db
from app.ingest.actions import submit_upload
from app.ingest.models import IngestJob, JobState

DELETE = ("--repair", "delete-leftovers")


@pytest.fixture
def uploads(local_archive) -> Path:
    folder = local_archive.app.config["ARCHIVE"].upload_dir
    folder.mkdir()
    return folder


def add_upload(archive, folder: Path, state: JobState | None, content: bytes = b"content") -> Path:
    """Put an upload into the folder, with a job in some state."""
    upload = folder / uuid4().hex
    upload.write_bytes(content)
    if state is not None:
        with archive.app.app_context():
            submit_upload(upload, "a.fits", {}, None).state = state
            db.session.commit()
    return upload


@pytest.mark.parametrize("state", [None, JobState.ARCHIVED, JobState.ALREADY_ARCHIVED])
def test_an_upload_that_no_job_needs_is_deleted(local_archive, uploads, state):
    upload = add_upload(local_archive, uploads, state)
    assert local_archive.audit().found == [("leftover", upload.name, "reported")]
    assert local_archive.audit(*DELETE).found == [("leftover", upload.name, "deleted")]
    assert not upload.exists()
    assert local_archive.audit(*DELETE).found == []


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.WAITING, JobState.FAILED])
def test_an_upload_that_a_job_needs_stays(local_archive, uploads, state):
    local_archive.add("a")
    upload = add_upload(local_archive, uploads, state)
    assert local_archive.audit(*DELETE).found == []
    assert upload.exists()


def test_the_upload_of_a_failed_job_goes_when_its_content_came_in_by_another_way(local_archive, uploads):
    local_archive.add("a")
    upload = add_upload(local_archive, uploads, JobState.FAILED, b"contenta")
    assert local_archive.audit(*DELETE).found == [("leftover", upload.name, "deleted")]
    with local_archive.app.app_context():
        assert db.session.scalars(db.select(IngestJob.state)).all() == [JobState.FAILED]


def test_an_upload_stays_if_the_store_has_lost_its_content(local_archive, uploads):
    local_archive.add("b")
    lost = local_archive.add("a")
    upload = add_upload(local_archive, uploads, JobState.ARCHIVED, b"contenta")
    local_archive.store.delete_file(lost["store_path"], lost["key"])
    audited = local_archive.audit(*DELETE)
    assert audited.found == [("missing", "a.fits", "reported"), ("leftover", upload.name, "kept")]
    assert upload.exists()


def test_half_received_and_half_written_files_are_deleted(local_archive, uploads):
    receiving = uploads / "receiving-abc"
    receiving.mkdir()
    (receiving / "tmp1").write_bytes(b"half")
    half_written = local_archive.store.temporary_folder / uuid4().hex
    half_written.parent.mkdir(parents=True)
    half_written.write_bytes(b"half")
    assert {name for _, name, _ in local_archive.audit(*DELETE).found} == {receiving.name, half_written.name}
    assert not receiving.exists()
    assert not half_written.exists()
    assert local_archive.audit().status == 0


def test_what_is_younger_than_a_day_or_not_the_archives_own_stays(local_archive, uploads, clock):
    (uploads / "notes.txt").write_text("an operator's")
    (local_archive.store.temporary_folder).mkdir(parents=True)
    (local_archive.store.temporary_folder / "notes.txt").write_text("an operator's")
    assert local_archive.audit(*DELETE).found == []
    upload = add_upload(local_archive, uploads, None)
    clock(dt.timedelta(hours=23))
    assert local_archive.audit(*DELETE).found == []
    assert upload.exists()
    assert local_archive.audit("--at-rest", *DELETE).found == [("leftover", upload.name, "deleted")]


def test_a_part_of_the_store_has_no_leftovers(local_archive, uploads):
    add_upload(local_archive, uploads, None)
    assert local_archive.audit("--prefix", "coj").found == []

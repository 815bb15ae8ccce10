"""The repairs: each mends what it is for, twice is like once, and the only copy of a frame stays."""

import datetime as dt

import pytest

from app.audit import actions
from app.extensions import db
from app.frames.models import Frame, Version
from app.ingest.models import Door, IngestJob, JobState
from ingest_worker.jobs import run_ingest_job
from tests.fits_factory import write_fits

NAME = "coj1m011-kb05-20240219-0125-e91"
ADOPT, DELETE, MARK = ("--repair", "adopt-orphans"), ("--repair", "delete-orphans"), ("--repair", "mark")


def find_job(archive) -> IngestJob:
    with archive.app.app_context():
        return db.session.scalars(db.select(IngestJob)).one()


def work(archive) -> None:
    """Run the one job that there is."""
    job_id = find_job(archive).id
    with archive.app.app_context():
        run_ingest_job(job_id)


def count(archive, model) -> int:
    with archive.app.app_context():
        return db.session.scalar(db.select(db.func.count()).select_from(model))


def test_what_is_missing_is_marked_told_once_and_cleared_when_it_is_back(archive, monkeypatch):
    archive.add("a")
    lost = [archive.add("b"), archive.add_thumbnail("a")]
    for stored in lost:
        archive.store.delete_file(stored["store_path"], stored["key"])
    first, second = archive.audit(*MARK), archive.audit(*MARK)
    assert {outcome for _, _, outcome in first.found} == {"marked"}
    assert {outcome for _, _, outcome in second.found} == {"known"}
    assert (first.status, second.status) == (1, 0)
    assert sorted(archive.read_faults()) == ["", "missing", "missing"]
    assert count(archive, Version) == 2


def test_a_thumbnail_that_is_made_again_loses_its_mark(archive):
    archive.add("a")
    lost = archive.add_thumbnail("a")
    archive.store.delete_file(lost["store_path"], lost["key"])
    assert archive.audit(*MARK).status == 1
    archive.add_thumbnail("a", b"made again")
    assert (archive.read_faults(), archive.audit().found) == (["", ""], [])


def test_a_file_that_is_right_again_is_cleared_of_its_mark(archive):
    archive.add("a")
    set_version(archive, size=3)
    archive.audit(*MARK)
    assert archive.read_faults() == ["size"]
    set_version(archive, size=8)
    assert (archive.audit().found, archive.read_faults()) == ([("recovered", "a.fits", "reported")], ["size"])
    assert archive.audit(*MARK).found == [("recovered", "a.fits", "cleared")]
    assert archive.read_faults() == [""]
    assert archive.audit().status == 0


def test_a_wrong_content_is_right_again_only_by_its_checksum(archive):
    archive.add("a")
    set_version(archive, file_fault="md5")
    assert archive.audit(*MARK).found == []
    assert archive.audit("--checksums", *MARK).found == [("recovered", "a.fits", "cleared")]


def test_another_fault_than_the_marked_one_is_told(archive):
    archive.add("b")
    lost = archive.add("a")
    set_version(archive, file_fault="size")
    archive.store.delete_file(lost["store_path"], lost["key"])
    assert ("missing", "a.fits", "marked") in archive.audit(*MARK).found


def test_a_size_is_recorded_once_the_content_is_known_to_be_right(archive):
    archive.add("a", size=None)
    assert archive.audit(*MARK).found == []
    audited = archive.audit("--checksums", *MARK)
    assert (audited.status, audited.found) == (0, [("unsized", "a.fits", "recorded")])
    assert archive.audit("--checksums", *MARK).found == []
    set_version(archive, size=3)
    assert archive.audit().status == 1


def test_what_a_crash_left_beside_its_retry_is_deleted(s3_archive):
    s3_archive.store_file("a.fits", b"contenta")
    s3_archive.add("a")
    assert s3_archive.audit(*DELETE).found == [("orphan", "a.fits", "deleted")]
    audited = s3_archive.audit("--checksums")
    assert (audited.status, audited.summary["files"]) == (0, 1)


def test_an_orphan_whose_content_is_archived_elsewhere_is_deleted(local_archive):
    local_archive.add("a")
    local_archive.store_file("a-copy.fits", b"contenta")
    assert local_archive.audit(*DELETE).found == [("orphan", "a-copy.fits", "deleted")]
    assert (local_archive.audit("--checksums").status, local_archive.audit().summary["files"]) == (0, 1)


def test_half_of_a_file_whose_whole_is_archived_is_deleted(s3_archive):
    s3_archive.store_file("a.fits", b"conten")
    s3_archive.store_file("a.fits", b"consent")  # no beginning of it
    s3_archive.add("a")
    found = [("orphan", "a.fits", "deleted"), ("orphan", "a.fits", "kept")]
    assert sorted(s3_archive.audit(*DELETE).found) == found


def test_an_orphan_that_may_be_the_only_copy_is_kept(archive):
    archive.add("b")
    archive.store_file("a.fits", b"no row has this content")
    for _ in range(2):
        audited = archive.audit(*DELETE)
        assert (audited.status, audited.found) == (1, [("orphan", "a.fits", "kept")])
    assert "may be the only copy" in audited.findings[0]["note"]


@pytest.mark.parametrize("policy", [DELETE, ADOPT])
def test_an_orphan_is_kept_if_the_archive_has_lost_its_own_copy(archive, policy):
    archive.add("b")
    lost = archive.add("a")
    archive.store_file("a-copy.fits", b"contenta")
    archive.store.delete_file(lost["store_path"], lost["key"])
    audited = archive.audit(*policy)
    assert audited.found == [("orphan", "a-copy.fits", "kept"), ("missing", "a.fits", "reported")]
    assert "may be the only one" in audited.findings[0]["note"]


def test_an_orphan_that_a_row_names_by_now_is_kept(archive, monkeypatch):
    archive.add("b")
    orphan = archive.store_file("a.fits", b"contentb")

    def is_sound(*_: object) -> bool:
        """Let a worker write the orphan's row at the last moment."""
        db.session.execute(db.update(Version).values(store_path=orphan["store_path"], key=orphan["key"]))
        db.session.commit()
        return True

    monkeypatch.setattr(actions, "is_sound", is_sound)
    assert archive.audit(*DELETE).found == [("orphan", "a.fits", "kept")]
    assert archive.store.get_file_size(orphan["store_path"], orphan["key"]) == 8


def test_an_orphan_is_adopted_by_the_front_door(archive, tmp_path):
    archive.add("b")
    archive.store_file(f"{NAME}.fits", write_fits(tmp_path / "frame.fits").read_bytes())
    assert archive.audit(*ADOPT).found == [("orphan", f"{NAME}.fits", "submitted")]
    job = find_job(archive)
    assert (job.door, job.filename, job.is_upload) == (Door.AUDIT, f"{NAME}.fits", True)
    assert archive.audit(*ADOPT).found == [("orphan", f"{NAME}.fits", "kept")]  # the job is on its way
    work(archive)
    assert find_job(archive).state == JobState.ARCHIVED
    left = [("orphan", f"{NAME}.fits", "deleted")] if archive.keeps_versions_by_id else []
    assert archive.audit(*ADOPT, *DELETE).found == left
    audited = archive.audit("--checksums")
    assert (audited.status, audited.summary["versions"], count(archive, Frame)) == (0, 2, 3)


def test_an_orphan_that_can_not_be_archived_is_submitted_once(archive):
    archive.add("b")
    archive.store_file("a.fits", b"no FITS")
    assert archive.audit(*ADOPT).found == [("orphan", "a.fits", "submitted")]
    work(archive)
    audited = archive.audit(*ADOPT)
    assert (audited.status, audited.found) == (1, [("orphan", "a.fits", "kept")])
    assert "ingest job 1, for it, is failed" in audited.output


def test_a_name_that_no_frame_may_have_is_not_adopted(archive):
    archive.add("b")
    put(archive, "coj/.hidden.fits")
    assert [outcome for _, _, outcome in archive.audit(*ADOPT).found] == ["kept"]
    assert list((archive.folder / "uploads").iterdir()) == []


def put(archive, path: str) -> None:
    """Put a file into the store past the archive."""
    if archive.keeps_versions_by_id:
        archive.store.client.put_object(Bucket=archive.store.bucket, Key=path, Body=b"put")
    else:
        (archive.store.root / path).write_bytes(b"put")


def test_a_foreign_file_is_adopted_or_left_for_a_person(local_archive):
    local_archive.add("a")
    put(local_archive, "coj/b.fits")
    (local_archive.store.root / "coj" / "copy.fits").write_bytes(b"contenta")
    audited = local_archive.audit(*DELETE, *ADOPT)
    assert audited.found == [("foreign", "b.fits", "submitted"), ("foreign", "copy.fits", "kept")]
    assert "remove it by hand" in audited.findings[1]["note"]


def test_what_an_ocs_program_posted_and_the_store_did_not_take_in(local_archive):
    """Its file lies at its path, and its row names a version that the store has not made of it."""
    posted = local_archive.add("a")
    (local_archive.store.root / ".versions" / posted["store_path"] / posted["key"]).unlink()
    assert local_archive.audit(*MARK, *ADOPT).found == [
        ("missing", "a.fits", "marked"),
        ("foreign", "a.fits", "restored"),
    ]
    assert local_archive.audit(*MARK).found == [("recovered", "a.fits", "cleared")]
    assert local_archive.audit("--checksums").status == 0


def test_a_picture_that_another_has_replaced_is_deleted(archive):
    archive.add("a")
    archive.add_thumbnail("a", b"old")
    archive.add_thumbnail("a", b"new")
    assert archive.audit(*DELETE).found == [("orphan", "a-small.jpg", "deleted")]
    assert archive.audit("--checksums").status == 0


def test_a_preview_whose_row_was_never_written_is_deleted(archive):
    archive.add("a")
    archive.store_picture("a")
    assert archive.audit(*DELETE).found == [("orphan", "a-small.jpg", "deleted")]
    assert archive.audit().status == 0


def test_a_picture_of_no_frame_of_the_archive_is_kept(archive):
    archive.add("a")
    archive.store_picture("other")
    assert archive.audit(*ADOPT, *DELETE).found == [("orphan", "other-small.jpg", "kept")]
    assert count(archive, IngestJob) == 0


def test_only_the_named_policies_are_followed(archive):
    archive.add("a")
    set_version(archive, size=3)
    archive.store_picture("a")
    before = archive.audit().found
    assert archive.audit("--repair", "delete-leftovers").found == before
    assert [outcome for *_, outcome in archive.audit(*MARK).found] == ["marked", "reported"]
    assert [outcome for *_, outcome in archive.audit(*DELETE).found] == ["known", "deleted"]


def set_version(archive, **values) -> None:
    with archive.app.app_context():
        newest = db.select(db.func.max(Version.id)).scalar_subquery()
        db.session.execute(db.update(Version).where(Version.id == newest).values(**values))
        db.session.commit()


def test_nothing_young_is_deleted(archive, clock):
    archive.add("a")
    archive.store_picture("a")
    clock(dt.timedelta(minutes=55))
    assert archive.audit(*DELETE).found == []
    assert archive.audit().summary["files"] == 2
    clock(dt.timedelta(seconds=2))  # S3 tells whole seconds
    assert archive.audit("--at-rest", *DELETE).found == [("orphan", "a-small.jpg", "deleted")]

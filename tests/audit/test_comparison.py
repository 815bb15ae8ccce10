"""What an audit finds between rows and stored files."""

import datetime as dt
import tracemalloc
from collections.abc import Iterator

import pytest

from app.audit import queries
from app.extensions import db
from app.frames.models import Version
from ocs_archive.storage.filestore import FileStoreConnectionError, StoredFile
from ocs_archive.storage.filesystemstore import FileSystemStore
from tests.audit.conftest import Archive


def change_version(archive, basename, **values):
    with archive.app.app_context():
        path = Version.store_path.endswith(f"/{basename}.fits")
        assert db.session.execute(db.update(Version).where(path).values(**values)).rowcount == 1
        db.session.commit()


def test_a_sound_archive_has_no_findings(archive):
    archive.add("a")
    archive.add("a", b"newer")
    archive.add("b")
    archive.add_thumbnail("a")
    for options in ([], ["--checksums"]):
        audited = archive.audit(*options)
        assert (audited.status, audited.found) == (0, [])
        assert audited.summary | {"versions": 3, "thumbnails": 1, "files": 4, "is_complete": True} == audited.summary
        assert "Nothing is amiss." in audited.output
    assert audited.summary["bytes_read"] == len(b"contenta" + b"newera" + b"contentb" + b"jpeg")


def test_an_empty_archive_has_no_findings(archive):
    assert archive.audit().status == 0


def test_a_file_that_the_store_has_not_is_missing(archive):
    archive.add("a")
    for gone in (archive.add("b"), archive.add_thumbnail("a")):
        archive.store.delete_file(gone["store_path"], gone["key"])
    audited = archive.audit()
    assert audited.status == 1
    assert set(audited.found) == {("missing", "b.fits", "reported"), ("missing", "a-small.jpg", "reported")}
    assert {(line["table"], line["frame_id"]) for line in audited.findings} == {("version", 2), ("thumbnail", 1)}
    assert audited.summary["findings"] == {"missing": 2}
    assert audited.summary["remaining"] == 2


def test_an_old_version_that_is_missing_is_found_beside_the_newest(archive):
    old = archive.add("a")
    archive.add("a", b"newer")
    archive.store.delete_file(old["store_path"], old["key"])
    assert [(line["finding"], line["key"]) for line in archive.audit().findings] == [("missing", old["key"])]


def test_a_file_of_another_size_is_found(archive):
    archive.add("a")
    change_version(archive, "a", size=3)
    audited = archive.audit()
    assert audited.found == [("size", "a.fits", "reported")]
    assert "has 8 bytes instead of 3" in audited.output


def test_a_file_of_another_content_is_found_by_its_checksum(archive):
    archive.add("a")
    change_version(archive, "a", md5="0" * 32)
    assert archive.audit().status == 0
    audited = archive.audit("--checksums")
    assert (audited.status, audited.found) == (1, [("md5", "a.fits", "reported")])


def test_a_version_without_a_size_is_no_finding(archive):
    archive.add("a", size=None)
    assert archive.audit("--checksums").status == 0


def test_what_a_crash_between_file_and_rows_leaves(archive):
    """The job tries again: S3 then has one version too many, and the local store the same one."""
    archive.store_file("a.fits", b"contenta")
    archive.add("a")
    expected = [("orphan", "a.fits", "reported")] if archive.keeps_versions_by_id else []
    assert archive.audit().found == expected


def test_a_stored_file_of_no_row_is_an_orphan(archive):
    archive.add("b")
    archive.store_file("a.fits", b"a")
    archive.store_file("b.fits", b"another")
    archive.store_picture("b")
    audited = archive.audit()
    assert audited.found == [("orphan", name, "reported") for name in ("a.fits", "b.fits", "b-small.jpg")]
    assert audited.findings[0]["size"] == 1


def test_an_overwritten_version_in_a_bucket_without_versions(plain_s3_archive):
    plain_s3_archive.add("a")
    plain_s3_archive.add("a", b"newer")
    audited = plain_s3_archive.audit("--checksums")
    assert [(line["finding"], line["id"]) for line in audited.findings] == [("size", 1)]


def test_a_file_that_somebody_put_into_the_store(local_archive):
    local_archive.add("a")
    (local_archive.store.root / "coj" / "note.fits").write_text("?")
    assert local_archive.audit().found == [("foreign", "note.fits", "reported")]


def test_versions_beside_a_foreign_file_wait(local_archive):
    archive = local_archive
    newest = archive.store.root / archive.add("a")["store_path"]
    archive.store_file("a.fits", b"another")
    newest.unlink()
    newest.write_bytes(b"the only copy")
    audited = archive.audit("--repair", "delete-orphans")
    assert audited.found == [("foreign", "a.fits", "kept")]
    assert newest.read_bytes() == b"the only copy"


def test_only_what_is_below_a_prefix_is_looked_at(archive):
    for basename in ("a1", "a2", "b"):
        archive.add(basename)
    archive.store_file("a3.fits", b"orphan")
    archive.store_file("c.fits", b"orphan")
    audited = archive.audit("--prefix", "coj/kb05/20240219/processed/a")
    assert audited.found == [("orphan", "a3.fits", "reported")]
    assert audited.summary | {"versions": 2, "files": 3} == audited.summary


def test_what_is_young_may_belong_to_an_ingest_that_goes_on(archive, clock):
    archive.add("a")
    archive.store_file("b.fits", b"b")
    change_version(archive, "a", size=3)
    clock(dt.timedelta(minutes=55))
    audited = archive.audit("--repair", "mark", "--repair", "delete-orphans", "--repair", "adopt-orphans")
    assert (audited.status, audited.found, audited.summary["too_young"]) == (0, [], 2)
    clock(dt.timedelta(minutes=65))
    assert len(archive.audit().found) == 2


def test_the_margin_follows_the_longest_ingest(make_app, tmp_path, clock):
    archive = Archive(make_app(INGEST_JOB_TIMEOUT_S="7200"), tmp_path)
    archive.store_file("a.fits", b"a")
    clock(dt.timedelta(hours=3))
    assert archive.audit().summary["too_young"] == 1


@pytest.mark.parametrize("basename", ["a", "c", "e"])
def test_what_is_archived_while_the_audit_runs_is_no_finding(archive, monkeypatch, basename):
    """Wherever it stands in the order, and by whatever clock: what the list has passed, the database may still show."""
    monkeypatch.setattr(queries, "PAGE_ROWS", 1)
    for present in ("b", "d"):
        archive.add(present)
    really_list = archive.store.list_files

    def list_files(prefix: str) -> Iterator[StoredFile]:
        listed = really_list(prefix)
        yield next(listed)
        archive.add(basename)
        yield from listed

    monkeypatch.setattr(archive.store, "list_files", list_files)
    audited = archive.audit("--checksums")
    assert (audited.status, audited.found) == (0, [])


def test_a_file_that_the_store_can_not_give_is_told_and_the_audit_goes_on(local_archive, monkeypatch):
    class FailingFile:
        def __enter__(self) -> None:
            raise FileStoreConnectionError("a sector is gone")

        def __exit__(self, *_: object) -> None:
            pass

    really_open = FileSystemStore.get_fileobj
    monkeypatch.setattr(
        FileSystemStore,
        "get_fileobj",
        lambda store, path, key="": FailingFile() if path.endswith("/a.fits") else really_open(store, path, key),
    )
    for basename in ("a", "b"):
        local_archive.add(basename)
    change_version(local_archive, "b", md5="0" * 32)
    audited = local_archive.audit("--checksums", "--repair", "mark")
    assert audited.found == [("unreadable", "a.fits", "reported"), ("md5", "b.fits", "marked")]
    assert audited.findings[0]["detail"] == "a sector is gone"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_memory_does_not_grow_with_the_archive(local_archive, monkeypatch):
    monkeypatch.setattr(queries, "PAGE_ROWS", 50)
    archive = local_archive
    archive.add("a")
    peaks = []
    for first, last in [(0, 200), (200, 2_000)]:
        insert_versions(archive, range(first, last))
        tracemalloc.start()
        done = archive.app.test_cli_runner().invoke(args=["audit"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert f"Findings that remain: {last}." in done.output
    assert peaks[1] < 1.2 * peaks[0]


def insert_versions(archive, numbers: range) -> None:
    row = {"frame_id": 1, "key": "1", "extension": ".fits", "created": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}
    rows = [row | {"md5": f"{number:032x}", "store_path": f"coj/x/{number:032x}"} for number in numbers]
    with archive.app.app_context():
        db.session.execute(db.insert(Version), rows)
        db.session.commit()

"""The command: what it says, its report, its exit status, and what it does when it can't go on."""

import json
import os
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import OperationalError

from app.audit import comparison
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError, StoredFile
from ocs_archive.storage.filesystemstore import FileSystemStore


def test_the_report_may_go_to_the_standard_output(local_archive):
    local_archive.add("a")
    local_archive.store_file("b.fits", b"b")
    done = local_archive.app.test_cli_runner().invoke(args=["audit", "--report", "-"])
    finding, last = (json.loads(line) for line in done.stdout.splitlines())
    assert finding["path"] == "coj/kb05/20240219/processed/b.fits"
    assert last["summary"]["remaining"] == 1
    assert "Versions: 1, thumbnails: 0, stored files: 2. Findings too young to judge: 0." in done.stderr


def test_the_screen_shows_some_findings_and_counts_all(local_archive):
    for number in range(25):
        local_archive.store_file(f"{number:02}.fits", str(number).encode())
    audited = local_archive.audit()
    assert audited.output.count("belongs to no version") == 20
    assert "… and 5 more" in audited.output
    assert "Findings that remain: 25." in audited.output
    assert len(audited.findings) == 25


def test_odd_names_do_no_harm(local_archive):
    local_archive.add("a")
    (local_archive.store.root / os.fsdecode(b"\xff[red]\x1b[31m.fits")).touch()
    audited = local_archive.audit("--repair", "adopt-orphans", "--repair", "delete-orphans")
    assert audited.found == [("foreign", "\udcff[red]\x1b[31m.fits", "kept")]
    assert "foreign: ?[red]?[31m.fits" in audited.output


class UnlistableStore(FileStore):
    """A store from before stores could be listed."""


class UnorderedStore(FileSystemStore):
    """A store that lists its files in an order of its own."""

    def list_files(self, prefix: str = "") -> Iterator[StoredFile]:
        return iter(sorted(super().list_files(prefix), key=lambda file: file.path, reverse=True))


class BreakingStore(FileSystemStore):
    """A store that goes away."""

    def list_files(self, prefix: str = "") -> Iterator[StoredFile]:
        yield next(super().list_files(prefix))
        raise FileStoreConnectionError("the cable was pulled")


@pytest.mark.parametrize(
    ("store", "words"),
    [
        (FileStore, "FILESTORE_TYPE is dummy"),
        (UnlistableStore, "UnlistableStore can't list its files: give it a method list_files"),
        (UnorderedStore, "not in byte order"),
        (BreakingStore, "the cable was pulled"),
    ],
)
def test_a_store_that_can_not_be_audited(local_archive, store, words):
    for basename in ("a", "b"):
        local_archive.add(basename)
    local_archive.app.extensions["file_store"] = store()
    audited = local_archive.audit("--repair", "mark", is_complete=False)
    assert words in audited.output
    assert words in audited.summary["error"]
    assert local_archive.read_faults() == ["", ""]


def test_an_empty_store_of_an_archive_that_is_not_empty(archive):
    """A disk that is not mounted must not mark every frame as lost."""
    lost = archive.add("a")
    archive.store.delete_file(lost["store_path"], lost["key"])
    audited = archive.audit("--repair", "mark", is_complete=False)
    assert "is its disk mounted" in audited.output
    assert archive.read_faults() == [""]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OperationalError("SELECT 1", {}, Exception("server closed the connection")), "server closed the connection"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_what_stops_it_midway_leaves_no_trace(local_archive, monkeypatch, error, words):
    def stop(*_: object) -> None:
        raise error

    local_archive.add("a")
    monkeypatch.setattr(comparison, "list_rows", stop)
    audited = local_archive.audit(is_complete=False)
    assert words in audited.output
    assert "Traceback" not in audited.output


def test_a_report_that_can_not_be_written(local_archive):
    runner = local_archive.app.test_cli_runner()
    assert runner.invoke(args=["audit", "--report", "no/such/folder/report"]).exit_code == 2
    done = runner.invoke(args=["audit", "--report", "/dev/full"])
    assert done.exit_code == 2
    assert "No space left" in done.output


def test_an_unknown_policy_is_refused(local_archive):
    assert local_archive.app.test_cli_runner().invoke(args=["audit", "--repair", "everything"]).exit_code == 2

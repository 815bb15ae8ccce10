"""Broken files: each ends with its state, code and a message to act on; the worker lives, and nothing is left over."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ocs_archive.storage.filesystemstore import TEMPORARY_FOLDER, FileSystemStore
from tests.fits_factory import write_fits
from tests.ingest_worker.broken_inputs import INPUTS, PAGE, build_page, send_all
from tests.live import running_archive

LARGEST_WORKER_KIB = 500 * 1024
CLASSES = {"archived": "", "refused": "", "failed": "DoNotRetryError", "waiting": "BackoffRetryError"}


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def bad_day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """An archive that was sent a good file, then every broken one, then a good file again; and what became of them."""
    data_dir, inputs = tmp_path_factory.mktemp("archive"), tmp_path_factory.mktemp("inputs")
    on_postgresql = request.param == "postgresql"
    settings = {"DATABASE_URL": request.getfixturevalue("postgres").create_database()} if on_postgresql else {}
    waits = {"INGEST_FIRST_RETRY_S": "600", "INGEST_LAST_RETRY_S": "600"}  # what waits stays so while it is looked at
    with running_archive(data_dir, INGEST_ROOTS=str(inputs), **waits, **settings) as archive:
        first = archive.ingest(write_fits(inputs / "first.fits", OBJECT="first"))
        outcomes = send_all(archive, inputs)
        last = archive.ingest(write_fits(inputs / "last.fits", OBJECT="last"))
        yield SimpleNamespace(archive=archive, first=first, last=last, outcomes=outcomes)


def test_each_input_ends_with_its_state_code_and_reason(bad_day: SimpleNamespace) -> None:
    expected = {sent.title: (sent.state, CLASSES[sent.state], sent.code, sent.words) for sent in INPUTS}
    found = {
        sent.title: (end.state, end.error_class, end.code, sent.words if sent.words in end.message else end.message)
        for sent in INPUTS
        for end in [bad_day.outcomes[sent.title]]
    }
    assert found == expected


def test_the_page_shows_what_becomes_of_them(bad_day: SimpleNamespace) -> None:
    assert build_page(bad_day.outcomes) == PAGE.read_text(), "run: make broken-inputs"


def test_one_worker_takes_them_all_and_stays_small(bad_day: SimpleNamespace) -> None:
    assert bad_day.last["state"] == "archived"
    workers = {outcome.worker for outcome in bad_day.outcomes.values() if outcome.worker}
    workers |= {job["history"][0]["worker"] for job in (bad_day.first, bad_day.last)}
    assert len(workers) == 1
    status = Path("/proc") / workers.pop().split(":")[1] / "status"
    assert int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) < LARGEST_WORKER_KIB


def test_nothing_is_left_over(bad_day: SimpleNamespace) -> None:
    archive = bad_day.archive
    archived = 2 + sum(outcome.state == "archived" for outcome in bad_day.outcomes.values())
    assert archive.request("GET", "/frames/?limit=1").json()["count"] == archived
    store = FileSystemStore(archive.data_dir / "files")
    frames = [file for file in store.list_files() if "/thumbnails/" not in file.path]
    assert (len(frames), len([file for file in frames if file.key])) == (archived, archived)
    deadline_s = time.monotonic() + 30
    while list((store.root / TEMPORARY_FOLDER).iterdir()):  # previews are still being made
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    kept = [sent for sent in INPUTS if sent.state == "failed" and not sent.by_path]  # an operator may retry these
    assert len(list((archive.data_dir / "uploads").iterdir())) == len(kept)

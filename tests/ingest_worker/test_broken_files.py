"""Broken files: each job ends with its error class, code and a message to act on, and the next good file goes in."""

import tarfile
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, Work, make_headers, upload

NAME = "coj1m011-kb05-20240219-0125-e91"


def truncated(folder: Path) -> Path:
    file = write_fits(folder / f"{NAME}.fits")
    file.write_bytes(file.read_bytes()[:-5000])
    return file


def junk(folder: Path) -> Path:
    (folder / "junk.fits").write_bytes(bytes(range(256)) * 50)
    return folder / "junk.fits"


def empty(folder: Path) -> Path:
    (folder / "empty.fits").touch()
    return folder / "empty.fits"


def without_keywords(folder: Path) -> Path:
    return write_fits(folder / f"{NAME}.fits", PROPID=None, SITEID=None)


def non_ascii(folder: Path) -> Path:
    """A header with bytes that no FITS header may have, in a value that the archive needs for the file's place."""
    file = write_fits(folder / f"{NAME}.fits", SITEID="c?j")
    file.write_bytes(file.read_bytes().replace(b"'c?j", b"'c\x00/"))
    return file


def tar_without_fits(folder: Path) -> Path:
    (folder / "notes.txt").write_text("no frame")
    with tarfile.open(folder / f"{NAME}.tar.gz", "w:gz") as tar:
        tar.add(folder / "notes.txt", "notes.txt")
    return folder / f"{NAME}.tar.gz"


def unknown_type(folder: Path) -> Path:
    (folder / f"{NAME}.docx").write_bytes(b"PK")
    return folder / f"{NAME}.docx"


def impossible_date(folder: Path) -> Path:
    return write_fits(folder / f"{NAME}.fits", **{"DATE-OBS": "2024-02-30T00:00:00"})


def path_in_site(folder: Path) -> Path:
    return write_fits(folder / f"{NAME}.fits", SITEID="../../etc")


def metadata_missing(folder: Path) -> Path:
    (folder / f"{NAME}-small.jpg").write_bytes(b"\xff\xd8")
    return folder / f"{NAME}-small.jpg"


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (truncated, "fits.truncated", "cut short"),
        (junk, "fits.invalid", "junk.fits"),
        (empty, "fits.empty", "empty.fits"),
        (without_keywords, "header.missing", "PROPID"),
        (non_ascii, "header.unsafe_path", "SITEID"),
        (tar_without_fits, "tar.no_fits", NAME),
        (unknown_type, "filetype.unknown", ".docx"),
        (impossible_date, "header.bad_date", "2024-02-30"),
        (path_in_site, "header.unsafe_path", "SITEID"),
        (metadata_missing, "metadata.missing", "frame_basename"),
    ],
)
def test_a_broken_file_fails_with_its_reason_and_the_next_one_goes_in(
    make, code, words, client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path
) -> None:
    broken = upload(client, as_operator, make(tmp_path))
    good = upload(client, as_operator, write_fits(tmp_path / "good" / f"{NAME}.fits"))
    work()
    job = client.get(f"/ingest/jobs/{broken}", headers=as_operator).json
    assert (job["state"], job["error_class"], job["error_code"]) == ("failed", "DoNotRetryError", code)
    assert words in job["error_message"]
    assert client.get(f"/ingest/jobs/{good}", headers=as_operator).json["state"] == "archived"


def test_odd_but_good_headers_go_in(client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path) -> None:
    file = write_fits(tmp_path / f"{NAME}.fits", L1PUBDAT="2024-02-20")
    write_card(file, "CRVAL1", b"'NaN'")
    write_card(file, "OBJECT", b"'<script>caf\xe9</script>'")
    job_id = upload(client, as_operator, file)
    work()
    job = client.get(f"/ingest/jobs/{job_id}", headers=as_operator).json
    assert job["state"] == "archived", job
    frame = client.get(job["frame_url"]).json
    assert (frame["target_name"], frame["area"]) == ("<script>caf?</script>", None)


def write_card(file: Path, key: str, value: bytes) -> None:
    """Put bytes into a header that no FITS library would write."""
    content = file.read_bytes()
    start = content.index(f"{key:8}=".encode()) + len("KEYWORD = ")
    file.write_bytes(content[:start] + value.ljust(70) + content[start + 70 :])


def test_files_by_path_that_are_not_there(make_app: MakeApp, tmp_path: Path) -> None:
    from ingest_worker.cli import worker

    app = make_app(INGEST_ROOTS=str(tmp_path))
    client, headers = app.test_client(), make_headers(app, "tcs", is_admin=True)
    (tmp_path / "folder.fits").mkdir()
    expected = {"missing.fits": "file.missing", "folder.fits": "file.irregular"}
    for name in expected:
        client.post("/ingest/jobs", json={"filepath": str(tmp_path / name)}, headers=headers)
    app.test_cli_runner().invoke(worker, ["--burst"])
    jobs = client.get("/ingest/jobs", headers=headers).json["results"]
    assert {job["filename"]: job["error_code"] for job in jobs} == expected
    assert {job["error_class"] for job in jobs} == {"DoNotRetryError"}

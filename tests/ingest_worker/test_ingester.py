"""The library for control systems: against a whole archive, and against servers that answer anything."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ingest_worker import ingester
from ingest_worker.exceptions import BackoffRetryError, DoNotRetryError, IngestError, NonFatalDoNotRetryError
from tests.fits_factory import FRAME_CARDS, write_fits
from tests.live import LiveArchive
from tests.scripted_server import ScriptedServer, scripted_server

NOT_KNOWN = (200, {"count": 0})


@pytest.fixture
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A frame of a name and content of its own."""
    return write_fits(tmp_path / f"{request.node.name}-e91.fits", OBJECT=request.node.name)


@pytest.fixture
def archive(live_archive: LiveArchive, monkeypatch: pytest.MonkeyPatch) -> LiveArchive:
    """A running archive, and the settings with which a control system on its machine reaches it."""
    settings = {
        "API_ROOT": f"{live_archive.url}/",
        "AUTH_TOKEN": live_archive.admin_token,
        "FILESTORE_TYPE": "local",
        "FILESYSTEM_STORAGE_ROOT_DIR": str(live_archive.data_dir / "files"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return live_archive


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ScriptedServer]:
    """A server that answers anything, where the archive is looked for."""
    with scripted_server() as script:
        monkeypatch.setenv("API_ROOT", script.url)
        monkeypatch.setenv("AUTH_TOKEN", "secret")
        monkeypatch.setenv("FILESTORE_TYPE", "local")
        monkeypatch.setenv("FILESYSTEM_STORAGE_ROOT_DIR", str(tmp_path / "store"))
        yield script


def upload(file: Path, **options: Any) -> dict[str, Any]:
    with file.open("rb") as fileobj:
        return ingester.upload_file_and_ingest_to_archive(fileobj, **options)


def test_a_file_is_archived_once(archive: LiveArchive, file: Path) -> None:
    record = upload(file)
    assert record["filename"] == file.name
    assert record["frameid"] == record["id"]
    assert record["headers"]["OBJECT"] == record["target_name"] == file.name.removesuffix("-e91.fits")
    assert record["area"]["type"] == "Polygon"
    assert record["version_set"][0]["size"] == file.stat().st_size
    headers = {"Authorization": f"Token {archive.admin_token}"}
    assert requests.get(record["url"], headers=headers, timeout=60).content == file.read_bytes()
    with pytest.raises(NonFatalDoNotRetryError, match="in the archive already") as caught:
        upload(file)
    assert caught.value.code == "archive.known"


def test_step_by_step(archive: LiveArchive, file: Path) -> None:
    with file.open("rb") as fileobj:
        assert not ingester.frame_exists(fileobj)
        record = ingester.validate_fits_and_create_archive_record(fileobj)
        version = ingester.upload_file_to_file_store(fileobj)
        assert set(version) == {"key", "md5", "extension"}
        assert ingester.ingest_archive_record(version, record)["basename"] == f"{file.name.removesuffix('.fits')}"
        assert ingester.frame_exists(fileobj)
        with pytest.raises(NonFatalDoNotRetryError):  # as when another brought it since
            ingester.ingest_archive_record(version, record)


def test_a_thumbnail_goes_to_the_thumbnails(archive: LiveArchive) -> None:
    metadata = {**FRAME_CARDS, "frame_basename": "pictured-e91", "size": "large"}
    record = ingester.upload_file_and_ingest_to_archive(
        io.BytesIO(b"\xff\xd8 picture"), path="pictured-e91-large.jpg", file_metadata=metadata
    )
    answer = archive.request("GET", "/thumbnails/?frame_basename=pictured-e91").json()
    assert [(thumbnail["id"], thumbnail["frame_id"]) for thumbnail in answer["results"]] == [
        (record["id"], record["frameid"])
    ]
    picture = requests.get(record["url"], headers={"Authorization": f"Token {archive.admin_token}"}, timeout=60)
    assert picture.content == b"\xff\xd8 picture"


def test_settings_and_arguments_lead_to_the_archive(
    server: ScriptedServer, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login nobody password nothing")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.answer(NOT_KNOWN, NOT_KNOWN)
    with file.open("rb") as fileobj:
        ingester.frame_exists(fileobj)
        ingester.frame_exists(fileobj, api_root=f"{server.url}archive", auth_token="another")
    first, second = server.requests
    assert first[1].startswith("/versions/?md5=")
    assert second[1].startswith("/archive/versions/?md5=")
    assert [headers["Authorization"] for _, _, headers, _ in (first, second)] == ["Token secret", "Token another"]


def test_nothing_is_stored_of_a_file_that_is_known(server: ScriptedServer, file: Path, tmp_path: Path) -> None:
    server.answer((200, {"count": 1}))
    with pytest.raises(NonFatalDoNotRetryError):
        upload(file)
    assert not (tmp_path / "store").exists()


def test_a_file_that_will_fail_again_is_not_to_be_retried(server: ScriptedServer, tmp_path: Path) -> None:
    for name, options, code in (
        ("no-header.fits", {"PROPID": None}, "header.missing"),
        ("unknown.type", {}, "filetype.unknown"),
    ):
        with pytest.raises(DoNotRetryError) as caught:
            upload(write_fits(tmp_path / name, **options))
        assert caught.value.code == code
    headers = {"required_headers": ["OBJECT"], "blacklist_headers": ["FILTER"]}
    server.answer(NOT_KNOWN, (201, {"id": 7}))
    record = upload(write_fits(tmp_path / "enough.fits", PROPID=None), **headers)
    assert record["frameid"] == 7
    assert "FILTER" not in record["headers"]


ANSWERS: list[tuple[int, Any, type[IngestError]]] = [
    (400, {"area": ["Must be a GeoJSON Polygon."], "detail": "area: Must be a GeoJSON Polygon."}, DoNotRetryError),
    (400, {"code": "version_exists", "detail": "version with this md5 already exists."}, NonFatalDoNotRetryError),
    (401, {"detail": "This archive does not know the token."}, DoNotRetryError),
    (413, "<html>too large</html>", DoNotRetryError),
    (302, "", BackoffRetryError),
    (500, {"detail": "Something went wrong."}, BackoffRetryError),
    (503, "<html>later</html>", BackoffRetryError),
    (200, "<html>a page</html>", BackoffRetryError),
]


def test_what_the_archive_answers_says_whether_to_try_again(server: ScriptedServer, file: Path) -> None:
    for status, body, kind in ANSWERS:
        server.answer(NOT_KNOWN, (status, body))
        with pytest.raises(IngestError) as caught:
            upload(file)
        assert type(caught.value) is kind, (status, body)
        said = body["detail"] if isinstance(body, dict) else body or "https://elsewhere.example/"
        assert said in str(caught.value)


def test_an_address_that_is_no_archive_is_said_to_be_none(server: ScriptedServer, file: Path) -> None:
    server.answer((200, {"hello": "world"}))
    with pytest.raises(BackoffRetryError, match="API_ROOT"):
        upload(file)


def test_an_archive_or_a_store_that_is_away_may_come_back(
    server: ScriptedServer, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").touch()
    server.answer(NOT_KNOWN)
    with monkeypatch.context() as patch:
        patch.setenv("FILESYSTEM_STORAGE_ROOT_DIR", str(tmp_path / "full" / "store"))
        with pytest.raises(BackoffRetryError) as caught:
            upload(file)
    assert caught.value.code.startswith("store.")
    with pytest.raises(BackoffRetryError) as caught:
        upload(file, api_root="http://127.0.0.1:1/")
    assert caught.value.code == "archive.unavailable"


def test_a_store_that_got_other_bytes_is_noticed(
    server: ScriptedServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILESTORE_TYPE", "tests.contract.observatory.ForgetfulStore")
    server.answer(NOT_KNOWN)
    with pytest.raises(BackoffRetryError) as caught:
        upload(file)
    assert caught.value.code == "store.checksum_mismatch"


def test_retrying_goes_on_while_the_error_may_pass(server: ScriptedServer, file: Path) -> None:
    waits: list[float] = []
    retry = ingester.retrying().copy(sleep=waits.append)
    server.answer((503, ""), (500, ""), NOT_KNOWN, (201, {"id": 7}))
    assert retry(upload, file)["frameid"] == 7
    assert len(waits) == 2
    assert all(2 <= wait <= 600 for wait in waits)
    server.answer((403, {"detail": "No."}))
    with pytest.raises(DoNotRetryError, match=r"No\."):
        retry(upload, file)


def test_a_control_system_loads_no_web_application() -> None:
    code = "import sys, ingest_worker.ingester; print({'app', 'flask', 'sqlalchemy', 'rq'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

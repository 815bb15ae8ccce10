"""The S3 store: what S3 is told about a file, links, and whose fault a failure is."""

import hashlib
import io
import os
import tempfile
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from botocore import exceptions as aws

from ocs_archive.input.file import DataFile, File
from ocs_archive.input.fitsfile import FitsFile
from ocs_archive.input.thumbnailfile import ThumbnailFile
from ocs_archive.storage import s3store
from ocs_archive.storage.filestore import FileStoreConnectionError, FileStoreSpecificationError
from ocs_archive.storage.s3store import S3Store, translate_errors
from tests.fits_factory import FRAME_CARDS, write_fits
from tests.nasty_paths import PlacedFile

NAME = "coj1m011-kb05-20240219-0125-e91.fits"
PATH = f"coj/kb05/20240219/processed/{NAME}"


def describe(store: S3Store, path: str = PATH) -> dict:
    return store.client.head_object(Bucket=store.bucket, Key=path)


def test_fits_file_is_described_as_such(s3_store, tmp_path):
    with write_fits(tmp_path / NAME).open("rb") as fileobj:
        s3_store.store_file(FitsFile(File(fileobj)))
    stored = describe(s3_store)
    assert stored["ContentType"] == "image/fits"
    assert stored["ContentDisposition"] == f"attachment; filename={NAME}"


def test_content_type_of_a_thumbnail(s3_store):
    metadata = FRAME_CARDS | {"frame_basename": "x", "size": "small"}
    s3_store.store_file(ThumbnailFile(File(io.BytesIO(b"jpeg"), "x-small.jpeg"), metadata))
    assert describe(s3_store, "coj/kb05/20240219/thumbnails/x-small.jpeg")["ContentType"] == "image/jpeg"


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("x y.fits", "attachment; filename*=UTF-8''x%20y.fits"),
        ("café.fits", "attachment; filename*=UTF-8''caf%C3%A9.fits"),
        ('a";b.fits', "attachment; filename*=UTF-8''a%22%3Bb.fits"),
    ],
)
def test_odd_names_are_encoded_in_the_disposition(name, disposition):
    assert s3store.build_content_disposition(name) == disposition


@pytest.mark.parametrize(("age_days", "storage_class"), [(9, "STANDARD"), (11, "STANDARD_IA")])
def test_old_observations_are_stored_as_infrequently_accessed(
    s3_store, make_data_file, monkeypatch, age_days, storage_class
):
    monkeypatch.setenv("S3_DAYS_TO_IA_STORAGE", "10")
    observed = (datetime.now(UTC) - timedelta(days=age_days)).isoformat()
    s3_store.store_file(make_data_file(**{"DATE-OBS": observed}))
    # S3 does not name the class STANDARD
    assert describe(s3_store).get("StorageClass", "STANDARD") == storage_class


def test_keys_are_the_version_ids(s3_store, make_data_file):
    key = s3_store.store_file(make_data_file())["key"]
    assert key == describe(s3_store)["VersionId"]


def test_key_in_a_bucket_without_versions(unversioned_s3_store, make_data_file):
    assert unversioned_s3_store.store_file(make_data_file())["key"] == "null"


@pytest.fixture
def sent_headers(s3_store) -> Iterator[list[dict]]:
    """The headers of each request that the store sends."""
    sent: list[dict] = []

    def record(request, **_) -> None:
        sent.append(dict(request.headers))

    events = s3_store.client.meta.events
    events.register("before-sign.s3", record)
    yield sent
    events.unregister("before-sign.s3", record)


def test_s3_can_check_what_it_receives(s3_store, sent_headers, make_data_file, monkeypatch):
    s3_store.store_file(make_data_file(b"one"))
    assert sent_headers[0]["Content-MD5"] == b64encode(hashlib.md5(b"one").digest()).decode()
    monkeypatch.setattr(s3store, "MAX_SINGLE_PUT_BYTES", 2**20)
    s3_store.store_file(make_data_file(bytes(9 * 2**20)))
    assert sum("x-amz-checksum-crc32" in headers for headers in sent_headers) == 2


def test_s3_can_tell_that_a_file_changed_after_it_was_received(s3_store, sent_headers):
    content = io.BytesIO(b"one")
    with s3_store.receive(File(content, NAME)) as received:
        content.getbuffer()[:] = b"two"
        s3_store.store_file(DataFile(received, FRAME_CARDS))  # the server of the tests does not compare
    assert sent_headers[0]["Content-MD5"] == b64encode(hashlib.md5(b"one").digest()).decode()


@pytest.mark.parametrize("source", ["memory", "disk"])
def test_large_file_goes_up_in_parts(s3_store, make_data_file, monkeypatch, source):
    content = os.urandom(9 * 2**20)
    monkeypatch.setattr(s3store, "MAX_SINGLE_PUT_BYTES", 2**20)
    with tempfile.TemporaryFile() if source == "disk" else io.BytesIO() as fileobj:
        fileobj.write(content)
        version = s3_store.store_file(DataFile(File(fileobj, NAME), FRAME_CARDS))
        assert not fileobj.closed
    assert describe(s3_store)["ETag"].endswith('-2"')
    assert version["key"] == describe(s3_store)["VersionId"]
    with s3_store.get_fileobj(PATH) as stored:
        assert hashlib.md5(stored.read()).hexdigest() == version["md5"] == hashlib.md5(content).hexdigest()


def test_link_needs_no_credentials_and_names_the_version(s3_store, make_data_file):
    old, _ = (s3_store.store_file(make_data_file(content))["key"] for content in (b"one", b"two"))
    for version_id, content in [(old, b"one"), ("", b"two")]:
        url = s3_store.get_url(PATH, version_id, 60)
        assert "X-Amz-Expires=60" in url
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == content


def test_threads_share_one_client(s3_store, s3_settings):
    store = S3Store(s3_store.bucket)
    with ThreadPoolExecutor(8) as threads:
        clients = set(threads.map(lambda _: store.client, range(32)))
    assert len(clients) == 1


def test_bucket_comes_from_the_settings(monkeypatch):
    monkeypatch.setenv("BUCKET", "observatory")
    assert S3Store().bucket == "observatory"


def test_missing_bucket_is_a_fault_of_the_settings(s3_settings, make_data_file):
    store = S3Store("no-such-bucket")
    with pytest.raises(FileStoreSpecificationError, match="no-such-bucket"):
        store.store_file(make_data_file())
    with pytest.raises(FileStoreSpecificationError, match="no-such-bucket"), store.get_fileobj(PATH):
        pass


@pytest.mark.parametrize(
    ("setting", "value"),
    [("S3_ENDPOINT_URL", "no url"), ("S3_ADDRESSING_STYLE", "sideways"), ("S3_SIGNATURE_VERSION", "none such")],
)
def test_unusable_settings_are_named_as_such(s3_settings, monkeypatch, setting, value):
    monkeypatch.setenv(setting, value)
    with pytest.raises(FileStoreSpecificationError):
        S3Store("bucket").get_file_size(PATH)


def test_missing_credentials_are_a_fault_of_the_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(FileStoreSpecificationError, match="credentials"):
        S3Store("bucket").get_url(PATH, "", 60)


def client_error(code: str) -> aws.ClientError:
    return aws.ClientError({"Error": {"Code": code, "Message": "said so"}}, "PutObject")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (client_error("AccessDenied"), FileStoreSpecificationError),
        (client_error("InvalidAccessKeyId"), FileStoreSpecificationError),
        (client_error("NoSuchBucket"), FileStoreSpecificationError),
        (client_error("SlowDown"), FileStoreConnectionError),
        (client_error("InternalError"), FileStoreConnectionError),
        (client_error("BadDigest"), FileStoreConnectionError),
        (aws.NoCredentialsError(), FileStoreSpecificationError),
        (aws.EndpointConnectionError(endpoint_url="https://s3.example"), FileStoreConnectionError),
        (aws.ReadTimeoutError(endpoint_url="https://s3.example"), FileStoreConnectionError),
        (aws.IncompleteReadError(actual_bytes=1, expected_bytes=2), FileStoreConnectionError),
    ],
)
def test_whose_fault_an_error_is(error, kind):
    with pytest.raises(kind, match="a/b"), translate_errors("a/b"):
        raise error


def test_links_can_name_the_address_that_users_reach(s3_settings, monkeypatch):
    monkeypatch.setenv("S3_PUBLIC_ENDPOINT_URL", "https://files.example.org")
    assert S3Store("bucket").get_url(PATH, "version", 60).startswith("https://files.example.org/")


@pytest.mark.parametrize("bucket", ["s3_store", "unversioned_s3_store"])
def test_the_list_goes_over_many_pages(bucket, request, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")  # the server's page
    store = request.getfixturevalue(bucket)
    paths = [f"night/{number}.fits" for number in range(5)]
    for path in paths:
        store.store_file(PlacedFile(path))
    assert [file.path for file in store.list_files()] == paths


def test_a_delete_marker_is_not_listed_and_hides_nothing(s3_store, make_data_file):
    version = s3_store.store_file(make_data_file())
    s3_store.client.delete_object(Bucket=s3_store.bucket, Key=PATH)
    assert [(file.path, file.key) for file in s3_store.list_files()] == [(PATH, version["key"])]


def test_the_list_of_a_missing_bucket_is_a_fault_of_the_settings(s3_settings):
    with pytest.raises(FileStoreSpecificationError, match="no-such-bucket"):
        list(S3Store("no-such-bucket").list_files())


@pytest.mark.usefixtures("s3_settings")
def test_a_bucket_that_is_not_there_fails_the_check():
    with pytest.raises(FileStoreConnectionError, match="S3 refused the bucket never-made"):
        S3Store("never-made").check()


@pytest.mark.usefixtures("s3_settings")
def test_a_server_that_is_away_fails_the_check(monkeypatch):
    monkeypatch.setenv("S3_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(FileStoreConnectionError, match="S3 failed on the bucket"):
        S3Store("bucket").check()

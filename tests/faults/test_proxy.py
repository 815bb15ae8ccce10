"""The S3 server that fails: each fault is what its name says, to the client and in the store."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from ingest_worker.datafiles import store_data_file
from ingest_worker.exceptions import BackoffRetryError
from ocs_archive.input.file import DataFile, File
from ocs_archive.storage.s3store import S3Store
from tests.faults.proxy import Exchange, FaultProxy, fault_proxy
from tests.faults.site import S3_ACCESS
from tests.fits_factory import FRAME_CARDS, write_fits

CONTENT = b"0123456789" * 1000


@pytest.fixture
def proxy(s3_server: str) -> Iterator[FaultProxy]:
    with fault_proxy(s3_server, seed=1) as proxy:
        yield proxy


@pytest.fixture
def bucket(proxy: FaultProxy):
    """A bucket behind the proxy, of a client that tries once."""
    access = {name.lower(): value for name, value in S3_ACCESS.items() if name != "AWS_DEFAULT_REGION"}
    once = Config(retries={"total_max_attempts": 1})
    s3 = boto3.resource("s3", endpoint_url=proxy.url, region_name="us-east-1", config=once, **access)
    return s3.create_bucket(Bucket=f"faults-{uuid4().hex}")


@pytest.mark.parametrize(
    ("fault", "error", "kept_bytes"),
    [
        (Exchange.answer_500, ClientError, None),
        (Exchange.answer_503, ClientError, None),
        (Exchange.cut_request, HTTPClientError, None),
        (Exchange.drop_answer, HTTPClientError, len(CONTENT)),
    ],
)
def test_an_upload_that_fails(bucket, proxy, fault: Callable[[Exchange], None], error, kept_bytes) -> None:
    with proxy.misbehave(fault, share=1), pytest.raises(error):
        bucket.put_object(Key="a", Body=CONTENT)
    assert [stored.size for stored in bucket.objects.all()] == ([] if kept_bytes is None else [kept_bytes])


def test_a_download_that_is_cut_off(bucket, proxy) -> None:
    stored = bucket.put_object(Key="a", Body=CONTENT)
    with proxy.misbehave(Exchange.cut_answer, share=1), pytest.raises(Exception, match=f"{len(CONTENT) // 2}"):
        stored.get()["Body"].read()
    assert stored.get()["Body"].read() == CONTENT


def test_what_a_store_keeps_half_of_is_deleted(bucket, proxy, monkeypatch, tmp_path) -> None:
    bucket.Versioning().enable()
    for name, value in S3_ACCESS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("S3_ENDPOINT_URL", proxy.url)
    monkeypatch.setenv("S3_ADDRESSING_STYLE", "path")
    path = write_fits(tmp_path / "a.fits")
    with path.open("rb") as content, proxy.misbehave(Exchange.keep_half, share=1):
        file = File(content, path.name)
        with pytest.raises(BackoffRetryError, match=f"holds {len(file) // 2} of {len(file)} bytes"):
            store_data_file(S3Store(bucket.name), DataFile(file, FRAME_CARDS), file.get_md5(), len(file))
    assert list(bucket.object_versions.all()) == []

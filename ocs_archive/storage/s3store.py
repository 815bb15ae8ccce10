"""The S3 store: a bucket, best a versioned one, at Amazon's or any S3-compatible server's."""

import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

import boto3.session
from botocore import exceptions as aws
from botocore.config import Config

from ocs_archive.input.dates import parse_date
from ocs_archive.input.file import DataFile, File
from ocs_archive.settings import settings
from ocs_archive.storage.filestore import (
    FileStore,
    FileStoreConnectionError,
    FileStoreSpecificationError,
    ReceivedFile,
    StoredFile,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_SINGLE_PUT_BYTES = 5 * 2**30
IMPATIENT = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
UNVERSIONED = "null"  # S3's own id of what is stored in a bucket without versions
NOT_FOUND_CODES = {"404", "NoSuchKey", "NoSuchVersion"}
MISCONFIGURED_CODES = {
    "403",
    "AccessDenied",
    "AccountProblem",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "InvalidAccessKeyId",
    "InvalidBucketName",
    "InvalidStorageClass",
    "NoSuchBucket",
    "PermanentRedirect",
    "SignatureDoesNotMatch",
}
MISCONFIGURED_ERRORS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.ProfileNotFound,
    aws.NoRegionError,
    aws.InvalidRegionError,
    aws.UnknownEndpointError,
    aws.InvalidS3AddressingStyleError,
    aws.UnknownSignatureVersionError,
    aws.ParamValidationError,
)


@contextmanager
def translate_errors(place: str) -> Iterator[None]:
    """Turn what S3 and botocore say into the store's errors."""
    try:
        yield
    except MISCONFIGURED_ERRORS as error:
        raise FileStoreSpecificationError(f"S3 can't be used for {place}: {error}") from error
    except aws.ClientError as error:
        kind = FileStoreSpecificationError if get_code(error) in MISCONFIGURED_CODES else FileStoreConnectionError
        raise kind(f"S3 refused {place}: {error}") from error
    except aws.BotoCoreError as error:
        raise FileStoreConnectionError(f"S3 failed on {place}: {error}") from error


def get_code(error: aws.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def build_content_disposition(filename: str) -> str:
    """Name the attachment, by RFC 6266: in UTF-8 and percent-encoded where it is more than a plain token."""
    if re.fullmatch(r"[\w.+-]+", filename, re.ASCII):
        return f"attachment; filename={filename}"
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


def choose_storage_class(data_file: DataFile) -> str:
    """Return STANDARD_IA for an observation older than S3_DAYS_TO_IA_STORAGE days, else STANDARD."""
    observed = data_file.get_header_data().get_observation_date()
    if observed is None:
        return "STANDARD"
    moment = parse_date(settings.OBSERVATION_DATE_KEY, observed)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    is_old = datetime.now(UTC) - aware > timedelta(days=settings.S3_DAYS_TO_IA_STORAGE)
    return "STANDARD_IA" if is_old else "STANDARD"


class S3Store(FileStore):
    """A store in an S3 bucket. The key of a version is S3's version id, ``null`` in a bucket without versions.

    Parameters
    ----------
    bucket
        The bucket; None takes BUCKET. Nothing connects before the first call that needs it.
    """

    def __init__(self, bucket: str | None = None) -> None:
        self.bucket = settings.BUCKET if bucket is None else bucket
        self._lock = threading.Lock()
        self._clients: dict[str, S3Client] = {}

    @property
    def client(self) -> "S3Client":
        """The connection: made once, and shared by threads."""
        return self._get_client("requests", settings.S3_ENDPOINT_URL)

    @property
    def link_client(self) -> "S3Client":
        """What signs links: for the address under which users reach the server."""
        public_url = settings.S3_PUBLIC_ENDPOINT_URL
        return self._get_client("links", public_url) if public_url else self.client

    @contextmanager
    def receive(self, file: File) -> Iterator[File]:
        """Hash a file: S3 will compare what it gets with that."""
        yield ReceivedFile(file, file.fileobj, file.get_md5())

    def store_file(self, data_file: DataFile) -> dict[str, str]:
        """Store a file as the newest version; S3 checks what it received against checksums.

        A file too large for one request goes up in parts.
        """
        path, file = data_file.get_filestore_path(), data_file.open_file
        md5 = file.get_md5()
        attributes = {
            "ContentDisposition": build_content_disposition(f"{file.basename}{file.extension}"),
            "StorageClass": choose_storage_class(data_file),
        }
        if content_type := data_file.get_filestore_content_type():
            attributes["ContentType"] = content_type
        with self._translate_errors(path):
            if len(file) <= MAX_SINGLE_PUT_BYTES:
                version_id = self._put(path, file, md5, attributes)
            else:
                version_id = self._put_in_parts(path, file, attributes)
        return {"key": version_id, "md5": md5, "extension": file.extension or ""}

    def check(self) -> None:
        """Make sure that the bucket answers; the right to list it is needed."""
        with translate_errors(f"the bucket {self.bucket}"):
            self._get_client("checks", settings.S3_ENDPOINT_URL, IMPATIENT).head_bucket(Bucket=self.bucket)

    def delete_file(self, path: str, version_id: str) -> None:
        """Delete one version, and not merely mark it; the newest that is left becomes the newest."""
        with self._translate_errors(path):
            newest = {} if version_id else self._find(self.client.head_object, path, "")
            if newest is not None:
                self.client.delete_object(**self._locate(path, version_id or newest.get("VersionId", "")))

    def get_url(self, path: str, version_id: str, expiration: int) -> str:
        """Return a presigned link, valid for `expiration` seconds (Amazon's most is 604800, seven days)."""
        with self._translate_errors(path):
            return self.link_client.generate_presigned_url(
                "get_object", Params=self._locate(path, version_id), ExpiresIn=expiration
            )

    @contextmanager
    def get_fileobj(self, path: str, version_id: str = "") -> Iterator[IO[bytes] | None]:
        """Stream a version, for a ``with`` statement; it can't seek. None if it is not there."""
        with self._translate_errors(path):
            stored = self._find(self.client.get_object, path, version_id)
            if stored is None:
                yield None
            else:
                with closing(stored["Body"]) as body:
                    yield body

    def get_file_size(self, path: str, version_id: str = "") -> int:
        """Return a version's size in bytes; FileStoreConnectionError if it is not there."""
        with self._translate_errors(path):
            # GET, its body unread: HEAD can't tell a missing bucket, and some servers refuse it the version "null".
            stored = self.client.get_object(**self._locate(path, version_id))
            stored["Body"].close()
            return stored["ContentLength"]

    def list_files(self, prefix: str = "") -> Iterator[StoredFile]:
        """Yield every version of every file whose path begins with `prefix`, in the byte order of paths.

        A delete marker hides the versions below it from those who ask for the newest; it is none itself.
        """
        with self._translate_errors(f"the list of files {prefix}".rstrip()):
            for found in self._iter_versions(prefix):
                key, modified = found.get("VersionId") or UNVERSIONED, found["LastModified"].astimezone(UTC)
                yield StoredFile(found["Key"], key, found["Size"], modified)

    def _get_client(self, purpose: str, endpoint_url: str, limits: Config | None = None) -> "S3Client":
        with self._lock:
            if purpose not in self._clients:
                self._clients[purpose] = self._connect(endpoint_url, limits)
            return self._clients[purpose]

    def _connect(self, endpoint_url: str, limits: Config | None) -> "S3Client":
        config = Config(
            signature_version=settings.S3_SIGNATURE_VERSION,
            s3={"addressing_style": settings.S3_ADDRESSING_STYLE},
            retries={"mode": "standard", "max_attempts": 5},
            connect_timeout=5,
            read_timeout=60,
            # The md5 that is sent with each file is checksum enough, and S3-compatible servers know few others.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        try:
            return boto3.session.Session().client(
                "s3",
                endpoint_url=endpoint_url or None,
                region_name=settings.AWS_DEFAULT_REGION or None,
                aws_access_key_id=settings.AWS_ACCESS_KEY_ID or None,
                aws_secret_access_key=settings.AWS_SECRET_ACCESS_KEY or None,
                config=config.merge(limits) if limits else config,
            )
        except ValueError as error:  # botocore's own word for an address that is none
            raise FileStoreSpecificationError(f"{error}; see S3_ENDPOINT_URL.") from error

    def _translate_errors(self, path: str) -> AbstractContextManager[None]:
        return translate_errors(f"{path} in the bucket {self.bucket}")

    def _locate(self, path: str, version_id: str) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": path} | ({"VersionId": version_id} if version_id else {})

    def _iter_versions(self, prefix: str) -> Iterator[Any]:
        """Yield what S3 says of each version; not every server can list versions where it keeps none."""
        if "Status" in self.client.get_bucket_versioning(Bucket=self.bucket):
            pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
            for page in pages:
                yield from page.get("Versions", ())
        else:
            plain_pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for plain_page in plain_pages:
                yield from plain_page.get("Contents", ())

    def _put(self, path: str, file: File, md5: str, attributes: dict[str, Any]) -> str:
        content_md5 = b64encode(bytes.fromhex(md5)).decode()
        answer = self.client.put_object(
            **self._locate(path, ""), Body=file.get_from_start(), ContentMD5=content_md5, **attributes
        )
        return answer.get("VersionId") or UNVERSIONED

    def _put_in_parts(self, path: str, file: File, attributes: dict[str, Any]) -> str:
        self.client.upload_fileobj(
            file.get_from_start(), self.bucket, path, ExtraArgs=attributes | {"ChecksumAlgorithm": "CRC32"}
        )
        stored = self.client.head_object(**self._locate(path, ""))
        if stored["ContentLength"] != len(file):
            raise FileStoreConnectionError(f"S3 has {stored['ContentLength']} of the {len(file)} bytes of {path}.")
        return stored.get("VersionId") or UNVERSIONED

    def _find(self, read: Callable[..., Any], path: str, version_id: str) -> dict[str, Any] | None:
        """Return the answer of head_object or get_object; None if the version is not there."""
        try:
            return dict(read(**self._locate(path, version_id)))
        except aws.ClientError as error:
            if get_code(error) in NOT_FOUND_CODES:
                return None
            raise

"""For control systems in Python: puts a file into the file store, and its record over HTTP into the archive.

>>> with open("coj1m011-kb05-20240219-0125-e91.fits.fz", "rb") as fileobj:
...     record = upload_file_and_ingest_to_archive(fileobj)

It needs neither the application nor its database, only settings in the environment: those of the file store, which
must be the archive's own, API_ROOT and AUTH_TOKEN. Each function tries once, and raises what `ingest_worker.exceptions`
has: that says whether to try again, as `retrying` does.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import IO, Any

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from ingest_worker.datafiles import build_frame_record, read_data_file, store_data_file, translated_file_errors
from ingest_worker.exceptions import BackoffRetryError, DoNotRetryError, NonFatalDoNotRetryError, RetryError
from ocs_archive.input.file import DataFile, File
from ocs_archive.settings import SETTINGS, settings
from ocs_archive.storage.filestore import FileStore
from ocs_archive.storage.filestorefactory import FileStoreFactory

log = logging.getLogger(__name__)

Record = dict[str, Any]

CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S = 10, 120
LONGEST_EXCERPT = 500  # characters of an answer that is no JSON


def upload_file_and_ingest_to_archive(
    fileobj: IO[bytes],
    path: str | os.PathLike[str] | None = None,
    file_metadata: Mapping[str, Any] | None = None,
    required_headers: Iterable[str] | None = None,
    blacklist_headers: Iterable[str] | None = None,
    api_root: str | None = None,
    auth_token: str | None = None,
) -> Record:
    """Bring a file into the file store and the archive.

    Parameters
    ----------
    fileobj
        The file, open for reading in binary.
    path
        Its name, with or without folders; None takes the file object's own.
    file_metadata
        Header values that go over the file's own; a file without a header needs them.
    required_headers, blacklist_headers
        Header keys that must be there, and that are dropped; None takes REQUIRED_HEADERS and HEADER_BLACKLIST.
    api_root, auth_token
        The archive's address and an operator's token; None takes API_ROOT and AUTH_TOKEN.

    Returns
    -------
    dict
        The frame's record, as the archive has it, with ``frameid`` and ``headers``.

    Raises
    ------
    NonFatalDoNotRetryError
        If the archive has this content already; nothing has been stored then.
    DoNotRetryError
        If the file lacks headers or is none of a known type, or the archive refused it, in whose words it says why.
    BackoffRetryError
        If file, file store or archive can't be reached for now, or the store got other bytes than were read.
    """
    data_file = _read(fileobj, path, file_metadata, required_headers, blacklist_headers)
    md5 = _hash(data_file.open_file)
    if _is_known(md5, api_root, auth_token):
        raise NonFatalDoNotRetryError(f"{data_file.open_file} is in the archive already.", "archive.known")
    record = _build_record(data_file)
    return ingest_archive_record(_store(data_file, md5), record, api_root, auth_token)


def frame_exists(fileobj: IO[bytes], api_root: str | None = None, auth_token: str | None = None) -> bool:
    """Say whether the archive has a version with a file's content, by whatever name."""
    return _is_known(_hash(File(fileobj)), api_root, auth_token)


def validate_fits_and_create_archive_record(
    fileobj: IO[bytes],
    path: str | os.PathLike[str] | None = None,
    file_metadata: Mapping[str, Any] | None = None,
    required_headers: Iterable[str] | None = None,
    blacklist_headers: Iterable[str] | None = None,
) -> Record:
    """Return the record of a file, as it is sent to the archive, without a version."""
    return _build_record(_read(fileobj, path, file_metadata, required_headers, blacklist_headers))


def upload_file_to_file_store(
    fileobj: IO[bytes],
    path: str | os.PathLike[str] | None = None,
    file_metadata: Mapping[str, Any] | None = None,
) -> Record:
    """Store a file, and return its version: ``key``, ``md5`` and ``extension``."""
    data_file = _read(fileobj, path, file_metadata)
    return _store(data_file, _hash(data_file.open_file))


def ingest_archive_record(
    version: Mapping[str, Any], record: Mapping[str, Any], api_root: str | None = None, auth_token: str | None = None
) -> Record:
    """Send the record of a file that has been stored, and return the frame's record with ``frameid`` and ``headers``.

    That of a thumbnail, which names its frame and its size, goes to the thumbnails.
    """
    is_thumbnail = bool(record.get("frame_basename") and record.get("size"))
    path = "thumbnails/" if is_thumbnail else "frames/"
    answer = _ask("POST", path, api_root, auth_token, json={**record, "version_set": [dict(version)]})
    return {**record, **answer, "frameid": answer.get("frame_id" if is_thumbnail else "id")}


def retrying(attempts: int = 5) -> Retrying:
    """Return what calls a function again while its error may pass, 2 s to 10 min later, and raises the last one.

    >>> record = retrying()(upload_file_and_ingest_to_archive, fileobj)
    """
    return Retrying(
        retry=retry_if_exception_type((RetryError, BackoffRetryError)),
        stop=stop_after_attempt(attempts),
        wait=wait_exponential_jitter(multiplier=2, max=600),
        reraise=True,
    )


def _read(
    fileobj: IO[bytes],
    path: str | os.PathLike[str] | None,
    file_metadata: Mapping[str, Any] | None,
    required_headers: Iterable[str] | None = None,
    blacklist_headers: Iterable[str] | None = None,
) -> DataFile:
    given = {"required_headers": required_headers, "blacklist_headers": blacklist_headers}
    options = {name: tuple(keys) for name, keys in given.items() if keys is not None}  # a class may have its own
    file = File(fileobj, path)
    with translated_file_errors(str(file)):
        return read_data_file(file, file_metadata or {}, **options)


def _hash(file: File) -> str:
    with translated_file_errors(str(file)):
        return file.get_md5()


def _build_record(data_file: DataFile) -> Record:
    with translated_file_errors(str(data_file.open_file)):
        return build_frame_record(data_file)


def _store(data_file: DataFile, md5: str) -> Record:
    with translated_file_errors(str(data_file.open_file)):
        size = len(data_file.open_file)
        stored = store_data_file(_get_file_store(), data_file, md5, size)
    return {name: stored[name] for name in ("key", "md5", "extension")}


def _get_file_store() -> FileStore:
    """Return the file store: the same one while the settings stay, so that its connections are kept."""
    store = _make_file_store(tuple(os.environ.get(name) for name in SETTINGS))
    if type(store) is FileStore:
        log.warning("FILESTORE_TYPE is dummy: no file is kept")
    return store


@lru_cache(maxsize=1)
def _make_file_store(_settings: tuple[str | None, ...]) -> FileStore:
    return FileStoreFactory.get_file_store_class()()


def _is_known(md5: str, api_root: str | None, auth_token: str | None) -> bool:
    answer = _ask("GET", "versions/", api_root, auth_token, params={"md5": md5})
    if not isinstance(answer.get("count"), int):
        raise BackoffRetryError(f"API_ROOT leads to no archive: it answered {answer}.", "archive.unavailable")
    return bool(answer["count"])


def _ask(method: str, path: str, api_root: str | None, auth_token: str | None, **options: Any) -> Record:
    """Ask the archive, and return the JSON object that it answers."""
    root = settings.API_ROOT if api_root is None else api_root
    token = settings.AUTH_TOKEN if auth_token is None else auth_token

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Token {token}"  # as a header, a .netrc of the user's would go over it
        return request

    try:
        answer = requests.request(
            method,
            f"{root.rstrip('/')}/{path}",
            auth=authorize,
            timeout=(CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S),
            allow_redirects=False,  # a POST would go on as a GET
            **options,
        )
    except requests.RequestException as error:
        raise BackoffRetryError(f"The archive does not answer: {error}", "archive.unavailable") from error
    return _judge(answer)


def _judge(answer: requests.Response) -> Record:
    """Return an answer's JSON object, or raise the error that its status means."""
    body = _find_object(answer)
    said = f"The archive answered {answer.status_code} at {answer.url}: {body.get('detail') or _excerpt(answer)}"
    if body.get("code") == "version_exists":
        raise NonFatalDoNotRetryError(said, "archive.known")
    if HTTPStatus.BAD_REQUEST <= answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise DoNotRetryError(said, "archive.refused")
    if not (answer.ok and body):
        raise BackoffRetryError(said, "archive.unavailable")
    return body


def _find_object(answer: requests.Response) -> Record:
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _excerpt(answer: requests.Response) -> str:
    return answer.headers.get("Location") or answer.text[:LONGEST_EXCERPT]

"""The kinds of archive that a bench measures: private servers, empty databases and empty stores."""

import itertools
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import requests
from redis import Redis

from bench.archive import BenchArchive
from tests.services import NO_LIMITS, postgres_server, redis_server, s3_server

POSTGRESQL, SQLITE = "PostgreSQL", "SQLite"
LOCAL, S3 = "local", "S3"
BUCKET = "bench"
S3_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "BUCKET": BUCKET,
    "S3_ADDRESSING_STYLE": "path",
}


@dataclass(frozen=True)
class Setup:
    """A kind of archive."""

    database: str
    store: str

    def __str__(self) -> str:
        return f"{self.database}, {self.store}"


SETUPS = {
    "postgresql-local": Setup(POSTGRESQL, LOCAL),
    "postgresql-s3": Setup(POSTGRESQL, S3),
    "sqlite-local": Setup(SQLITE, LOCAL),
}


@dataclass(frozen=True)
class Servers:
    """Where the servers of a run are; what the run does not need is empty."""

    redis_url: str
    database_urls: Iterator[str]  # each of an empty PostgreSQL database
    s3_url: str


@dataclass(frozen=True)
class Store:
    """An empty file store, and a place beside it to which files can be copied without an archive."""

    settings: Mapping[str, str]
    copies: str  # a folder, or a bucket's address
    delete_copies: Callable[[], None]


@contextmanager
def running_servers(setups: Collection[Setup]) -> Iterator[Servers]:
    """Start what the setups need; PostgreSQL brings each transaction to the disk, as in earnest."""
    with ExitStack() as stack:
        needed = {part for setup in setups for part in (setup.database, setup.store)}
        postgres = stack.enter_context(postgres_server("-c", "fsync=on")) if POSTGRESQL in needed else None
        yield Servers(
            redis_url=stack.enter_context(redis_server()).url,
            database_urls=(postgres.create_database() for _ in itertools.count()) if postgres else iter(()),
            s3_url=stack.enter_context(s3_server()) if S3 in needed else "",
        )


@contextmanager
def empty_archive(setup: Setup, servers: Servers, store: Store, folder: Path) -> Iterator[BenchArchive]:
    """Make an archive that may ingest what lies below a folder."""
    with Redis.from_url(servers.redis_url) as connection:
        connection.flushdb()
    data_dir = folder / "archive"
    data_dir.mkdir()
    is_sqlite = setup.database == SQLITE
    settings = {
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": f"sqlite:///{data_dir / 'archive.db'}" if is_sqlite else next(servers.database_urls),
        "REDIS_URL": servers.redis_url,
        "SECRET_KEY": "bench",
        "INGEST_ROOTS": str(folder),
    }
    archive = BenchArchive(settings | store.settings | NO_LIMITS)
    try:
        yield archive
    finally:
        archive.close()
        shutil.rmtree(data_dir)


@contextmanager
def empty_store(setup: Setup, servers: Servers, folder: Path) -> Iterator[Store]:
    """Make a store, which goes with all that is in it."""
    with empty_bucket(servers.s3_url) if setup.store == S3 else empty_folder(folder / "store") as store:
        yield store


@contextmanager
def empty_folder(folder: Path) -> Iterator[Store]:
    files, copies = folder / "files", folder / "copies"

    def delete_copies() -> None:
        shutil.rmtree(copies)
        copies.mkdir()

    copies.mkdir(parents=True)
    try:
        yield Store({"FILESTORE_TYPE": "local", "FILESYSTEM_STORAGE_ROOT_DIR": str(files)}, str(copies), delete_copies)
    finally:
        shutil.rmtree(folder)


@contextmanager
def empty_bucket(s3_url: str) -> Iterator[Store]:
    keys = {name.lower(): S3_SETTINGS[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    s3 = boto3.client("s3", endpoint_url=s3_url, region_name=S3_SETTINGS["AWS_DEFAULT_REGION"], **keys)
    s3.create_bucket(Bucket=BUCKET)
    settings = S3_SETTINGS | {"FILESTORE_TYPE": "s3", "S3_ENDPOINT_URL": s3_url}
    try:
        yield Store(settings, f"{s3_url}/{BUCKET}", lambda: None)
    finally:
        requests.post(f"{s3_url}/moto-api/reset", timeout=60).raise_for_status()

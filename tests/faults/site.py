"""The observatory's site: the archive and every server and disk that it leans on, all of them able to fail."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import flask_migrate
import pika

from app import create_app
from app.config import AppConfig
from app.extensions import db
from tests.faults.archive import Archive
from tests.faults.disk import SmallDisk, small_disk
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.services import (
    NO_LIMITS,
    PostgresServer,
    RabbitServer,
    RedisServer,
    free_port,
    postgres_server,
    rabbitmq_server,
    redis_server,
    s3_server,
)

BUCKET, QUEUE, EXCHANGE, LISTENER = "archive", "ingest", "archived_fits", "pipeline"
LOCAL_STORE = "files"  # below DATA_DIR
ROOM_BYTES, ROOM_PER_FILE_BYTES = 128 * 2**20, 200_000
S3_ACCESS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True)
class Site:
    """What may fail; None is what this run does without."""

    archive: Archive
    redis: RedisServer
    rabbit: RabbitServer
    postgres: PostgresServer | None
    s3: FaultProxy | None
    s3_url: str  # of the server behind the proxy
    disk: SmallDisk | None


@contextmanager
def running_site(folder: Path, *, database: str, store: str, files: int, seed: int) -> Iterator[Site]:
    """Start everything: the telescope's files are in ``folder/telescope``, logs will be in ``folder/log``."""
    data, log_dir, watched = folder / "data", folder / "log", folder / "telescope" / "watched"
    for made in (data, log_dir, watched):
        made.mkdir(parents=True, exist_ok=True)
    settings = {
        "DATA_DIR": str(data),
        "PORT": str(free_port()),
        "SECRET_KEY": "of the fault run",
        "WORKERS": "2",
        "INTAKE_FOLDERS": str(watched),
        "INTAKE_RABBITMQ": "true",
        "INGEST_ROOTS": str(folder / "telescope"),
        "INGEST_LEASE_S": "6",
        "INGEST_FIRST_RETRY_S": "1",
        "INGEST_LAST_RETRY_S": "8",
        "PROCESSED_EXCHANGE_ENABLED": "true",
        "PROCESSED_EXCHANGE_NAME": EXCHANGE,
        "INTAKE_QUEUE_NAME": QUEUE,
    } | NO_LIMITS
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(data, ROOM_BYTES + files * ROOM_PER_FILE_BYTES))
        (data / "log").mkdir()  # as the launcher does
        redis, rabbit = stack.enter_context(redis_server()), stack.enter_context(rabbitmq_server())
        settings |= {"REDIS_URL": redis.url, "QUEUE_BROKER_URL": rabbit.url}
        listen(rabbit.url)
        postgres, s3, s3_url = None, None, ""
        if database == "postgresql":
            postgres = stack.enter_context(postgres_server())
            settings["DATABASE_URL"] = postgres.create_database()
        if store == "s3":
            s3_url = stack.enter_context(s3_server())
            s3 = stack.enter_context(fault_proxy(s3_url, seed))
            make_bucket(s3_url)
            s3_place = {"BUCKET": BUCKET, "S3_ENDPOINT_URL": s3.url, "S3_ADDRESSING_STYLE": "path"}
            settings |= {"FILESTORE_TYPE": "s3", **s3_place, **S3_ACCESS}
        else:
            settings |= {"FILESTORE_TYPE": "local", "FILESYSTEM_STORAGE_ROOT_DIR": str(data / LOCAL_STORE)}
        os.environ |= settings  # from there the library takes the store, here as in a control system
        migrate(settings)
        archive = Archive(settings, log_dir)
        stack.callback(archive.stop)
        yield Site(archive, redis, rabbit, postgres, s3, s3_url, disk)
        save_logs(data, log_dir)


def listen(broker_url: str) -> None:
    """Have a pipeline's queue take what the archive will tell: it keeps the messages until they are counted."""
    with pika.BlockingConnection(pika.URLParameters(broker_url)) as connection:
        channel = connection.channel()
        channel.exchange_declare(EXCHANGE, "fanout", durable=True)
        channel.queue_declare(LISTENER, durable=True)
        channel.queue_bind(LISTENER, EXCHANGE)


def connect_to_s3(url: str) -> object:
    access = {name.lower(): value for name, value in S3_ACCESS.items() if name != "AWS_DEFAULT_REGION"}
    return boto3.client("s3", endpoint_url=url, region_name=S3_ACCESS["AWS_DEFAULT_REGION"], **access)


def make_bucket(url: str) -> None:
    s3 = connect_to_s3(url)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


def migrate(settings: dict[str, str]) -> None:
    app = create_app(AppConfig.from_env(settings))
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()


def save_logs(data: Path, log_dir: Path) -> None:
    """Keep what the archive itself wrote beside its data, which may go with their disk."""
    if (data / "log").is_dir():
        shutil.copytree(data / "log", log_dir / "data", dirs_exist_ok=True)

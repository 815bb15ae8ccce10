"""Counts of what happens within a time, such as requests or wrong passwords: in Redis, for all processes together.

While Redis is away each process counts for itself. The counting is that of the library `limits`.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from limits import RateLimitItem
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

LONGEST_WAIT_S = 0.25  # to connect, and for an answer
PAUSE_S = 10.0
MOST_OWN_COUNTS = 100_000  # some 50 MB
#: Of a limit, a process takes so much at once, so that few requests wait for Redis.
AHEAD, MOST_AHEAD = 0.01, 10


class Counters:
    """What was counted of each limit and key; nothing connects before the first count."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._lock = threading.Lock()
        self._is_away, self._left_alone_until = False, 0.0
        self._ahead: dict[str, int] = {}

    def hit(self, limit: RateLimitItem, key: str) -> bool:
        """Count one more, and say whether the limit allows it: of a limit of hundreds, up to ten are counted at once.

        So each process may refuse a hundredth too early, and allow as many too much once the count has begun anew.
        """
        several = min(MOST_AHEAD, int(limit.amount * AHEAD))
        if several < 2:
            return self._ask(lambda counts: counts.hit(limit, key))
        full_key = limit.key_for(key)
        with self._lock:
            if left := self._ahead.get(full_key, 0):
                self._ahead[full_key] = left - 1
                return True
        if not self._ask(lambda counts: counts.hit(limit, key, cost=several)):
            return False
        with self._lock:
            if len(self._ahead) >= MOST_OWN_COUNTS:
                self._ahead.clear()
            self._ahead[full_key] = self._ahead.get(full_key, 0) + several - 1
        return True

    def test(self, limit: RateLimitItem, key: str) -> bool:
        """Say whether the limit would allow one more."""
        return self._ask(lambda counts: counts.test(limit, key))

    def find_wait_s(self, limit: RateLimitItem, key: str) -> int:
        """Return the seconds after which the count begins anew."""
        reset = self._ask(lambda counts: counts.get_window_stats(limit, key).reset_time)
        return max(1, round(reset - time.time()))

    def _ask(self, question: Callable[[FixedWindowRateLimiter], Answer]) -> Answer:
        if self._may_ask_redis():
            try:
                answer = question(self._shared_counts)
            except RedisError as error:
                self._leave_redis_alone(error)
            else:
                self._is_away = False
                return answer
        return question(self._find_own_counts())

    def _may_ask_redis(self) -> bool:
        """Say whether Redis may be asked: once it was away, by one request at a time, and not at once."""
        with self._lock:
            now = time.monotonic()
            if self._is_away and now < self._left_alone_until:
                return False
            self._left_alone_until = now + PAUSE_S
            return True

    def _leave_redis_alone(self, error: RedisError) -> None:
        log.warning("Redis does not count, this process does so for itself: %s", error)
        with self._lock:
            self._is_away, self._left_alone_until = True, time.monotonic() + PAUSE_S

    def _find_own_counts(self) -> FixedWindowRateLimiter:
        with self._lock:
            counts, storage = self._own_counts
        if len(storage.storage) > MOST_OWN_COUNTS:
            storage.reset()
        return counts

    @cached_property
    def _shared_counts(self) -> FixedWindowRateLimiter:
        patience = {"socket_timeout": LONGEST_WAIT_S, "socket_connect_timeout": LONGEST_WAIT_S}
        pool = ConnectionPool.from_url(self._redis_url, retry=Retry(NoBackoff(), 0), **patience)
        return FixedWindowRateLimiter(RedisStorage("redis://", pool))  # the pool knows where

    @cached_property
    def _own_counts(self) -> tuple[FixedWindowRateLimiter, MemoryStorage]:
        storage = MemoryStorage()
        return FixedWindowRateLimiter(storage), storage

"""The numbers as Prometheus reads them: name, meaning and value of each, in its text format."""

import datetime as dt
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from flask import current_app
from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker

from app.events.models import label_target
from app.events.queries import count_owed
from app.extensions import db
from app.frame_columns.refresh import FrameColumns
from app.ingest.bell import INGEST_QUEUE, PREVIEW_QUEUE
from app.ingest.models import JobState
from app.monitoring import queries
from app.monitoring.parts import OK, Part
from app.monitoring.queries import LAG_LIMITS_S, PART_LIMITS_S, Distribution
from ocs_archive.settings import settings


def write_metrics(parts: Mapping[Part, str], redis: Redis) -> bytes:
    """Return all metrics in Prometheus' text format.

    Parameters
    ----------
    parts
        What each part answered; the numbers of one that is away are left out.
    redis
        Where workers and queues are counted.
    """
    return generate_latest(_ArchiveCollector(parts, redis))


class _ArchiveCollector(Collector):
    """Reads the numbers at the moment at which they are asked for."""

    def __init__(self, parts: Mapping[Part, str], redis: Redis) -> None:
        self._up = {part: int(words == OK) for part, words in parts.items()}
        self._redis = redis

    def collect(self) -> Iterator[Metric]:
        queues = list(collect_queues(self._redis)) if self._up[Part.REDIS] else []
        self._up[Part.REDIS] = int(bool(queues))
        yield _build_gauge("archive_up", "Whether a part of the archive answers.", "part", self._up)
        yield from queues
        if self._up[Part.DATABASE]:
            yield from collect_jobs()
            yield from collect_last_hour()
            yield from collect_events()
        yield from collect_columns()


def collect_queues(redis: Redis) -> Iterator[Metric]:
    """Tell of the workers and of what waits in Redis; of nothing, if it goes away meanwhile."""
    try:
        workers = Worker.all_keys(redis)
        registered = redis.exists(*workers) if workers else 0  # one that was killed stays in the list
        lengths = {name: Queue(name, connection=redis).count for name in (INGEST_QUEUE, PREVIEW_QUEUE)}
    except RedisError:
        return
    yield GaugeMetricFamily("archive_workers", "Workers that are registered in Redis.", registered)
    yield _build_gauge("archive_queue_length", "Jobs that a queue in Redis rings for.", "queue", lengths)


def collect_jobs() -> Iterator[Metric]:
    """Tell of the build, of the jobs that somebody must still look after, and how many there ever were."""
    yield InfoMetricFamily(
        "archive_build",
        "What runs here.",
        {
            "database": db.engine.dialect.name,
            "python": platform.python_version(),
            "schema": queries.get_schema(),
            "store": settings.FILESTORE_TYPE,
        },
    )
    unfinished, now = queries.count_unfinished(), dt.datetime.now(dt.UTC)
    counts = {state: count for state, (count, _) in unfinished.items()} | {JobState.FAILED: queries.count_failed()}
    ages = {state: _measure_age(first, now) for state, (_, first) in unfinished.items()}
    jobs, attempts = queries.find_last_ids()
    yield _build_gauge("archive_ingest_jobs", "Ingest jobs that have not ended, or failed.", "state", counts)
    yield _build_gauge(
        "archive_ingest_oldest_job_age_seconds", "Age of the oldest job in a state that is no end.", "state", ages
    )
    yield CounterMetricFamily("archive_ingest_jobs_submitted", "Ingest jobs that ever came, by their numbers.", jobs)
    yield CounterMetricFamily("archive_ingest_attempts", "Attempts ever begun, by their numbers.", attempts)
    yield GaugeMetricFamily(
        "archive_previews_owed", "Frames whose pictures are still to be made.", queries.count_owed_previews()
    )


def collect_last_hour() -> Iterator[Metric]:
    """Tell what became of the jobs and attempts that ended within the last hour."""
    archived = queries.measure_archived()
    attempts = GaugeMetricFamily(
        "archive_ingest_attempts_last_hour",
        "Attempts that ended within the last hour.",
        labels=["outcome", "error_code"],
    )
    for kind, count in queries.count_attempts().items():
        attempts.add_metric(kind, count)
    yield _build_gauge(
        "archive_ingest_jobs_ended_last_hour", "Jobs that ended within the last hour.", "state", queries.count_ended()
    )
    yield attempts
    yield GaugeMetricFamily(
        "archive_ingest_archived_last_hour_bytes", "Bytes of the files archived within the last hour.", archived.size
    )
    yield _build_histogram(
        "archive_ingest_lag_last_hour_seconds",
        "From arrival to archive, for files archived within the last hour.",
        LAG_LIMITS_S,
        {"": archived.lag},
    )
    yield _build_histogram(
        "archive_ingest_attempt_part_last_hour_seconds",
        "How long the parts of the attempts took that ended within the last hour.",
        PART_LIMITS_S,
        queries.measure_attempts(),
        label="part",
    )


def collect_events() -> Iterator[Metric]:
    """Tell what is owed to the message broker and to the webhooks, these by their hosts: their paths may be secret."""
    now = dt.datetime.now(dt.UTC)
    owed: dict[str, int] = {}
    refused: dict[str, int] = {}
    ages: dict[str, float] = {}
    for target, counted in count_owed().items():
        host = label_target(target)
        owed[host] = owed.get(host, 0) + counted.owed
        refused[host] = refused.get(host, 0) + counted.refused
        ages[host] = max(ages.get(host, 0), _measure_age(counted.oldest, now))
    yield _build_gauge("archive_events_owed", "Messages still to be sent.", "target", owed)
    yield _build_gauge("archive_events_refused", "Messages that their target would not have.", "target", refused)
    yield _build_gauge(
        "archive_events_oldest_age_seconds", "Since when the first of those still to be sent waits.", "target", ages
    )


def collect_columns() -> Iterator[Metric]:
    """Yield what there is to tell of the columns in memory; of a small archive, which has no file of them, nothing."""
    columns = cast(FrameColumns, current_app.extensions["frame_columns"])
    if (age_s := columns.find_age_s()) is not None:
        yield GaugeMetricFamily(
            "archive_columns_age_seconds", "How long ago this machine's file of the columns was made.", age_s
        )


def _measure_age(since: dt.datetime | None, now: dt.datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _build_gauge(name: str, meaning: str, label: str, values: Mapping[Any, float]) -> Metric:
    gauge = GaugeMetricFamily(name, meaning, labels=[label])
    for value_of_label, value in values.items():
        gauge.add_metric([value_of_label], value)
    return gauge


def _build_histogram(
    name: str, meaning: str, limits_s: Sequence[float], distributions: Mapping[str, Distribution], label: str = ""
) -> Metric:
    histogram = GaugeHistogramMetricFamily(name, meaning, labels=[label] if label else [])
    for value_of_label, found in distributions.items():
        limits = [*(f"{limit_s:g}" for limit_s in limits_s), "+Inf"]
        buckets = list(zip(limits, found.counts, strict=True))
        histogram.add_metric([value_of_label] if label else [], buckets, found.sum_s)
    return histogram

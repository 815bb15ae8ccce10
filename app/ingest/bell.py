"""Ringing for the workers, through RQ. A bell that is lost loses no job: the rows say what is owed."""

import logging
import secrets
from collections.abc import Collection, Iterable

from redis.exceptions import RedisError
from rq import Worker

from app.extensions import get_config, get_queue

log = logging.getLogger(__name__)

INGEST_QUEUE, PREVIEW_QUEUE = "ingest", "previews"
RUN_INGEST_JOB = "ingest_worker.jobs.run_ingest_job"
RUN_PREVIEW_JOB = "ingest_worker.jobs.run_preview_job"
PREVIEW_TIMEOUT_S = 300
FAILURE_LIFE_S = 86400  # RQ's own record of what went wrong; ours is in the database


def ring(job_id: int) -> bool:
    """Tell the workers that a file waits; False if Redis is away."""
    return _enqueue(INGEST_QUEUE, RUN_INGEST_JOB, job_id, get_config().ingest_job_timeout_s)


def ring_for_previews(job_id: int) -> bool:
    """Tell the workers that the frame of a job lacks its pictures; False if Redis is away."""
    return _enqueue(PREVIEW_QUEUE, RUN_PREVIEW_JOB, job_id, PREVIEW_TIMEOUT_S)


def ring_each(queue_name: str, job_ids: Iterable[int]) -> None:
    """Ring for some jobs, as long as Redis answers: the reconciler rings for the rest."""
    ring_one = ring if queue_name == INGEST_QUEUE else ring_for_previews
    all(ring_one(job_id) for job_id in job_ids)


def ring_where_silent(queue_name: str, job_ids: Collection[int]) -> None:
    """Ring for those of some jobs that have no bell in a queue, as long as Redis answers."""
    ring_each(queue_name, sorted(set(job_ids) - list_rung(queue_name)))


def list_rung(queue_name: str) -> set[int]:
    """Return the numbers of the jobs that a queue holds. If Redis is away it holds none: ringing again does no harm."""
    try:
        numbers = [rq_id.partition("-")[0] for rq_id in get_queue(queue_name).job_ids]
        return {int(number) for number in numbers if number.isdecimal()}  # others may use this Redis too
    except RedisError:
        return set()


def list_workers() -> list[str] | None:
    """Return the host of each worker that Redis knows; None if Redis is away.

    One that was killed is known for some minutes more, until its key in Redis ends.
    """
    try:
        return sorted(worker.hostname or "?" for worker in Worker.all(queue=get_queue(INGEST_QUEUE)))
    except RedisError:
        return None


def _enqueue(queue_name: str, function: str, job_id: int, timeout_s: int) -> bool:
    try:
        get_queue(queue_name).enqueue(
            function,
            job_id,
            job_id=f"{job_id}-{secrets.token_hex(4)}",  # a bell may ring twice for one job
            job_timeout=timeout_s,
            result_ttl=0,
            failure_ttl=FAILURE_LIFE_S,
        )
    except RedisError as error:
        log.warning("the queue does not answer, ingest job %d waits in the database: %s", job_id, error)
        return False
    return True

"""Ringing for the workers, through RQ. A bell that is lost loses no job: the rows say what is owed."""

import logging
import secrets

from redis.exceptions import RedisError

from app.extensions import get_config, get_queue

log = logging.getLogger(__name__)

INGEST_QUEUE, PREVIEW_QUEUE = "ingest", "previews"
RUN_INGEST_JOB = "ingest_worker.jobs.run_ingest_job"
RUN_PREVIEW_JOB = "ingest_worker.jobs.run_preview_job"
PREVIEW_TIMEOUT_S = 300
FAILURE_LIFE_S = 86400  # RQ's own record of what went wrong; ours is in the database


def ring(job_id: int) -> None:
    """Tell the workers that a file waits."""
    _enqueue(INGEST_QUEUE, RUN_INGEST_JOB, job_id, get_config().ingest_job_timeout_s)


def ring_for_previews(job_id: int) -> None:
    """Tell the workers that the frame of a job lacks its pictures."""
    _enqueue(PREVIEW_QUEUE, RUN_PREVIEW_JOB, job_id, PREVIEW_TIMEOUT_S)


def list_rung(queue_name: str) -> set[int]:
    """Return the numbers of the jobs that a queue holds. If Redis is away it holds none: ringing again does no harm."""
    try:
        return {int(rq_id.partition("-")[0]) for rq_id in get_queue(queue_name).job_ids}
    except RedisError:
        return set()


def _enqueue(queue_name: str, function: str, job_id: int, timeout_s: int) -> None:
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

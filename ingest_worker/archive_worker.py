"""The RQ worker: where a job runs, and how the worker ends when it is told to."""

import logging
import math
import os
import signal
import time
from contextlib import suppress
from types import FrameType

from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.timeouts import JobTimeoutException
from rq.worker import WorkerStatus

from app.extensions import db
from app.ingest.bell import PREVIEW_QUEUE
from app.processes import end_with_parent
from ingest_worker.interrupts import interrupt
from ingest_worker.jobs import give_back_previews

log = logging.getLogger(__name__)

REGISTRATION_GRACE_S = 60
HEARTBEAT_EVERY_S = 10  # at most, between jobs


class ArchiveWorker(Worker):
    """A worker that ingests in its own process and makes previews in a child.

    Without a fork for each file astropy is imported once, and connections are kept. A picture's decoder, though, may
    crash on a damaged file, and must not take the worker with it.

    Told to end by SIGTERM or SIGINT, it finishes the file in hand; told so again, it gives the file back to the others.
    Pictures are left to others, and an idle worker ends, at once.
    """

    _heard_s = -math.inf  # when Redis last heard of this worker

    def execute_job(self, job: Job, queue: Queue) -> None:
        if queue.name == PREVIEW_QUEUE:
            self._make_previews(job, queue)
        else:
            self._ingest(job, queue)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Take a signal to end. RQ's own would ask Redis, which may be away, in the middle of a file."""
        if self.horse_pid:
            self.kill_horse()
        if self._stop_requested:
            interrupt()
            return
        log.info("this worker is asked to end")
        self._stop_requested = True  # RQ looks at it after each job
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """End the child: it only, for just after the fork it is still of the worker's own process group."""
        with suppress(ProcessLookupError):
            os.kill(self.horse_pid, sig)

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]  # RQ is typed in part
        end_with_parent()

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return for how many seconds the worker is registered: while it ingests, nobody renews that."""
        return int(job.timeout or 0) + REGISTRATION_GRACE_S

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Stay registered. Beside what goes out with each job, RQ would say so four times more for each file."""
        is_fresh = time.monotonic() - self._heard_s < HEARTBEAT_EVERY_S
        if pipeline is not None or not is_fresh:
            self._heard_s = time.monotonic()
            super().heartbeat(timeout, pipeline)

    def subscribe(self) -> None:
        """Take no commands by Redis; RQ's listener would also log every 2 s that Redis is away."""

    def teardown(self) -> None:
        with suppress(RedisError):  # where it is away there is nothing to sign off from
            super().teardown()  # type: ignore[no-untyped-call]  # RQ is typed in part

    def _ingest(self, job: Job, queue: Queue) -> None:
        """Run a job in this process. RQ's registries, twenty trips to Redis a job, would say no more than its row."""
        with self.connection.pipeline() as begin:
            self.set_state(WorkerStatus.BUSY, pipeline=begin)
            self.heartbeat(self.get_heartbeat_ttl(job), pipeline=begin)
            begin.execute()
        try:
            with self.death_penalty_class(job.timeout, JobTimeoutException, job_id=job.id):
                job.perform()
        except Exception:  # such as a database that is away: the job is looked after as its row says
            log.exception("RQ's job %s failed", job.id)
        with self.connection.pipeline() as end:
            end.delete(job.key)
            end.lrem(queue.intermediate_queue_key, 1, job.id)  # where it lies if this worker serves one queue only
            end.execute()

    def _make_previews(self, job: Job, queue: Queue) -> None:
        db.session.remove()  # a connection serves one process
        try:
            super().execute_job(job, queue)
        finally:
            if self._stop_requested:
                give_back_previews(*job.args)

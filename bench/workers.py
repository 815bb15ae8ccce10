"""Worker processes under measurement: Linux says what processor time they take."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from rq import Worker
from rq.worker import WorkerStatus

from app.processes import PROJECT_DIR, end_with_parent

PATIENCE_S = 600.0
POLL_S = 0.05
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """What was measured does not count: something failed."""


class Workers:
    """Some workers of one queue, which can be held while work piles up for them."""

    def __init__(self, settings: Mapping[str, str], queue: str, count: int) -> None:
        self._redis = Redis.from_url(settings["REDIS_URL"])
        self._log = Path(settings["DATA_DIR"]) / f"{queue}.log"
        with self._log.open("ab") as log:
            self._processes = [
                subprocess.Popen(
                    [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--queue", queue],
                    cwd=PROJECT_DIR,
                    env=os.environ | settings,
                    stdout=log,
                    stderr=log,
                    preexec_fn=end_with_parent,
                )
                for _ in range(count)
            ]

    def hold(self) -> None:
        """Stop them as soon as they wait for work."""
        self.wait_until_idle()
        self._signal(signal.SIGSTOP)

    def release(self) -> None:
        self._signal(signal.SIGCONT)

    def wait_until_idle(self) -> None:
        """Return as soon as they wait for work; as `wait_for`."""
        self.wait_for(self._are_idle)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return as soon as a condition holds.

        Raises
        ------
        BenchError
            If it does not come to hold, or one of them has ended.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline_s or any(process.poll() is not None for process in self._processes):
                raise BenchError(f"The workers do not get on: {self._log.read_text()[-2000:]}")
            time.sleep(POLL_S)

    def read_cpu_s(self) -> float:
        """Return the processor time that they and their ended children have taken up to now, once they are idle."""
        self.wait_until_idle()
        return sum(_read_cpu_s(process.pid) for process in self._processes)

    def stop(self) -> None:
        self.release()
        self._signal(signal.SIGTERM)
        for process in self._processes:
            process.wait()
        self._redis.close()

    def _are_idle(self) -> bool:
        idle = {worker.pid for worker in Worker.all(self._redis) if worker.get_state() == WorkerStatus.IDLE}
        return idle.issuperset(process.pid for process in self._processes)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            process.send_signal(number)


@contextmanager
def working(settings: Mapping[str, str], queue: str, count: int) -> Iterator[Workers]:
    """Start workers, and stop them at the end."""
    workers = Workers(settings, queue, count)
    try:
        yield workers
    finally:
        workers.stop()


def _read_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_PER_S  # utime, stime, cutime and cstime of proc(5)

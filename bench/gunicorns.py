"""gunicorn as in production, with several processes, whose memory can be read; for the archive and for the floor."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.processes import PROJECT_DIR, end_with_parent
from bench.http_client import Connection, Request
from bench.workers import BenchError
from tests.services import LOOPBACK, free_port

PROCESSES = 2
STOP_PATIENCE_S = 90  # gunicorn itself waits for 30


@dataclass(frozen=True)
class Memory:
    """What a process has in memory, in MiB: all of it, what it shares with others, and what it has alone."""

    resident: float
    shared: float
    private: float


class Gunicorn:
    """A running gunicorn."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port, self.log = port, log
        self._process = process

    def list_pids(self) -> list[int]:
        """Return the numbers of the processes that answer."""
        pid = self._process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def read_memory(self) -> list[Memory]:
        """Return the memory of each process that answers."""
        return [_read_memory(pid) for pid in self.list_pids()]


@contextmanager
def running_gunicorn(settings: Mapping[str, str], log: Path, application: str = "wsgi:app") -> Iterator[Gunicorn]:
    """Run an application under the settings of ``gunicorn.conf.py``.

    Raises
    ------
    BenchError
        If it does not start.
    """
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"{LOOPBACK}:{port}"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--access-logfile", "-"],
            cwd=PROJECT_DIR,
            env=os.environ | settings | {"WEB_CONCURRENCY": str(PROCESSES)},
            stdout=stream,
            stderr=stream,
            preexec_fn=end_with_parent,
        )
    try:
        _wait_for(process, log)
        yield Gunicorn(port, process, log)
    finally:
        process.send_signal(signal.SIGQUIT)  # gunicorn's word for at once
        process.wait(STOP_PATIENCE_S)


def _wait_for(process: subprocess.Popen[bytes], log: Path) -> None:
    """Return as soon as all processes have started."""
    while log.read_text().count("Booting worker") < PROCESSES:
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        raise BenchError(f"gunicorn did not start: {log.read_text()[-2000:]}")


def _read_memory(pid: int) -> Memory:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kib = {name: int(size) for name, size in re.findall(r"^(\w+):\s+(\d+) kB", rollup, re.MULTILINE)}
    shared, private = (kib[f"{kind}_Clean"] + kib[f"{kind}_Dirty"] for kind in ("Shared", "Private"))
    return Memory(kib["Rss"] / 1024, shared / 1024, private / 1024)


def ask_once(server: Gunicorn, request: Request) -> bytes:
    """Send one request."""
    connection = Connection(server.port)
    try:
        return connection.ask(request)
    finally:
        connection.close()

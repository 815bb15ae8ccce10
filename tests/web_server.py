"""The archive's web server alone, as in production: gunicorn, whose memory and open files can be read."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from app.processes import PROJECT_DIR, end_with_parent
from tests.live import wait_for_health
from tests.services import LOOPBACK, free_port

FORGET_PEAK = "5"  # proc(5), clear_refs


class WebServer:
    """A gunicorn; but for `count_sockets`, it must have one worker process."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.url = url
        self.log = log
        self._gunicorn_pid = process.pid

    @property
    def _folders(self) -> list[Path]:
        children = Path(f"/proc/{self._gunicorn_pid}/task/{self._gunicorn_pid}/children").read_text().split()
        return [Path("/proc") / child for child in children]

    @property
    def _folder(self) -> Path:
        (folder,) = self._folders
        return folder

    def count_sockets(self) -> list[int]:
        """Return how many sockets each worker process has open."""
        return [sum(_is_socket(link) for link in (folder / "fd").iterdir()) for folder in self._folders]

    def measure_memory_mib(self) -> float:
        """Return what the worker process has in memory now."""
        return self._read_status("VmRSS")

    def measure_peak_mib(self) -> float:
        """Return the most that it had in memory since `forget_peak`."""
        return self._read_status("VmHWM")

    def forget_peak(self) -> None:
        (self._folder / "clear_refs").write_text(FORGET_PEAK)

    def list_open_files(self, below: Path) -> list[str]:
        """Return the files below a folder that the worker process has open."""
        targets = [str(link.readlink()) for link in (self._folder / "fd").iterdir() if link.is_symlink()]
        return [target for target in targets if target.startswith(str(below))]

    def _read_status(self, name: str) -> float:
        return int(re.search(rf"{name}:\s*(\d+) kB", (self._folder / "status").read_text())[1]) / 1024


def _is_socket(link: Path) -> bool:
    with suppress(FileNotFoundError):  # closed meanwhile
        return str(link.readlink()).startswith("socket:")
    return False


@contextmanager
def running_web_server(
    settings: Mapping[str, str], log: Path, program: Sequence[str] = ("-m", "gunicorn"), processes: int = 1
) -> Iterator[WebServer]:
    """Run the web server of an archive whose database is migrated."""
    port = free_port()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *program, "--bind", f"{LOOPBACK}:{port}", "--access-logfile", "-"],
            cwd=PROJECT_DIR,
            env=os.environ | settings | {"WEB_CONCURRENCY": str(processes)},
            stdout=stream,
            stderr=stream,
            preexec_fn=end_with_parent,
        )
    try:
        wait_for_health(url := f"http://{LOOPBACK}:{port}", process, log)
        yield WebServer(url, process, log)
    finally:
        process.send_signal(signal.SIGQUIT)  # gunicorn's word for at once
        process.wait(30)

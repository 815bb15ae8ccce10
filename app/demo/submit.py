"""Submits frames to a running archive over HTTP, as a telescope control system would, and waits until they are in."""

import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import requests
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from app.demo.exposures import PlannedFrame
from app.demo.files import write_frame

TIMEOUT_S = 60.0
POLL_S = 0.5
STANDSTILL_S = 180.0
FRAMES_PER_LINE = 50
PROGRESS_COLUMNS = TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()

retry_while_it_starts = retry(
    retry=retry_if_exception_type((requests.ConnectionError, requests.Timeout)),
    wait=wait_exponential(multiplier=0.2, max=3),
    stop=stop_after_delay(60),
    reraise=True,
)


class StandstillError(Exception):
    """Jobs wait, and for a long time no worker has ended one."""


class Archive:
    """A running archive's door for files.

    Its methods raise `requests.RequestException` if the archive can't be reached or refuses.
    """

    def __init__(self, url: str, token: str) -> None:
        self._jobs_url = f"{url}/ingest/jobs"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Token {token}"

    @retry_while_it_starts
    def knows_token(self) -> bool:
        answer = self._session.get(self._jobs_url, params={"limit": 1}, timeout=TIMEOUT_S)
        return answer.status_code != HTTPStatus.UNAUTHORIZED

    @retry_while_it_starts
    def submit(self, path: Path) -> None:
        with path.open("rb") as file:
            self._session.post(self._jobs_url, files={"file": file}, timeout=TIMEOUT_S).raise_for_status()

    @retry_while_it_starts
    def count_jobs(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        answer = self._session.get(self._jobs_url, params={"limit": 1}, timeout=TIMEOUT_S)
        answer.raise_for_status()
        counts: dict[str, int] = answer.json()["counts"]
        return counts

    def count_waiting(self) -> int:
        counts = self.count_jobs()
        return sum(counts.get(state, 0) for state in ("queued", "running", "waiting"))


def fill_archive(archive: Archive, frames: list[PlannedFrame], seed: int, folder: Path, console: Console) -> int:
    """Simulate frames in a folder, submit them, wait until their jobs have ended, and return how many failed.

    Raises
    ------
    StandstillError
        If the workers stand still.
    requests.RequestException
        If the archive can't be reached or refuses a file.
    """
    failed_before = archive.count_jobs().get("failed", 0)
    next_line = 0
    with Progress(*PROGRESS_COLUMNS, console=console, disable=not console.is_terminal) as progress:
        bars = [progress.add_task(label, total=len(frames)) for label in ("Submitted", "Archived")]
        for counts in _feed(archive, frames, seed, folder):
            for bar, completed in zip(bars, counts, strict=True):
                progress.update(bar, completed=completed)
            if not console.is_terminal and min(counts) >= next_line:
                console.print("{} frames submitted, {} archived".format(*counts), highlight=False)
                next_line = min(min(counts) + FRAMES_PER_LINE, len(frames))
    return archive.count_jobs().get("failed", 0) - failed_before


def _feed(archive: Archive, frames: list[PlannedFrame], seed: int, folder: Path) -> Iterator[tuple[int, int]]:
    """Submit frame by frame, so that workers are busy with one while the next is simulated; tell how far both are."""
    asked_s = 0.0
    for submitted, frame in enumerate(frames, start=1):
        path = write_frame(frame, folder, seed)
        archive.submit(path)
        path.unlink()
        if time.monotonic() - asked_s > POLL_S:
            yield submitted, max(0, submitted - archive.count_waiting())
            asked_s = time.monotonic()
    fewest, since_s = len(frames) + 1, time.monotonic()
    while waiting := archive.count_waiting():
        if waiting < fewest:
            fewest, since_s = waiting, time.monotonic()
        elif time.monotonic() - since_s > STANDSTILL_S:
            raise StandstillError(f"{waiting} frames wait for a worker and none takes them: is one running?")
        yield len(frames), max(0, len(frames) - waiting)
        time.sleep(POLL_S)
    yield len(frames), len(frames)

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

TIMEOUT_S = 60.0
POLL_S = 0.5
STANDSTILL_S = 180.0
FRAMES_PER_LINE = 50
Counts = tuple[int, int, int]
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
    def count_jobs(self, **search: str) -> dict[str, int]:
        """Return how many of some jobs are in each state."""
        answer = self._session.get(self._jobs_url, params={"limit": "1", **search}, timeout=TIMEOUT_S)
        answer.raise_for_status()
        counts: dict[str, int] = answer.json()["counts"]
        return counts

    def count_waiting(self) -> int:
        counts = self.count_jobs()
        return sum(counts.get(state, 0) for state in ("queued", "running", "waiting"))

    def count_without_preview(self) -> int:
        """Return how many frames are in whose pictures are not made yet."""
        return sum(self.count_jobs(preview_state="owed").values())


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
        bars = [progress.add_task(label, total=len(frames)) for label in ("Submitted", "Archived", "Previews")]
        for counts in _feed(archive, frames, seed, folder):
            for bar, completed in zip(bars, counts, strict=True):
                progress.update(bar, completed=completed)
            if not console.is_terminal and min(counts) >= next_line:
                console.print("Frames: {} submitted, {} archived, {} with preview".format(*counts), highlight=False)
                next_line = min(min(counts) + FRAMES_PER_LINE, len(frames))
    return archive.count_jobs().get("failed", 0) - failed_before


def _feed(archive: Archive, frames: list[PlannedFrame], seed: int, folder: Path) -> Iterator[Counts]:
    """Submit frame by frame, so that workers are busy with one while the next is simulated; tell how far all are."""
    from app.demo.files import write_frame  # astropy comes with it

    asked_s = 0.0
    for submitted, frame in enumerate(frames, start=1):
        path = write_frame(frame, folder, seed)
        archive.submit(path)
        path.unlink()
        if time.monotonic() - asked_s > POLL_S:
            yield _count(archive, submitted)
            asked_s = time.monotonic()
    latest, since_s = (0, 0, 0), time.monotonic()
    while (counts := _count(archive, len(frames))) != (len(frames),) * 3:
        if counts > latest:
            latest, since_s = counts, time.monotonic()
        elif time.monotonic() - since_s > STANDSTILL_S:
            raise StandstillError(f"No worker has ended anything for {STANDSTILL_S:.0f} s: is one running?")
        yield counts
        time.sleep(POLL_S)
    yield counts


def _count(archive: Archive, submitted: int) -> Counts:
    """Return how many frames have been submitted, have ended, and have the pictures that they are owed."""
    ended = max(0, submitted - archive.count_waiting())
    return submitted, ended, max(0, ended - archive.count_without_preview())

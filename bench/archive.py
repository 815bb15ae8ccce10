"""An archive under measurement: its jobs, and what its workers take for them."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
from sqlalchemy import ColumnElement, select

from app import create_app
from app.config import AppConfig
from app.extensions import db
from app.ingest.actions import submit_path
from app.ingest.bell import INGEST_QUEUE, PREVIEW_QUEUE, ring
from app.ingest.models import UNFINISHED, IngestJob, JobState, PreviewState
from bench.workers import BenchError, Workers, working


@dataclass(frozen=True)
class Cost:
    """What some files took: seconds by the clock, and of the processors, added up over the processes."""

    files: int
    wall_s: float
    cpu_s: float

    @property
    def files_per_s(self) -> float:
        return self.files / self.wall_s

    @property
    def cpu_ms_per_file(self) -> float:
        return self.cpu_s / self.files * 1000


class BenchArchive:
    """An empty archive, whose settings are all given."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._app = create_app(AppConfig.from_env(settings))
        with self._app.app_context():
            flask_migrate.upgrade()

    def close(self) -> None:
        with self._app.app_context():
            db.engine.dispose()

    def ingest(
        self, files: Sequence[Path], warm_up: Sequence[Path], workers: int, just_before: Callable[[], None]
    ) -> Cost:
        """Measure the ingest of files by their paths, without their previews, after that of some others."""
        with working(self._settings, INGEST_QUEUE, workers) as crew:
            self._ingest(crew, warm_up, lambda: None)
            return self._ingest(crew, files, just_before)

    def make_previews(self, files: Sequence[Path]) -> Cost:
        """Measure the making of the previews of files, by one worker; its children find it as new each time."""
        with working(self._settings, PREVIEW_QUEUE, 1) as crew:
            crew.hold()
            self.ingest(files, [], 1, lambda: None)
            return self._measure(crew, len(files), IngestJob.preview_state == PreviewState.OWED)

    def _ingest(self, crew: Workers, files: Sequence[Path], just_before: Callable[[], None]) -> Cost:
        crew.hold()
        self._submit(files)
        just_before()
        cost = self._measure(crew, len(files), IngestJob.state.in_(UNFINISHED))
        if wrong := self._find(IngestJob.state != JobState.ARCHIVED):
            raise BenchError(f"{wrong.filename}: {wrong.state} {wrong.error_code} {wrong.error_message}")
        return cost

    def _submit(self, files: Iterable[Path]) -> None:
        with self._app.app_context():
            jobs = [submit_path(str(file), {}, None) for file in files]
            db.session.commit()
            for job in jobs:
                ring(job.id)

    def _measure(self, crew: Workers, files: int, is_left: ColumnElement[bool]) -> Cost:
        """Release workers, and measure until no job is left of this kind."""
        cpu_s, wall_s = crew.read_cpu_s(), time.monotonic()
        crew.release()
        crew.wait_for(lambda: self._find(is_left) is None)
        return Cost(files, time.monotonic() - wall_s, crew.read_cpu_s() - cpu_s)

    def _find(self, which: ColumnElement[bool]) -> IngestJob | None:
        with self._app.app_context():
            return db.session.scalar(select(IngestJob).where(which).limit(1))

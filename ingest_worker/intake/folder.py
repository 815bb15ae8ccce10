"""Ingest jobs from watched folders: files are taken as the telescope writes them, once they have been quiet."""

import itertools
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.errors import BadRequest
from app.extensions import db
from ingest_worker.intake.memory import ChangedError, forget_vanished, recall, take
from ingest_worker.intake.outages import Outage
from ingest_worker.intake.watching import FolderTree, Watched

log = logging.getLogger(__name__)

BATCH = 500  # files of which the database is asked at once
FORGET_EVERY_S = 60.0


class FolderIntake:
    """Takes the files below some folders. Needs a context of the application.

    Parameters
    ----------
    roots
        The folders; one below another is watched once.
    quiet_s
        Seconds for which a file must not have changed.
    clock
        Our own clock, in seconds.
    """

    def __init__(self, roots: Iterable[Path], quiet_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._trees = [FolderTree(root, quiet_s, clock) for root in _drop_nested(roots)]
        self._clock = clock
        self._database = Outage("The database")
        self._forget_due_s = clock() + FORGET_EVERY_S
        self._forgotten = dict.fromkeys((tree.root for tree in self._trees), "")

    def run(self, every_s: float) -> None:
        """Watch for ever."""
        while True:
            time.sleep(max(every_s, self.turn()))

    def turn(self) -> float:
        """Look once, and take what is quiet; return the seconds for which the database should be left alone."""
        try:
            for tree in self._trees:
                self._take_quiet(tree)
            self._forget()
        except SQLAlchemyError as error:
            return self._database.note(error)
        finally:
            db.session.remove()
        self._database.end()
        return 0.0

    def _take_quiet(self, tree: FolderTree) -> None:
        quiet = tree.find_quiet()
        while batch := dict(itertools.islice(quiet, BATCH)):
            taken = recall(batch)
            for path, file in batch.items():
                if taken.get(path) == file.signature:
                    file.settle(is_old=True)
                else:
                    _take(path, file)

    def _forget(self) -> None:
        if self._clock() < self._forget_due_s:
            return
        self._forget_due_s = self._clock() + FORGET_EVERY_S
        for tree in self._trees:
            if not tree.is_empty:  # else it may only be unmounted
                self._forgotten[tree.root] = forget_vanished(tree.root, self._forgotten[tree.root])


def _take(path: str, file: Watched) -> None:
    try:
        take(path, file.signature)
    except (ChangedError, FileNotFoundError):
        return  # the next look tells
    except IntegrityError:  # another process watches the same folder: the next turn recalls what it took
        db.session.rollback()
        return
    except (BadRequest, OSError) as error:
        db.session.rollback()
        file.complain(path, error)
        return
    log.info("%s is taken", path)
    file.settle()


def _drop_nested(roots: Iterable[Path]) -> list[str]:
    """Return the paths of the folders without those that lie below another."""
    paths = sorted({str(root.absolute()) for root in roots})
    return [path for path in paths if not any(path.startswith(f"{other}/") for other in paths)]

"""The walk through another archive: what a page needs is fetched by several threads, then saved in one transaction."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus

import marshmallow as ma

from app.extensions import db
from app.ocs_import import actions, queries
from app.ocs_import.models import OcsImport, Part, Stage
from app.ocs_import.preparation import Finding, PreparedFrame, explain, prepare, read_id, read_list
from app.ocs_import.schemas import NAMED_FRAME
from app.ocs_import.source import AnswerError, Record, Source, SourceError, SourcePage
from ocs_archive.storage.filestore import FileStore

MOST_NAMED = 1000  # at a time
#: What each stage asks of the records.
INCLUDED = {
    Stage.FRAMES: {"include_related_frames": "false", "include_thumbnails": "true"},
    Stage.RELATIONS: {"include_related_frames": "true", "include_thumbnails": "false"},
}


class FilesMissingError(Exception):
    """The file store has none of the first files."""


class Copier:
    """Copies the records of a source, from where the last run stopped."""

    def __init__(self, source: Source, store: FileStore, pool: ThreadPoolExecutor, *, may_lack_files: bool) -> None:
        self._source, self._store, self._pool, self._may_lack_files = source, store, pool, may_lack_files
        run = actions.begin_import(source.url)
        self._import_id, self._stage = run.id, Stage(run.stage)
        self._cursor, self._frames_seen = run.cursor, run.frames_seen
        db.session.commit()

    def walk(self) -> Iterator[tuple[Stage, int]]:
        """Copy page by page; after each, yield the stage, and how many frames it has seen.

        Raises
        ------
        SourceError
            If the source can't be read for now. What has been copied stays.
        FilesMissingError
            If it has files, and the file store has none of those of the first page.
        """
        while (stage := self._stage) is not Stage.DONE:
            copy_page = self._copy_frames if stage is Stage.FRAMES else self._copy_relations
            for page in self._read_pages(stage):
                copy_page(page)
                self._frames_seen += len(page.records)
                yield stage, self._frames_seen
            self._cursor, self._frames_seen = "", 0

    def _read_pages(self, stage: Stage) -> Iterator[SourcePage]:
        """Yield the pages of a stage, the next one being fetched meanwhile."""
        page: SourcePage | None = self._read_first_page(stage)
        while page:
            following = self._request_page(stage, page.next_cursor) if page.next_cursor else None
            yield page
            page = _wait_for(following) if following else None

    def _read_first_page(self, stage: Stage) -> SourcePage:
        """Read the page at which the last run stopped; the very first one if the source has forgotten its cursor."""
        try:
            return self._request_page(stage, self._cursor).result()
        except AnswerError as error:
            if not self._cursor or error.status != HTTPStatus.BAD_REQUEST:
                raise SourceError(str(error)) from error
        self._frames_seen = 0
        actions.enter_stage(self._load(), stage)
        db.session.commit()
        return _wait_for(self._request_page(stage, ""))

    def _request_page(self, stage: Stage, cursor: str) -> Future[SourcePage]:
        return self._pool.submit(self._source.get_page, cursor, **INCLUDED[stage])

    def _copy_frames(self, page: SourcePage) -> None:
        records = [record if isinstance(record, dict) else {"record": record} for record in page.records]
        known = queries.find_known(self._import_id, records)
        is_first = not queries.has_imported(self._import_id)
        db.session.rollback()  # no transaction stays open while the source is asked
        fresh = [record for record in records if not known.is_unchanged(record)]
        frames = list(self._pool.map(partial(prepare, self._source, self._store), fresh))
        if is_first and not self._may_lack_files:
            _check_files(frames)
        with self._turning(page):
            actions.save_frames(self._import_id, frames, known)

    def _copy_relations(self, page: SourcePage) -> None:
        related = {read_id(record): _list_related_ids(record) for record in page.records if read_id(record)}
        named = {other for others in related.values() for other in others}
        unknown = sorted(named - queries.find_frame_ids(self._import_id, named).keys())
        db.session.rollback()
        for begin in range(0, len(unknown), MOST_NAMED):
            self._name(unknown[begin : begin + MOST_NAMED])
        with self._turning(page):
            actions.save_relations(self._import_id, related)

    def _name(self, source_ids: list[int]) -> None:
        """Make frames that no list of the source shows, and commit."""
        names = self._pool.map(self._find_name, source_ids)
        actions.save_named_frames(self._import_id, dict(zip(source_ids, list(names), strict=True)))
        db.session.commit()

    def _find_name(self, source_id: int) -> str | Finding:
        """Return the basename of a frame that no list shows, or why it can't be told."""
        try:
            basename: str = NAMED_FRAME.load(self._source.get_frame(source_id))["basename"]
        except (AnswerError, ma.ValidationError) as error:
            return Finding(Part.RELATED, explain(error))
        return basename

    @contextmanager
    def _turning(self, page: SourcePage) -> Iterator[None]:
        """Commit what is written of a page together with the note that it is done."""
        run = self._load()
        actions.turn_page(run, page.next_cursor, len(page.records))
        yield
        self._stage = Stage(run.stage)
        db.session.commit()

    def _load(self) -> OcsImport:
        return db.session.get_one(OcsImport, self._import_id)


def _wait_for(page: Future[SourcePage]) -> SourcePage:
    try:
        return page.result()
    except AnswerError as error:
        raise SourceError(str(error)) from error


def _list_related_ids(record: Record) -> list[int]:
    return [other for other in read_list(record, "related_frames") if read_id({"id": other})]


def _check_files(frames: list[PreparedFrame]) -> None:
    """Refuse to go on where the store is hardly the source's."""
    files = sum(frame.files for frame in frames)
    if files and files == sum(frame.files_missing for frame in frames):
        lost = next(finding for frame in frames for finding in frame.findings if finding.part is Part.FILE)
        raise FilesMissingError(
            f"The file store has none of the first {files} files ({lost.reason}): FILESTORE_TYPE, BUCKET and the "
            "settings of header keys must be those of the source. Or copy all the same, by --accept-missing-files."
        )

"""Writes of a copy, a page at a time: its rows and how far it is, in one transaction. The caller commits."""

from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, delete
from sqlalchemy.exc import DataError, IntegrityError

from app.extensions import db, insert_for_dialect
from app.frames.actions import add_relations, ensure_frames, save_frame, save_thumbnail
from app.ocs_import.models import ImportedFrame, ImportFinding, OcsImport, Part, Stage
from app.ocs_import.preparation import Finding, PreparedFrame, explain
from app.ocs_import.queries import Known, find_frame_ids, find_import

MOST_PAIRS = 5000  # at a time: a mask may be related to a hundred thousand frames
FOLLOWING = {Stage.FRAMES: Stage.RELATIONS, Stage.RELATIONS: Stage.DONE}


def begin_import(source_url: str) -> OcsImport:
    """Return the copy of a source: the one that was interrupted, or a new one.

    One that is done begins anew, to find what has come, or changed, since.
    """
    run = find_import(source_url) or OcsImport(source_url=source_url, stage=Stage.DONE)
    if run.stage == Stage.DONE:
        enter_stage(run, Stage.FRAMES)
    db.session.add(run)
    db.session.flush()
    return run


def enter_stage(run: OcsImport, stage: Stage) -> None:
    """Let a copy begin a stage with the first page."""
    run.stage, run.cursor, run.frames_seen = stage, "", 0


def turn_page(run: OcsImport, next_cursor: str, frames: int) -> None:
    """Note that a page is done; with the last one, its stage. To be called before the page's rows are written.

    SQLite's driver opens a transaction at the first write only: a savepoint before it would be committed by itself.
    """
    if next_cursor:
        run.cursor, run.frames_seen = next_cursor, run.frames_seen + frames
    else:
        enter_stage(run, FOLLOWING[Stage(run.stage)])
    db.session.flush()


def save_frames(import_id: int, frames: Collection[PreparedFrame], known: Known) -> None:
    """Save frames with their files and pictures; what the database refuses becomes a finding, like what was amiss."""
    _forget_findings(import_id, [frame.source_id for frame in frames], ImportFinding.part != Part.RELATED)
    for frame in frames:
        findings = [*frame.findings, *_save(import_id, frame, known)]
        _save_findings(import_id, frame.source_id, frame.basename, findings)


def save_named_frames(import_id: int, frames: Mapping[int, str | Finding]) -> None:
    """Make frames that the source names, and does not list, with their basename only.

    Parameters
    ----------
    frames
        By their ids at the source, their basenames, or why these can't be told.
    """
    _forget_findings(import_id, frames.keys(), ImportFinding.part == Part.RELATED)
    names = {source_id: name for source_id, name in frames.items() if isinstance(name, str)}
    ids = ensure_frames(set(names.values())) if names else {}
    for source_id, name in names.items():
        _remember(import_id, source_id, ids[name], "")
    for source_id, finding in frames.items():
        if isinstance(finding, Finding):
            _save_findings(import_id, source_id, "", [finding])


def save_relations(import_id: int, related: Mapping[int, Collection[int]]) -> None:
    """Relate frames as the source does.

    Parameters
    ----------
    related
        By a frame's id at the source, the ids there of its related frames. Those that are not here are passed over.
    """
    pairs = ((one, other) for one, others in related.items() for other in others)
    while batch := list(islice(pairs, MOST_PAIRS)):
        ids = find_frame_ids(import_id, {source_id for pair in batch for source_id in pair})
        add_relations({(ids[one], ids[other]) for one, other in batch if one in ids and other in ids})


def _save(import_id: int, frame: PreparedFrame, known: Known) -> list[Finding]:
    """Save a frame if it can be, and return why it could not."""
    if frame.new is None:
        return []
    conflict = _find_conflict(frame.new, known)
    if conflict:
        return [Finding(Part.FRAME, conflict)]
    versions = [version for version in frame.new["version_set"] if version["md5"] not in known.owners]
    try:
        with db.session.begin_nested():
            frame_id = save_frame(frame.new | {"version_set": versions}, is_news=False)
            for size, stored in frame.thumbnails.items():
                save_thumbnail(frame.new["basename"], size, **stored)
            _remember(import_id, frame.source_id, frame_id, frame.modified)
    except (IntegrityError, DataError) as error:
        return [Finding(Part.FRAME, explain(error.orig))]
    return []


def _find_conflict(new: Mapping[str, Any], known: Known) -> str:
    """Say why a frame's files must not be added to what is here; empty if they may be."""
    md5s, basename = {version["md5"] for version in new["version_set"]}, new["basename"]
    for md5 in md5s & known.owners.keys():
        if known.owners[md5] != basename:
            return f"Its file with the md5 {md5} belongs to {known.owners[md5]} here."
    if md5s - known.owners.keys() and (own := known.list_versions(basename) - md5s):
        return (
            f"The frame has a file here that the source lacks, with the md5 {min(own)}: which is newer can't be told."
        )
    return ""


def _remember(import_id: int, source_id: int, frame_id: int, modified: str) -> None:
    told = {"frame_id": frame_id, "modified": modified}
    row = insert_for_dialect(ImportedFrame).values(import_id=import_id, source_id=source_id, **told)
    db.session.execute(row.on_conflict_do_update(index_elements=["import_id", "source_id"], set_=told))


def _forget_findings(import_id: int, source_ids: Collection[int], which: ColumnElement[bool]) -> None:
    """Drop what was amiss with frames when they were last tried."""
    tried = (ImportFinding.import_id == import_id, ImportFinding.source_id.in_(source_ids), which)
    db.session.execute(delete(ImportFinding).where(*tried), execution_options={"synchronize_session": False})


def _save_findings(import_id: int, source_id: int, basename: str, findings: Collection[Finding]) -> None:
    place = {"import_id": import_id, "source_id": source_id, "basename": basename}
    db.session.add_all(ImportFinding(**place, part=finding.part, reason=finding.reason) for finding in findings)

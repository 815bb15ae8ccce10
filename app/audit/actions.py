"""Repairs: what is done with a finding where a policy asks for it. Each commits by itself, and can be done again.

Nothing is deleted that may be the only copy of a frame: a file goes only after the archive's own copy of its content
has been read back and found right. No row is ever deleted.
"""

import shutil
from collections.abc import Set
from pathlib import Path, PurePosixPath

from sqlalchemy import update

from app.audit.contents import CANT_GIVE, hash_file, is_cut_short, is_sound, read_md5
from app.audit.findings import Finding, Kind, Outcome, Policy, Repair
from app.audit.queries import FileRow, find_adopting_job, is_named, is_thumbnail_path, list_longer, list_md5s
from app.errors import BadRequest
from app.extensions import db
from app.fields import CONTROL_CHARACTERS
from app.frames.models import FileFault, Version
from app.frames.queries import find_version_by_md5
from app.ingest.actions import new_upload_path, submit_upload
from app.ingest.bell import ring
from app.ingest.models import Door
from ocs_archive.input.file import FileSpecificationException
from ocs_archive.input.filefactory import FileFactory
from ocs_archive.input.thumbnailfile import ThumbnailFile
from ocs_archive.input.values import split_filename
from ocs_archive.storage.filestore import FileStore, StoredFile

REPORTED = Repair(Outcome.REPORTED)
GONE = Repair(Outcome.DELETED, "by somebody else, meanwhile")
FAULTS = {Kind.MISSING: FileFault.MISSING, Kind.SIZE: FileFault.SIZE, Kind.MD5: FileFault.MD5}
ORPHAN_POLICIES = {Policy.ADOPT_ORPHANS, Policy.DELETE_ORPHANS}


def repair(store: FileStore, finding: Finding, policies: Set[Policy]) -> Repair:
    """Do with a finding what the policies say, and commit."""
    if finding.is_known:
        return Repair(Outcome.KNOWN)
    if finding.row is not None:
        return _mark(finding, finding.row) if Policy.MARK in policies else REPORTED
    if finding.file is None:
        return _delete_leftover(store, Path(finding.path)) if Policy.DELETE_LEFTOVERS in policies else REPORTED
    if ORPHAN_POLICIES.isdisjoint(policies):
        return REPORTED
    return _settle_orphan(store, finding.kind, finding.file, policies)


def _mark(finding: Finding, row: FileRow) -> Repair:
    """Write down what is known of a row's file."""
    if finding.kind in FAULTS:
        return _write(row, Outcome.MARKED, file_fault=FAULTS[finding.kind])
    if finding.kind == Kind.RECOVERED:
        return _write(row, Outcome.CLEARED, file_fault=FileFault.NONE)
    if finding.kind == Kind.UNSIZED and finding.file is not None:
        return _write(row, Outcome.RECORDED, size=finding.file.size)
    return REPORTED


def _write(row: FileRow, outcome: Outcome, **values: object) -> Repair:
    is_still = (row.model.id == row.id, row.model.key == row.key, row.model.md5 == row.md5)
    changed = update(row.model).where(*is_still).values(**values).returning(row.model.id)
    is_written = db.session.scalar(changed, execution_options={"synchronize_session": False}) is not None
    db.session.commit()
    return Repair(outcome) if is_written else Repair(Outcome.KEPT, "the row has changed meanwhile")


def _settle_orphan(store: FileStore, kind: Kind, file: StoredFile, policies: Set[Policy]) -> Repair:
    name = PurePosixPath(file.path).name
    if CONTROL_CHARACTERS.search(f"{file.path}{file.key}"):
        return Repair(Outcome.KEPT, "its path holds characters that are in no name of the archive's")
    if _is_picture(name):
        return _settle_picture(store, kind, file, name, policies)
    try:
        md5 = read_md5(store, file.path, file.key)
        is_half = md5 is not None and any(is_cut_short(store, file, md5, whole) for whole in list_longer(file))
    except CANT_GIVE as error:
        return Repair(Outcome.KEPT, str(error))
    if md5 is None:
        return GONE
    if is_half:  # a store or a connection that failed left it
        return _delete(store, kind, file, policies)
    version = find_version_by_md5(md5)
    if version is None:
        return _adopt(store, file, name, md5, policies)
    if is_sound(store, version):
        return _delete(store, kind, file, policies)
    return _restore(store, file, version, policies)


def _is_picture(name: str) -> bool:
    try:
        return issubclass(FileFactory.get_datafile_class_for_extension(split_filename(name)[1]), ThumbnailFile)
    except FileSpecificationException:
        return False


def _settle_picture(store: FileStore, kind: Kind, file: StoredFile, name: str, policies: Set[Policy]) -> Repair:
    """Delete a picture whose place another has taken, or a preview, ``<basename>-<size>.jpg``, of an archived frame."""
    basename = split_filename(name)[0].rpartition("-")[0]
    if not is_thumbnail_path(file.path) and not list_md5s(basename):
        return Repair(Outcome.KEPT, "it is a picture, and its name tells no frame that the archive has")
    return _delete(store, kind, file, policies)


def _delete(store: FileStore, kind: Kind, file: StoredFile, policies: Set[Policy]) -> Repair:
    if Policy.DELETE_ORPHANS not in policies:
        return REPORTED
    if kind == Kind.FOREIGN:  # the store can delete its versions only
        return Repair(Outcome.KEPT, "its content is archived; remove it by hand")
    if is_named(file.path, file.key):
        return Repair(Outcome.KEPT, "a row names it by now")
    store.delete_file(file.path, file.key)
    return Repair(Outcome.DELETED)


def _adopt(store: FileStore, file: StoredFile, name: str, md5: str, policies: Set[Policy]) -> Repair:
    """Submit what is not in the archive as an ingest job, by a copy; the orphan itself stays."""
    job = find_adopting_job(md5)
    if job is not None:
        return Repair(Outcome.KEPT, f"ingest job {job.id}, for it, is {job.state}")
    if Policy.ADOPT_ORPHANS not in policies:
        return Repair(Outcome.KEPT, "its content is not in the archive: it may be the only copy of a frame")
    upload = new_upload_path()
    try:
        job_id = _submit(store, file, name, md5, upload)
    except BadRequest as error:
        upload.unlink(missing_ok=True)
        return Repair(Outcome.KEPT, str(error))
    except BaseException:
        upload.unlink(missing_ok=True)
        raise
    ring(job_id)
    return Repair(Outcome.SUBMITTED, f"ingest job {job_id}")


def _restore(store: FileStore, file: StoredFile, version: Version, policies: Set[Policy]) -> Repair:
    """Let the store make a version of what an OCS program put at its path, if that was not done when it was posted."""
    if Policy.ADOPT_ORPHANS in policies and file.path == version.store_path:
        store.adopt_file(file.path, version.key)
        if is_sound(store, version):
            return Repair(Outcome.RESTORED, f"as a file of frame {version.frame_id}")
    return _keep_only_copy(version)


def _keep_only_copy(version: Version) -> Repair:
    return Repair(Outcome.KEPT, f"the archive's own copy, {version.store_path}, is not right: this may be the only one")


def _submit(store: FileStore, file: StoredFile, name: str, md5: str, upload: Path) -> int:
    with store.get_fileobj(file.path, file.key) as stored, upload.open("xb") as copy:
        if stored is None:
            raise BadRequest("It is gone.")
        shutil.copyfileobj(stored, copy)
    job = submit_upload(upload, name, {}, None, Door.AUDIT)
    job.md5 = md5  # by which the next audit knows that the file has been submitted
    job_id = job.id
    db.session.commit()
    return job_id


def _delete_leftover(store: FileStore, path: Path) -> Repair:
    if path.is_dir():
        shutil.rmtree(path)
        return Repair(Outcome.DELETED)
    try:
        with path.open("rb") as file:
            version = find_version_by_md5(hash_file(file))
    except FileNotFoundError:
        return GONE
    if version is not None and not is_sound(store, version):
        return _keep_only_copy(version)
    path.unlink(missing_ok=True)
    return Repair(Outcome.DELETED)

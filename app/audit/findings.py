"""What an audit finds, by which policies it is mended, and what becomes of it."""

from dataclasses import dataclass
from enum import StrEnum

from app.audit.queries import FileRow
from ocs_archive.storage.filestore import StoredFile


class Kind(StrEnum):
    """What is amiss with a row's file, or with a file; the first three are written down as a `FileFault`."""

    MISSING = "missing"  # the store has not the file of this row
    SIZE = "size"  # the file has not the recorded size
    MD5 = "md5"  # the file has not the recorded md5
    UNREADABLE = "unreadable"  # the store has the file and can't give it
    RECOVERED = "recovered"  # the row is marked, and its file is right again
    UNSIZED = "unsized"  # the row lacks its file's size; asked for only to be recorded
    ORPHAN = "orphan"  # a stored file that no row names
    FOREIGN = "foreign"  # a file in the store that the store did not put there
    LEFTOVER = "leftover"  # a file on its way in that nobody waits for


class Policy(StrEnum):
    """What an operator may let an audit do."""

    MARK = "mark"
    DELETE_ORPHANS = "delete-orphans"
    ADOPT_ORPHANS = "adopt-orphans"
    DELETE_LEFTOVERS = "delete-leftovers"


class Outcome(StrEnum):
    """What became of a finding."""

    REPORTED = "reported"
    KEPT = "kept"  # a policy was for it, and its note says why nothing was done
    MARKED = "marked"
    KNOWN = "known"  # an earlier audit has marked it
    CLEARED = "cleared"  # of its mark
    RECORDED = "recorded"  # its size
    RESTORED = "restored"  # the file of a version that lacked it
    SUBMITTED = "submitted"
    DELETED = "deleted"


#: What needs nobody any more. A file that has just been marked as lost does, though only once.
SETTLED = set(Outcome) - {Outcome.REPORTED, Outcome.KEPT, Outcome.MARKED}


@dataclass(frozen=True)
class Finding:
    """One thing that is amiss. It has a row, or a file, or both; a leftover, which is not in the store, has neither."""

    kind: Kind
    path: str
    detail: str
    row: FileRow | None = None
    file: StoredFile | None = None

    @property
    def is_known(self) -> bool:
        return self.row is not None and self.row.fault == self.kind


@dataclass(frozen=True)
class Repair:
    """What became of a finding, and a word on it."""

    outcome: Outcome
    note: str = ""


class AuditError(Exception):
    """The audit can't be made: what it would say would not be true."""

"""What a target is told of a version: built from the rows when it is sent, so that the outbox stays small."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from app.downloads.actions import Links
from app.events.queries import Owed
from app.frames.queries import find_archived
from app.frames.records import build_record

#: What a message has of the frame's record, beside its headers.
FROM_RECORD = ("area", "basename", "version_set", "filename")


@dataclass(frozen=True)
class Message:
    """What is told of one version; built anew at every try, so that its links are fresh."""

    id: str  # one for each version, for ever: whoever gets a message twice knows it by this
    created: dt.datetime  # when the version was archived
    data: dict[str, Any]


def build_message(event: Owed) -> Message | None:
    """Return the message that is owed; None if its version is gone.

    The version comes first in `version_set`, before those that were there already. Later ones have messages of their
    own. Headers and area are the frame's present ones: the archive keeps no others.
    """
    archived = find_archived(event.frame_id)
    if archived is None:
        return None
    frame, headers = archived
    versions = [version for version in frame.versions if version.id <= event.version_id]
    if not versions or versions[0].id != event.version_id:
        return None
    record = build_record(replace(frame, versions=versions), Links(), related_frames=False)
    told = {name: record[name] for name in FROM_RECORD} | {"frameid": record["id"]}
    # Not the event's own number: SQLite gives that of a deleted row again.
    return Message(f"{event.version_id}-{versions[0].md5}", versions[0].created, headers | told)

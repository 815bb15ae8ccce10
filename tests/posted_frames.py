"""Frames as OCS clients send them: first the file into the store, then its record over HTTP."""

import hashlib
from pathlib import Path
from typing import Any

from ocs_archive.settings import settings
from tests.frames_factory import A_FRAME

#: Where a client puts the files of `A_FRAME`.
NIGHT_PATH = "cpt/fa01/20261101"


def build_version(content: bytes, extension: str = ".fits.fz") -> dict[str, str]:
    """Return what a client posts of a file; the key is the md5, as the OCS's own local store has it."""
    md5 = hashlib.md5(content).hexdigest()
    return {"key": md5, "md5": md5, "extension": extension}


def build_post(basename: str, *contents: bytes, **fields: Any) -> dict[str, Any]:
    """Return the body of a POST with a version for each content."""
    return {**A_FRAME, "basename": basename, "version_set": [build_version(content) for content in contents], **fields}


def put_into_store(path: str, content: bytes) -> None:
    """Write a file as the OCS's own local store does: at its path only, over what is there."""
    file = Path(settings.FILESYSTEM_STORAGE_ROOT_DIR) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)

"""Frames for tests whose files are in the store: of any content, at a path made from their names."""

import io
from typing import Any

import numpy as np
from astropy.io import fits

from app.extensions import db, get_file_store
from app.frames.actions import save_frame
from app.frames.schemas import NewFrameSchema
from ocs_archive.input.file import DataFile, File
from tests.fits_factory import make_header, make_pixels
from tests.frames_factory import A_FRAME


class PlacedFile(DataFile):
    """A file whose header does not matter."""

    def get_filestore_path(self) -> str:
        return f"cpt/fa01/20261101/raw/{self.open_file.filename}"


def add_stored_frame(basename: str, content: bytes, extension: str = ".fits", **fields: Any) -> int:
    """Store a file, archive its frame, and return the frame's id. Needs the application's context."""
    file = PlacedFile(File(io.BytesIO(content), f"{basename}{extension}"), {}, required_headers=())
    place = {"store_path": file.get_filestore_path(), "size": len(content)}
    version = get_file_store().store_file(file) | place
    frame_id = save_frame(NewFrameSchema().load({**A_FRAME, "basename": basename, "version_set": [version], **fields}))
    db.session.commit()
    return frame_id


def build_mosaic(*, packed: bool = True) -> bytes:
    """Return a reduced frame as pipelines write it: SCI of scaled 16-bit integers, CAT, and ERR of floats."""
    shape = (50, 40)
    catalog = fits.BinTableHDU(np.array([(1.5, 2.5), (3.5, 4.5)], [("x", ">f8"), ("y", ">f8")]), name="CAT")
    images = [("SCI", make_pixels(shape).astype(np.uint16)), ("ERR", make_pixels(shape).astype(np.float32) / 7)]
    kind = fits.CompImageHDU if packed else fits.ImageHDU
    science, error = (kind(pixels, make_header(shape), name=name) for name, pixels in images)
    written = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), science, catalog, error]).writeto(written)
    return written.getvalue()

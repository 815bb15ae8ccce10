"""What the archive of the examples in `docs/api.md` holds, and which files their reader has."""

import shutil
from pathlib import Path
from typing import Any

from tests.fits_factory import BLOCK_BYTES, write_fits
from tests.live import LiveArchive

ASTRONOMER, PROPOSAL = "astronomer", "ORION2024B-001"
CARDS: dict[str, Any] = {
    "PROPID": PROPOSAL,
    "DATE-OBS": "2024-11-14T00:10:00",
    "MJD-OBS": 60628.006944444445,
    "DAY-OBS": "20241113",
    "UTSTOP": None,
    "INSTRUME": "fa01",
    "SITEID": "cpt",
    "OBJECT": "M42",
    "FILTER": "rp",
    "AIRMASS": 1.12,
    "L1PUBDAT": "2024-11-15T00:00:00",
    "L1IDBIAS": None,
    "CRVAL1": 83.82,
    "CRVAL2": -5.39,
}
CALIBRATION = {"PROPID": "calibrate", "OBJECT": None, "DATE-OBS": "2024-11-13T15:00:00", "CD1_1": None}
LATER = {"DATE-OBS": "2024-11-21T00:00:00", "DAY-OBS": "20241120", "RLEVEL": 0}
NIGHT = "cpt1m012-fa01-20241113"
NEWEST = f"{NIGHT}-0042-e91"

#: The frames in the archive, by their basenames, in the order in which they come in.
FRAMES: dict[str, dict[str, Any]] = {
    f"{NIGHT}-bias-bin1x1": CALIBRATION | {"OBSTYPE": "BIAS"},
    f"{NIGHT}-skyflat-bin1x1-rp": CALIBRATION | {"OBSTYPE": "SKYFLAT"},
    f"{NIGHT}-0042-e00": {"RLEVEL": 0},
    NEWEST: {
        "L1IDBIAS": f"{NIGHT}-bias-bin1x1",
        "L1IDFLAT": f"{NIGHT}-skyflat-bin1x1-rp",
        "ORIGNAME": f"{NIGHT}-0042-e00",
    },
    f"{NIGHT}-0041-e91": {"DATE-OBS": "2024-11-14T00:08:00", "FILTER": "gp"},
    "coj1m003-fa19-20241112-0007-e91": {
        "DATE-OBS": "2024-11-12T13:40:00",
        "DAY-OBS": "20241112",
        "SITEID": "coj",
        "INSTRUME": "fa19",
        "FILTER": "ip",
    },
}
#: Files to submit.
TO_SUBMIT = ("frame", "night/cpt1m012-fa01-20241120-0002-e00", "night/cpt1m012-fa01-20241120-0003-e00")
#: What a pipeline has put into the file store by itself.
POSTED = (f"{NIGHT}-0044-e91", f"{NIGHT}-0045-e91")
STORE_FOLDER = "cpt/fa01/20241113"


def fill(archive: LiveArchive, folder: Path) -> None:
    """Archive the frames, put a pipeline's files into the file store, and the reader's into a folder."""
    files = [write(folder.parent / "frames" / name, **cards) for name, cards in FRAMES.items()]
    jobs = [archive.submit(file) for file in files]
    store_for_pipeline(folder, archive.data_dir / "files" / STORE_FOLDER)
    write_to_submit(folder)
    break_off_download(next(file for file in files if file.name.startswith(NEWEST)), folder)
    assert {archive.wait(job)["state"] for job in jobs} == {"archived"}


def store_for_pipeline(folder: Path, store: Path) -> None:
    """Write a pipeline's frames and their pictures, and copy them to where the rule of their classes puts them."""
    for name in POSTED:
        frame, picture = write(folder / name, TITLE=name), folder / f"{name}-small.jpg"
        picture.write_bytes(b"\xff\xd8\xff" + name.encode())
        for file, place in ((frame, store / "processed"), (picture, store / "thumbnails")):
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)


def write_to_submit(folder: Path) -> None:
    """Write files for the reader to submit, the last of which is cut off."""
    *_, last = [write(folder / name, **LATER, TITLE=name) for name in TO_SUBMIT]
    last.write_bytes(last.read_bytes()[:-BLOCK_BYTES])


def break_off_download(file: Path, folder: Path) -> None:
    """Leave what a broken download leaves, under the names that the examples in bash and in Python give it."""
    for name in (file.name, f"{file.name}.part"):
        (folder / name).write_bytes(file.read_bytes()[:BLOCK_BYTES])


def write(path: Path, **cards: Any) -> Path:
    return write_fits(path.with_name(f"{path.name}.fits.fz"), compressed=True, **CARDS | cards)

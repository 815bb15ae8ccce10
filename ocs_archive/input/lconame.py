"""What the names of LCO's files say.

They are ``<site+telescope>-<instrument>-<YYYYMMDD>-<number>-<letter><two digits>``.
"""

import re

from ocs_archive.input.file import File
from ocs_archive.input.headerdata import HeaderData
from ocs_archive.settings import settings

LCO_NAME = re.compile(r"[^-]+-[^-]+-\d{8}-\d+-[a-z]\d\d(_cat)?")
FRAME_LETTER = re.compile(r"([a-z])\d\d")
CATALOG_SUFFIX = "_cat"
MISSING_TYPES = ("", "UNKNOWN")
TYPE_OF_FIRST_PART = {"trace": "TRACE", "arc": "ARC"}
TYPE_OF_FOURTH_PART = {"bias": "BIAS", "bpm": "BPM"}
TYPE_OF_LETTER = {
    "b": "BIAS",
    "d": "DARK",
    "f": "SKYFLAT",
    "g": "GUIDE",
    "s": "STANDARD",
    "w": "LAMPFLAT",
    "x": "EXPERIMENTAL",
}


def is_lco_name(basename: str | None) -> bool:
    return bool(LCO_NAME.fullmatch(basename or ""))


def is_bad_pixel_mask_name(basename: str) -> bool:
    """Tell ``bpm-…``, ``…-bpm-…`` and ``…-bpm``, where ``_`` is read as ``-``."""
    return "bpm" in basename.replace("_", "-").split("-")


def find_configuration_type(header: HeaderData, basename: str) -> str | None:
    """Read a frame's configuration type from its name; None where the name says nothing."""
    parts = [*basename.removesuffix(CATALOG_SUFFIX).split("-"), *[""] * 5]
    letter = FRAME_LETTER.fullmatch(parts[4])
    by_part = TYPE_OF_FIRST_PART.get(parts[0]) or TYPE_OF_FOURTH_PART.get(parts[3])
    if by_part or not letter:
        return by_part
    telescope = f"{parts[0]} {header.get_telescope_id()} {header.get_headers().get('ENCID') or ''}"
    is_igloo = "igl" in telescope
    if letter[1] == "e":
        return "TARGET" if is_igloo else "SPECTRUM" if "en" in parts[1] else "EXPOSE"
    if letter[1] == "a":
        return "DOUBLE" if is_igloo else "ARC"
    return TYPE_OF_LETTER.get(letter[1])


def find_reduction_level(file: File) -> int:
    """Read the reduction level from a name's last two digits; else 90 for a pipeline's ``.tar.gz``."""
    digits = (file.basename or "").removesuffix(CATALOG_SUFFIX)[-2:]
    if re.fullmatch(r"[0-9]{2}", digits):
        return int(digits)
    return 90 if file.extension == ".tar.gz" else 0


def complete_from_name(header: HeaderData, file: File) -> None:
    """Fill in what a header lacks and the name says: configuration type, reduction level, catalogue."""
    basename = file.basename or ""
    completed: dict[str, str | int | None] = {}
    if basename.endswith(CATALOG_SUFFIX):
        completed[settings.CONFIGURATION_TYPE_KEY] = "CATALOG"
        if not header.get_catalog_target_frame():
            completed[settings.CATALOG_TARGET_FRAME_KEY] = basename.removesuffix(CATALOG_SUFFIX)
    elif header.get_configuration_type() in MISSING_TYPES:
        completed[settings.CONFIGURATION_TYPE_KEY] = find_configuration_type(header, basename)
    if not header.headers_are_set([settings.REDUCTION_LEVEL_KEY]):
        completed[settings.REDUCTION_LEVEL_KEY] = find_reduction_level(file)
    header.update_headers({key: value for key, value in completed.items() if value is not None})

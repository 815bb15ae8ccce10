"""Pure functions that turn header values and file names into what can be stored as JSON."""

import re
from collections.abc import Mapping
from datetime import date
from math import isfinite
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any

import numpy as np

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
JSON_TYPES = {str, bool}  # those of which each value is JSON


def split_filename(path: str) -> tuple[str, str]:
    """Split a path's last part at its first dot: ``x/a-e91.fits.fz`` gives ``("a-e91", ".fits.fz")``."""
    basename, dot, extension = PurePath(path).name.partition(".")
    return basename, dot + extension


def build_json_value(value: Any) -> Any:
    """Reduce a value to JSON's own types.

    numpy's numbers become Python's, NaN, infinities and undefined cards None, dates ISO text. A whole number
    that 64 bits can't hold becomes text, as parsers of JSON differ on it.
    """
    if value is None or type(value) in JSON_TYPES:  # most values by far: the more frequent a type, the earlier
        return value
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | Integral):
        number = int(value)
        return number if -(2**63) <= number < 2**63 else str(number)
    if isinstance(value, Real):
        return build_json_value(float(value))
    if isinstance(value, Mapping):
        return {str(key): build_json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [build_json_value(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    from astropy.io.fits.card import Undefined  # so late, as most processes never meet one, and astropy takes its time

    return None if isinstance(value, Undefined) else str(value)


def clean_text(text: str) -> str:
    """Drop control characters and lone surrogates: PostgreSQL's JSON holds neither NUL nor surrogates."""
    return text if text.isprintable() else CONTROL_CHARACTERS.sub("", text)


def clean_json_value(value: Any) -> Any:
    """Apply `clean_text` to every text of a JSON value, keys included."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [clean_json_value(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): clean_json_value(item) for key, item in value.items()}
    return value

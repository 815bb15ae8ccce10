"""What values and names become before they are stored."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from astropy.io.fits.card import Undefined

from ocs_archive.input.values import build_json_value, clean_json_value, split_filename


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a-e91.fits.fz", ("a-e91", ".fits.fz")),
        ("folder.d/a.tar.gz", ("a", ".tar.gz")),
        ("a", ("a", "")),
        (".fits", ("", ".fits")),
        ("", ("", "")),
    ],
)
def test_names_are_split_at_their_first_dot(path, parts):
    assert split_filename(path) == parts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(1.5), 1.5),
        (np.int16(3), 3),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (float("nan"), None),
        (np.float64("-inf"), None),
        (Undefined(), None),
        (None, None),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        (1 + 2j, "(1+2j)"),
        (Decimal("1.50"), "1.50"),
        (date(2024, 2, 19), "2024-02-19"),
        (datetime(2024, 2, 19, tzinfo=UTC), "2024-02-19T00:00:00+00:00"),
        ((1, {"a": np.float64("nan")}), [1, {"a": None}]),
    ],
)
def test_values_become_json(value, expected):
    found = build_json_value(value)
    assert (found, type(found)) == (expected, type(expected))
    json.dumps(found, allow_nan=False)


def test_control_characters_and_lone_surrogates_go():
    dirty = {"KEY\0": ["a\0b\x1f\x7f\x9f", {"in": "c\ud800\nd"}], "n": 1}
    assert clean_json_value(dirty) == {"KEY": ["ab", {"in": "cd"}], "n": 1}


def test_other_characters_stay():
    assert clean_json_value("<é ☉ 🔭>") == "<é ☉ 🔭>"

"""How headers say how a detector was read out."""

import pytest

from app.calibrations.readouts import Readout, read_readout


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ({"CCDSUM": "2 2"}, Readout("2×2")),
        ({"CCDSUM": "1x2", "XBINNING": 3}, Readout("1×2")),
        ({"XBINNING": 2, "YBINNING": 4}, Readout("2×4")),
        ({"CCDXBIN": 2}, Readout("2×2")),
        ({"CCDSUM": "N/A", "CONFMODE": "full_frame"}, Readout("", "full_frame")),
        ({"CCDSUM": None, "READMODE": " fast "}, Readout("", "fast")),
        ({}, Readout()),
    ],
)
def test_what_a_header_says(header, wanted):
    assert read_readout(header) == wanted


def test_what_is_not_said_stands_in_no_way():
    assert Readout("2×2").agrees_with(Readout())
    assert Readout("2×2", "fast").agrees_with(Readout("2×2"))
    assert not Readout("2×2", "fast").agrees_with(Readout("2×2", "slow"))
    assert not Readout("2×2").agrees_with(Readout("1×1", "fast"))

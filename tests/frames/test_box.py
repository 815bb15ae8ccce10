"""What the smart box makes of an input, beside an archive that has a few names."""

import marshmallow as ma
import pytest

from app.frames.box import Archive, Box, read_box

KNOWN = {
    ("basename_exact", "cpt1m010-fa01-20261101-0042-e91"),
    ("basename_exact", "20261102"),
    ("basename", "fa01-20261101"),
    ("basename", "e91"),
    ("target_name", "auto_focus"),
    ("target_name", "m42"),
    ("target_name", "Comet 12P"),
    ("dayobs", "2026-11-01"),
    ("dayobs", "2026-10-07"),
    ("request_id", "2000"),
    ("request_id", "20261007"),
    ("observation_id", "1000"),
}
PROPOSALS = ["", "ORION2024B-001", "2026A-17", "calibrate", "M33"]


def read(text: str) -> Box:
    return read_box(text, Archive(lambda search: bool(KNOWN & set(search.items())), lambda: PROPOSALS))


@pytest.mark.parametrize(
    ("text", "kind", "search"),
    [
        ("M42", "object", {"position": "M42"}),
        ("m 42", "object", {"position": "m 42"}),
        ("  M   42 ", "object", {"position": "M 42"}),
        ("M42 10'", "object", {"position": "M42", "radius": "0.166667"}),
        ("M42 10′", "object", {"position": "M42", "radius": "0.166667"}),
        ("M42 10 arcmin", "object", {"position": "M42", "radius": "0.166667"}),
        ("M42, 0.5 deg", "object", {"position": "M42", "radius": "0.5"}),
        ("M 42 r=0.5d", "object", {"position": "M 42", "radius": "0.5"}),
        ("M 42 r = .5 °", "object", {"position": "M 42", "radius": "0.5"}),
        ("M 42 36\"", "object", {"position": "M 42", "radius": "0.01"}),
        ("M 42 36''", "object", {"position": "M 42", "radius": "0.01"}),
        ("NGC 253 1D", "object", {"position": "NGC 253", "radius": "1"}),
        ("ngc253", "object", {"position": "ngc253"}),
        ("Crab", "object", {"position": "Crab"}),
        ("the Crab Nebula", "object", {"position": "the Crab Nebula"}),
        ("omega cen 20'", "object", {"position": "omega cen", "radius": "0.333333"}),
        ("LMC 5 degrees", "object", {"position": "LMC", "radius": "5"}),
        ("Messier 31 1 degree", "object", {"position": "Messier 31", "radius": "1"}),
        ("IC 434", "object", {"position": "IC 434"}),
        ("83.82 -5.39", "position", {"position": "83.82 -5.39"}),
        ("83.82, -5.39", "position", {"position": "83.82, -5.39"}),
        ("83.82 −5.39", "position", {"position": "83.82 -5.39"}),
        ("83.82 -5.39 0.2d", "position", {"position": "83.82 -5.39", "radius": "0.2"}),
        ("83.82,-5.39,0.2d", "position", {"position": "83.82,-5.39", "radius": "0.2"}),
        ("83.82 -5.39 12'", "position", {"position": "83.82 -5.39", "radius": "0.2"}),
        ("83 -5 30'", "position", {"position": "83 -5", "radius": "0.5"}),
        ("5:35:17 -5:23:28", "position", {"position": "5:35:17 -5:23:28"}),
        ("5:35:17 -5:23:28 6'", "position", {"position": "5:35:17 -5:23:28", "radius": "0.1"}),
        ("05 35 17 -05 23 28", "position", {"position": "05 35 17 -05 23 28"}),
        ("05 35 17 -05 23 28\"", "position", {"position": "05 35 17 -05 23 28\""}),
        ("05 35 17 -05 23 28 36\"", "position", {"position": "05 35 17 -05 23 28", "radius": "0.01"}),
        ("5h35m17s -5d23m28s", "position", {"position": "5h35m17s -5d23m28s"}),
        ("5h 35m 17s -5° 23' 28\"", "position", {"position": "5h 35m 17s -5° 23' 28\""}),
        ("5h35m -5d 1d", "position", {"position": "5h35m -5d 1d"} | {"position": "5h35m -5d", "radius": "1"}),
        ("cpt1m010-fa01-20261101-0042-e91", "frame", {"basename_exact": "cpt1m010-fa01-20261101-0042-e91"}),
        ("cpt1m010-fa01-20261101-0042-e91.fits.fz", "frame", {"basename_exact": "cpt1m010-fa01-20261101-0042-e91"}),
        ("cpt1m010-fa01-20261101-0042-e91.fits", "frame", {"basename_exact": "cpt1m010-fa01-20261101-0042-e91"}),
        ("cpt1m010-fa01-20261101-0042-e91.tar.gz", "frame", {"basename_exact": "cpt1m010-fa01-20261101-0042-e91"}),
        ("fa01-20261101", "part of a file's name", {"basename": "fa01-20261101"}),
        ("e91", "part of a file's name", {"basename": "e91"}),
        ("ORION2024B-001", "proposal", {"proposal_id": "ORION2024B-001"}),
        ("orion2024b-001", "proposal", {"proposal_id": "ORION2024B-001"}),
        ("2026A-17", "proposal", {"proposal_id": "2026A-17"}),
        ("Calibrate", "proposal", {"proposal_id": "calibrate"}),
        ("m33", "proposal", {"proposal_id": "M33"}),
        ("M 33", "object", {"position": "M 33"}),
        ("2026-11-01", "night", {"dayobs": "2026-11-01"}),
        ("20261101", "night", {"dayobs": "2026-11-01"}),
        ("1999-12-31", "night", {"dayobs": "1999-12-31"}),
        ("20261102", "frame", {"basename_exact": "20261102"}),
        ("20261007", "night", {"dayobs": "2026-10-07"}),
        ("20261350", "request", {"request_id": "20261350"}),
        ("2000", "request", {"request_id": "2000"}),
        ("1000", "observation", {"observation_id": "1000"}),
        ("77", "request", {"request_id": "77"}),
        ("auto_focus", "target", {"target_name": "auto_focus"}),
        ("Comet 12P", "target", {"target_name": "Comet 12P"}),
        ("nothing like this", "target", {"target_name": "nothing like this"}),
        ("x", "target", {"target_name": "x"}),
        ("<script>", "target", {"target_name": "<script>"}),
        ("α Cen", "target", {"target_name": "α Cen"}),
    ],
)  # fmt: skip
def test_what_an_input_is_read_as(text: str, kind: str, search: dict[str, str]) -> None:
    found = read(text).reading
    assert (found.kind, found.search) == (kind, search)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5:35:17", "half a position"),
        ("1 2 3", "half a position"),
        ("12 34", "may be the hours and minutes"),
        ("500 -5.39", "RA must lie between"),
        ("83.82 -95", "Dec must lie between"),
        ("2026-13-01", "no position that can be read"),
        ("x" * 201, "at most 200"),
    ],
)
def test_what_is_no_search_says_why(text: str, message: str) -> None:
    with pytest.raises(ma.ValidationError, match=message):
        read(text)


def test_the_other_readings_are_offered() -> None:
    assert [other.search for other in read("M33").others] == [
        {"position": "M33"},
        {"target_name": "M33"},
        {"basename": "M33"},
    ]
    assert {"position": "83 -5 30'"} in [other.search for other in read("83 -5 30'").others]
    assert [other.kind for other in read("20261101").others][:2] == ["request", "observation"]


def test_a_slip_is_noticed() -> None:
    assert "NGC 253" in read("NCG 253").suggestions
    assert read("NGC 253").suggestions == ()


def test_who_resolved_an_object_is_told() -> None:
    position = read("M42 10'").reading.position
    assert position is not None
    assert (position.source, position.label) == ("OpenNGC", "M 42 · NGC 1976")

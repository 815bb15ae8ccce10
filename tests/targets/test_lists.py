"""How lists of targets are read: names, positions, tables, and what is none of these."""

import pytest

from app.targets.lists import MOST_TARGETS, ListError, decode, read_list


def read(text: str) -> list[tuple[str, str, float | None]]:
    """Return the names, places and radii of a list without a fault."""
    lines = read_list(text)
    assert [line.fault for line in lines if line.fault] == []
    return [(line.name, line.place, line.radius_deg) for line in lines]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("M 42", ("", "M 42", None)),
        ("M42 10'", ("", "M42", 1 / 6)),
        ("M42, 0.2", ("", "M42", 0.2)),
        ("M42; 30 arcsec", ("", "M42", 1 / 120)),
        ("83.82 -5.39", ("", "83.82 -5.39", None)),
        ("83.82, -5.39", ("", "83.82 -5.39", None)),
        ("83.82 -5.39 0.2d", ("", "83.82 -5.39", 0.2)),
        ("83.82 -5.39, 0.2", ("", "83.82 -5.39", 0.2)),
        ("5:35:17 -5:23:28", ("", "5:35:17 -5:23:28", None)),
        ("5h35m17s −5°23′28″", ("", "5h35m17s -5°23'28\"", None)),
        ("05 35 17.3, -05 23 28, 10'", ("", "05 35 17.3 -05 23 28", 1 / 6)),
        ("my star, 83.82, -5.39", ("my star", "83.82 -5.39", None)),
        ("my star\t83.82\t-5.39\t0.1", ("my star", "83.82 -5.39", 0.1)),
        ("24936, 83.82, -5.39", ("24936", "83.82 -5.39", None)),
        ("my star; 83,82; -5,39", ("my star", "83.82 -5.39", None)),
        ("my star, 5:35:17 -5:23:28", ("my star", "5:35:17 -5:23:28", None)),
        ("SN 2024abc 83.82 -5.39", ("SN 2024abc", "83.82 -5.39", None)),
        ("TOI-1 05 35 17.3 -05 23 28", ("TOI-1", "05 35 17.3 -05 23 28", None)),
        ('"Smith, J. 7", 83.82, -5.39,,', ("Smith, J. 7", "83.82 -5.39", None)),
        ("Müller’s star | 83.82 | -5.39", ("Müller's star", "83.82 -5.39", None)),
    ],
)
def test_a_line(line: str, wanted: tuple[str, str, float | None]) -> None:
    ((name, place, radius),) = read(line)
    assert (name, place) == wanted[:2]
    assert radius == (wanted[2] if wanted[2] is None else pytest.approx(wanted[2], rel=1e-5))


@pytest.mark.parametrize(
    ("header", "line", "wanted"),
    [
        ("name,ra,dec", "1,2,3", ("1", "2 3", None)),
        ("RAJ2000;DEJ2000;Vmag;Name", "83,82;-5,39;12,1;x", ("x", "83.82 -5.39", None)),
        ("Target\tRA (deg)\tDec (deg)\tRadius (arcmin)", "x\t83.82\t-5.39\t6", ("x", "83.82 -5.39", 0.1)),
        ("object", "M 42", ("", "M 42", None)),
        ("id, position, radius", "7, 5:35:17 -5:23:28, 0.1", ("7", "5:35:17 -5:23:28", 0.1)),
        ("name,ra,dec", "M 42,,", ("", "M 42", None)),
    ],
)
def test_named_columns(header: str, line: str, wanted: tuple[str, str, float | None]) -> None:
    ((name, place, radius),) = read(f"{header}\n{line}")
    assert (name, place) == wanted[:2]
    assert radius == (wanted[2] if wanted[2] is None else pytest.approx(wanted[2]))


def test_lines_keep_their_numbers() -> None:
    lines = read_list("\ufeff# my list\r\n\r\nM 42\r\n  \r\nM 31\r\n")
    assert [(line.number, line.place) for line in lines] == [(3, "M 42"), (5, "M 31")]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("a, b, c, d, e", "has 5 columns"),
        ("M 42, soon", "“soon” is no radius"),
        ("x, y, z", "can't be read: write a name"),
        (f"M {'4' * 300}", "at most 200 characters"),
        ("x" * 1500, "at most 1,000 characters, this one has 1,500"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_in_it(line: str, told: str) -> None:
    good, bad = read_list(f"M 42\n{line}")
    assert good.fault == ""
    assert told in bad.fault


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "The list is empty"),
        ("# nothing\n\n", "The list is empty"),
        ("name,ra,dec\n", "The list is empty"),
        ("M 42\n" * (MOST_TARGETS + 1), "at most 1,000 targets, this one has 1,001"),
        ("name,ra,mag\nx,1,2", "there is no dec among them"),
    ],
)
def test_what_is_no_list(text: str, told: str) -> None:
    with pytest.raises(ListError, match=told):
        read_list(text)


def test_a_thousand_are_not_too_many() -> None:
    assert len(read_list("name\n" + "M 42\n\n" * MOST_TARGETS)) == MOST_TARGETS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_files_are_decoded(encoding: str) -> None:
    assert decode("Müller's star, 83.82, -5.39".encode(encoding)).startswith("Müller's star")


def test_what_is_no_text() -> None:
    with pytest.raises(ListError, match="is no text"):
        decode(b"PK\x03\x04\x14\x00\x06\x00")

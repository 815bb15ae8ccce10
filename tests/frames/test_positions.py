"""The position box understands what astronomers type and says what is wrong with the rest."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep

import pytest

from app.frames import positions
from app.frames.positions import PositionError, find_position

SESAME_ANSWER = "# Vega\t#Q1\n#=S=Simbad:    1\n%@ 2900336\n%C.0 dS*\n%J 279.23473 +38.78369 = 18:36:56.3 +38:47:01\n"


@pytest.mark.parametrize(
    ("text", "ra_deg", "dec_deg"),
    [
        ("83.82 -5.39", 83.82, -5.39),
        ("83.82, -5.39", 83.82, -5.39),
        ("83.82,5.39", 83.82, 5.39),
        ("+83.82 +5.39", 83.82, 5.39),
        ("83.82 −5.39", 83.82, -5.39),
        ("83.82° −5.39°", 83.82, -5.39),
        ("83.82d -5.39d", 83.82, -5.39),
        ("  180\t45 ", 180, 45),
        ("5 +35", 5, 35),
        ("10, 41", 10, 41),
        (".5 -.5", 0.5, -0.5),
        ("360 0", 0, 0),
        ("0 -90", 0, -90),
    ],
)
def test_decimal_degrees(text, ra_deg, dec_deg):
    position = find_position(text)
    assert (position.ra_deg, position.dec_deg) == pytest.approx((ra_deg, dec_deg), abs=1e-12)
    assert position.source == "decimal"


@pytest.mark.parametrize(
    ("text", "ra_deg", "dec_deg"),
    [
        ("5:35:17.3 -5:23:28", 83.8220833, -5.3911111),
        ("05 35 17.3 -05 23 28", 83.8220833, -5.3911111),
        ("05 35 17.3 05 23 28", 83.8220833, 5.3911111),
        ("5h35m17.3s -5d23m28s", 83.8220833, -5.3911111),
        ("05h35m17.3s-05d23m28s", 83.8220833, -5.3911111),
        ("5h 35m 17.3s, −5° 23′ 28″", 83.8220833, -5.3911111),
        ("5H35M17.3S -5D23'28''", 83.8220833, -5.3911111),
        ("5:35 -5:23", 83.75, -5.3833333),
        ("5:35:17.3 -5.39", 83.8220833, -5.39),
        ("83d49m12s -5d23m28s", 83.82, -5.3911111),
        ("12.5h -5.39", 187.5, -5.39),
        ("0:0:0 -0:30:00", 0, -0.5),
        ("24:00:00 +90:00:00", 0, 90),
    ],
)
def test_sexagesimal_has_ra_in_hours(text, ra_deg, dec_deg):
    position = find_position(text)
    assert (position.ra_deg, position.dec_deg) == pytest.approx((ra_deg, dec_deg), abs=1e-6)
    assert position.source == "sexagesimal"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("83.82 -5.39", "83.82° −5.39°"),
        ("5:35:17.3 +5:23:28", "83.82208° +5.39111°"),
        ("M42", "M 42 · NGC 1976"),
        ("m 42", "M 42 · NGC 1976"),
        ("Messier 042", "M 42 · NGC 1976"),
        ("NGC1976", "M 42 · NGC 1976"),
        ("ngc_1976", "M 42 · NGC 1976"),
        ("M 102", "M 101 · NGC 5457"),
        ("IC 434", "IC 434"),
        ("Barnard 33", "B 33"),
        ("caldwell 14", "C 14"),
        ("mcg −02-01-031", "IC 2"),
        ("ANDROMEDA  galaxy", "Andromeda Galaxy · M 31 · NGC 224"),
        ("crab", "Crab Nebula · M 1 · NGC 1952"),
        ("cats eye nebula", "Cat's Eye Nebula · NGC 6543"),
        ("the Pleiades", "Pleiades · M 45 · Mel 22"),
        ("47 Tuc", "47 Tuc Cluster · NGC 104"),
        ("LMC", "Large Magellanic Cloud · ESO 056-115"),
        ("SMC", "Small Magellanic Cloud · NGC 292"),
    ],
)
def test_label_says_what_was_understood(text, label):
    assert find_position(text).label == label


def test_object_has_openngc_position():
    position = find_position("M31")
    assert (position.ra_deg, position.dec_deg) == pytest.approx((10.6847, 41.2691), abs=1e-3)
    assert position.source == "OpenNGC"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("361 0", '"361 0": RA must lie between 0° and 360°'),
        ("-10 20", "RA must lie between"),
        ("25:00:00 0:00:00", "RA must lie between 0h and 24h"),
        ("10 91", "Dec must lie between -90° and"),
        ("5h 5h", "Dec must lie between"),
        ("83.82", '"83.82" is half a position'),
        ("5 35 17", '"5 35 17" is half a position'),
        ("5 35", 'For whole degrees write "5 \\+35"'),
        ("5:60:00 1:00:00", "minutes and seconds must be less than 60"),
        ("5.5:30 1:00", "only the last part of an angle can have decimals"),
        ("83,82 -5,39", "is no position that can be read; write RA Dec in degrees"),
        ("5:: 3", "is no position that can be read"),
        ("IC 1064", "OpenNGC has no position for IC 1064"),
        ("NGC 9999", 'No object is known as "NGC 9999"'),
        ("۴۲ ۱", 'No object is known as "۴۲ ۱"'),
        ("", "The position is empty"),
        (" \x00\n", "The position is empty"),
        ("\x1b[31mM\x0042", r'No object is known as "\[31mM 42"'),
        ('ngc1" or "1"="1', "No object is known as"),
        ("5" * 201, "at most 200 characters, this one has 201"),
        ("5" * 200, "is half a position"),
    ],
)
def test_error_names_the_text_and_the_mend(text, message):
    with pytest.raises(PositionError, match=message):
        find_position(text)


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("Andromda", ("Andromeda Galaxy",)),
        ("helix", ("Helix Galaxy", "Helix Nebula")),
        ("NCG 1976", ("NGC 1976",)),
        ("qqqqq", ()),
    ],
)
def test_error_suggests_close_names(text, suggestions):
    with pytest.raises(PositionError) as error:
        find_position(text)
    assert error.value.suggestions == suggestions
    assert ("Did you mean" in str(error.value)) == bool(suggestions)


class Sesame(BaseHTTPRequestHandler):
    """A resolver that knows Vega, fails for "broken" and is slow for "slow"."""

    def do_GET(self):
        self.server.paths.append(self.path)
        if "slow" in self.path:
            sleep(0.5)
        self.send_response(500 if "broken" in self.path else 200)
        self.end_headers()
        known = "Vega" in self.path or "100%25" in self.path
        self.wfile.write(SESAME_ANSWER.encode() if known else b"#! *** Nothing found ***\n")

    def log_message(self, *args):
        """Keep the test's output quiet."""


@pytest.fixture
def sesame() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sesame)
    server.paths = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def resolver_url(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}/-oI?"


def test_resolver_finds_what_openngc_has_not(sesame):
    position = find_position("Vega", resolver_url(sesame))
    assert (position.ra_deg, position.dec_deg) == (279.23473, 38.78369)
    assert (position.label, position.source) == ("Vega", "Sesame")


@pytest.mark.parametrize(("suffix", "path"), [("", "/-oI?100%25%26%2FA"), ("{name}&x", "/-oI?100%25%26%2FA&x")])
def test_resolver_gets_the_name_quoted(sesame, suffix, path):
    find_position("100%&/A", resolver_url(sesame) + suffix)
    assert sesame.paths == [path]


def test_resolver_is_asked_once_for_a_name_and_never_for_a_known_one(sesame):
    for name in ("Vega", "Vega", "M42", "1 +2"):
        find_position(name, resolver_url(sesame))
    assert len(sesame.paths) == 1


@pytest.mark.parametrize("name", ["broken", "slow"])
def test_resolver_down(sesame, monkeypatch, name):
    monkeypatch.setattr(positions, "RESOLVER_TIMEOUT_S", 0.1)
    with pytest.raises(PositionError, match="the name resolver does not answer"):
        find_position(name, resolver_url(sesame))


def test_resolver_knows_it_neither(sesame):
    with pytest.raises(PositionError, match="No object is known as"):
        find_position("Nibiru", resolver_url(sesame))

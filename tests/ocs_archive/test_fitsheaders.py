"""Reading headers without pixels, from files good and bad."""

import gzip
import io
import warnings

import pytest
from astropy.io import fits
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocs_archive.input.file import File, FileSpecificationException
from ocs_archive.input.fitsheaders import parse_card, parse_odd_card, read_fits_headers
from tests.fits_factory import make_header, make_pixels, write_fits

SHAPE = (64, 48)
PRIMARY = [b"SIMPLE  =                    T", b"BITPIX  =                    8", b"NAXIS   =                    0"]


def read(content: bytes) -> list[dict]:
    return read_fits_headers(File(io.BytesIO(content), "a-e91.fits"))


def pad(content: bytes) -> bytes:
    return content.ljust(-(-len(content) // 2880) * 2880)


def build_header(*cards: bytes, primary: list[bytes] = PRIMARY) -> bytes:
    return pad(b"".join(card.ljust(80) for card in (*primary, *cards, b"END")))


def read_cards(*cards: bytes) -> dict:
    (headers,) = read(build_header(*cards))
    return headers


@pytest.fixture
def mosaic(tmp_path) -> bytes:
    """A primary HDU with a header alone, two images, one of them compressed, and a table."""
    hdus = [
        fits.PrimaryHDU(header=make_header(SHAPE)),
        fits.ImageHDU(make_pixels(SHAPE), name="SCI"),
        fits.CompImageHDU(make_pixels(SHAPE), name="ERR"),
        fits.BinTableHDU.from_columns([fits.Column("x", "D", array=[1.0, 2.0])], name="CAT"),
    ]
    fits.HDUList(hdus).writeto(tmp_path / "mosaic.fits")
    return (tmp_path / "mosaic.fits").read_bytes()


def test_every_hdu_is_read(mosaic):
    headers = read(mosaic)
    assert [hdu.get("EXTNAME") for hdu in headers] == [None, "SCI", "ERR", "CAT"]
    assert [(hdu["NAXIS1"], hdu["NAXIS2"]) for hdu in headers[1:3]] == [(48, 64), (48, 64)]
    assert headers[0]["OBJECT"] == "M84"


def test_pixels_are_not_read(tmp_path):
    class CountingFile(io.BytesIO):
        bytes_read = 0

        def read(self, size: int | None = -1) -> bytes:
            block = super().read(size)
            self.bytes_read += len(block)
            return block

    stream = CountingFile(write_fits(tmp_path / "a.fits", shape=(1000, 1000)).read_bytes())
    read_fits_headers(File(stream, "a.fits"))
    assert stream.bytes_read < 3 * 2880


def test_compressed_image_has_the_header_of_the_image(tmp_path):
    plain, packed = tmp_path / "a.fits", tmp_path / "a.fits.fz"
    write_fits(plain)
    write_fits(packed, compressed=True)
    with fits.open(packed, mode="update", disable_image_compression=True) as hdus:
        header = hdus[1].header  # as fpack writes it
        header.rename_keyword("ZTENSION", "ZSIMPLE")
        header["ZSIMPLE"] = True
        del header["ZPCOUNT"], header["ZGCOUNT"]
    assert read(packed.read_bytes()) == read(plain.read_bytes())


def test_primary_hdu_with_a_header_of_its_own_is_no_compressor_s(tmp_path):
    hdus = [fits.PrimaryHDU(header=make_header(SHAPE)), fits.CompImageHDU(make_pixels(SHAPE))]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits.fz")
    assert [hdu.get("OBJECT") for hdu in read((tmp_path / "a.fits.fz").read_bytes())] == ["M84", None]


@pytest.mark.parametrize(
    ("card", "key", "value"),
    [
        (b"OBJECT  = 'caf\xe9 \xff'", "OBJECT", "caf? ?"),
        (b"OBJECT  = 'a\x00b\x07c'", "OBJECT", "a b c"),
        (b"UNDEF   =", "UNDEF", None),
        (b"BLANK   = ''", "BLANK", ""),
        (b"CRVAL1  = NaN", "CRVAL1", None),
        (b"CRVAL1  = -Infinity / lost", "CRVAL1", None),
        (b"EXPTIME = 1E400", "EXPTIME", None),
        (b"EXPTIME = 1.5D+03", "EXPTIME", 1500.0),
        (b"EXPTIME = 10,5 / s", "EXPTIME", "10,5"),
        (b"DATE-OBS= 2015-02-30", "DATE-OBS", "2015-02-30"),
        (b"OBJECT  = 'no end", "OBJECT", "no end"),
        (b"HIERARCH ESO DET ID = 'chip' / c", "ESO DET ID", "chip"),
        (b"HUGE    = 123456789012345678901234567890", "HUGE", "123456789012345678901234567890"),
        (b"CPLX    = (1.0, 2.0)", "CPLX", "(1+2j)"),
        (b"FLAG    =                    F", "FLAG", False),
    ],
)
def test_odd_cards(card, key, value, recwarn):
    assert read_cards(card)[key] == value
    assert list(recwarn) == []


FIELDS = st.one_of(
    st.builds("'{}'".format, st.text("ABZ az09:'/.,=&", max_size=20)),
    st.sampled_from(["T", "F", "TF", "''", "", "-", "+.5E3", "1.D5", "1.5D+03", "1e5", "1E5", ".5", "5.", "007", "-0"]),
    st.integers().map(str),
    st.floats(allow_nan=False).map(repr),
    st.text("ABTF019 '/.:+-ED()=", max_size=20),
)
CARDS = st.builds(
    "{:8}{}{}{}".format,
    st.one_of(
        st.text("ABT09_-", max_size=8), st.sampled_from(["COMMENT", "HISTORY", "HIERARCH", "CONTINUE", "END", "DP1"])
    ),
    st.sampled_from(["= ", "=   ", "=", "  "]),
    FIELDS,
    st.sampled_from(["", " ", " / it's", "/c", " x"]),
)


@settings(max_examples=500)
@given(CARDS)
@example("DP1     = 'AXIS.1: 2'")
@example("_-_     = ''/=_A (F'")
def test_a_plain_card_is_read_as_astropy_reads_it(card):
    with warnings.catch_warnings(action="ignore"):
        assert repr(parse_card(card[:80].ljust(80))) == repr(parse_odd_card(card[:80].ljust(80)))


def test_long_text_goes_on_in_continue_cards():
    assert read_cards(b"OBJECT  = 'first &'", b"CONTINUE  'and second' / c")["OBJECT"] == "first and second"


def test_continue_card_that_continues_nothing_is_no_crash():
    assert read_cards(b"EXPTIME = 10.0", b"CONTINUE  'what'")["EXPTIME"] == "10.0"


def test_first_of_a_repeated_card_counts_and_history_is_joined():
    headers = read_cards(b"AIRMASS = 1.5", b"HISTORY one", b"AIRMASS = 2.5", b"HISTORY two")
    assert (headers["AIRMASS"], headers["HISTORY"]) == (1.5, "one two")


def test_missing_padding_at_the_end_is_forgiven(tmp_path):
    content = write_fits(tmp_path / "a.fits").read_bytes()
    data_bytes = 64 * 48 * 2
    assert len(content) % 2880 == 0
    assert read(content[: len(content) - (-data_bytes % 2880)]) == read(content)


def test_what_follows_the_last_hdu_is_ignored(mosaic):
    assert read(mosaic + b"junk" * 1000) == read(mosaic)


def test_random_groups():
    primary = [PRIMARY[0], b"BITPIX  = -32", b"NAXIS   = 3", b"NAXIS1  = 0", b"NAXIS2  = 4", b"NAXIS3  = 5"]
    header = build_header(b"GROUPS  = T", b"GCOUNT  = 2", b"PCOUNT  = 3", primary=primary)
    data_bytes = 4 * 2 * (3 + 4 * 5)
    assert read(header + bytes(data_bytes))
    with pytest.raises(FileSpecificationException, match=f"{len(header) + data_bytes} bytes"):
        read(header + bytes(data_bytes - 1))


@pytest.mark.parametrize("hdu", [1, 2, 3])
def test_file_cut_short_within_any_hdu_is_refused(mosaic, tmp_path, hdu):
    with fits.open(tmp_path / "mosaic.fits", disable_image_compression=True) as hdus:
        place = hdus[hdu].fileinfo()
    for cut in (place["hdrLoc"] + 100, place["datLoc"] + 1):
        with pytest.raises(FileSpecificationException, match=r"a-e91\.fits is cut short") as caught:
            read(mosaic[:cut])
        assert caught.value.code == "fits.truncated"


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (b"", "fits.empty", "empty"),
        (b"junk" * 5000, "fits.invalid", "SIMPLE"),
        (gzip.compress(build_header(), mtime=0), "fits.invalid", "SIMPLE"),
        (PRIMARY[0], "fits.invalid", "END"),
        (PRIMARY[0].ljust(2880) + bytes(20 * 2**20), "fits.invalid", "END"),
        (build_header(primary=[PRIMARY[0]]), "fits.invalid", "NAXIS is None"),
        (build_header(primary=[*PRIMARY[:2], b"NAXIS   = 1"]), "fits.invalid", "NAXIS1 is None"),
        (build_header(primary=[*PRIMARY[:2], b"NAXIS   = 1", b"NAXIS1  = -4"]), "fits.invalid", "NAXIS1 is -4"),
        (build_header(primary=[PRIMARY[0], b"BITPIX  = 7", PRIMARY[2]]), "fits.invalid", "BITPIX is 7"),
    ],
)
def test_what_is_no_fits_file(content, code, reason):
    with pytest.raises(FileSpecificationException, match=reason) as caught:
        read(content)
    assert caught.value.code == code

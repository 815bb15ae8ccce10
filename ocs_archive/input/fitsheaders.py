"""The headers of a FITS file, read without a single pixel, and whether the file is as long as they promise.

Own reading instead of `astropy.io.fits.open`, which takes a junk file into memory in search of an END card,
decompresses what looks like gzip, and only warns of a file that is cut short. Plain cards, which are nearly all, are
parsed here, as that is half of what a small file costs else; the others are astropy's to parse. Section numbers are
those of the FITS standard 4.0.
"""

import math
import re
import warnings
from collections.abc import Callable
from typing import IO, Any

from ocs_archive.input.exceptions import FileSpecificationException
from ocs_archive.input.file import File
from ocs_archive.input.values import build_json_value

Headers = dict[str, Any]

BLOCK_BYTES, CARD_BYTES = 2880, 80
MAX_HEADER_BYTES = 16 * 2**20  # twenty times what pipelines write; more is no header, and would fill the memory
# Cards are printable ASCII (section 3.2): control characters become blanks, others a question mark.
PRINTABLE = bytes([*b" " * 32, *range(32, 127), *b"?" * 129])

COMMENTARY = {"", "COMMENT", "HISTORY"}
# Section 4.2: text without quotes in it, a logical, an integer or a real number. Text with a colon and a blank in it
# may be a record-valued card, and is astropy's.
PLAIN_CARD = re.compile(
    r"(?!END |CONTINUE)(?P<key>[A-Z0-9_-]{1,8}) *(?<=^.{8})= +"
    r"(?:'(?P<text>(?:[^':]|:(?! ))+)'|(?P<logical>[TF])|(?P<integer>[+-]?\d+)"
    r"|(?P<real>[+-]?(?:\d+\.\d*|\.\d+)(?:[ED][+-]?\d+)?)) *(?:/.*)?"
)
PLAIN_VALUES: dict[str, Callable[[str], Any]] = {
    "text": str.rstrip,
    "logical": "T".__eq__,
    "integer": int,
    "real": lambda text: float(text.replace("D", "E")),
}

# Section 10.1: the cards of a table that holds a tile-compressed image, apart from the image's own …
TABLE_CARD = re.compile(
    r"XTENSION|BITPIX|NAXIS\d*|[PG]COUNT|TFIELDS|THEAP|T(TYPE|FORM|UNIT|SCAL|ZERO|NULL|DISP|DIM)\d+|CHECKSUM|DATASUM"
    r"|Z(IMAGE|TILE\d+|CMPTYPE|NAME\d+|VAL\d+|MASKCMP|QUANTIZ|DITHER0|SCALE|ZERO)"
)
# … and the image's structural cards, which the table has under these names.
IMAGE_CARD = re.compile(r"Z(SIMPLE|TENSION|BITPIX|NAXIS\d*|EXTEND|BLOCKED|PCOUNT|GCOUNT|BLANK|HECKSUM|DATASUM)")
RENAMED_CARDS = {"ZTENSION": "XTENSION", "ZHECKSUM": "CHECKSUM"}
# What a compressor's own primary HDU holds: nothing of the frame.
WRAPPER_CARDS = {"", "SIMPLE", "BITPIX", "NAXIS", "EXTEND", "COMMENT", "HISTORY", "CHECKSUM", "DATASUM", "DATE"}


def build_invalid_error(file: File, reason: str) -> FileSpecificationException:
    return FileSpecificationException(f"{file} is not a valid FITS file: {reason}", code="fits.invalid")


def build_truncated_error(file: File, reason: str) -> FileSpecificationException:
    return FileSpecificationException(f"{file} is cut short: {reason}. Send it again, whole.", code="fits.truncated")


class NoEndError(Exception):
    """No END card ends a header."""

    def __init__(self, header: bytes) -> None:
        super().__init__(f"no END card ends its header, which may have {MAX_HEADER_BYTES >> 20} MiB")
        # Where there are but cards the rest is missing. Pixels, or more than a header can have, are another fault.
        is_text = header.isascii() and header.decode("ascii").isprintable()
        self.is_cut_short = is_text and len(header) < MAX_HEADER_BYTES


def read_header_bytes(fileobj: IO[bytes]) -> bytes:
    """Read header blocks up to the END card and return the cards before it.

    Raises
    ------
    NoEndError
        If there is none in the first 16 MiB.
    """
    header = bytearray()
    while len(header) < MAX_HEADER_BYTES and (block := fileobj.read(BLOCK_BYTES)):
        for start in range(0, len(block), CARD_BYTES):
            if block[start : start + CARD_BYTES].rstrip(b" \0") == b"END":
                return bytes(header) + block[:start]
        header += block
    raise NoEndError(bytes(header))


def split_cards(header_bytes: bytes) -> list[str]:
    """Split a header into its cards; CONTINUE cards stay with the card that they continue."""
    text = header_bytes.translate(PRINTABLE).decode("ascii")
    cards: list[list[str]] = []
    for start in range(0, len(text), CARD_BYTES):
        card = text[start : start + CARD_BYTES]
        if card.startswith("CONTINUE") and cards:
            cards[-1].append(card)
        else:
            cards.append([card])
    return ["".join(parts) for parts in cards]


def parse_card(text: str) -> tuple[str, Any]:
    """Return a card's keyword and JSON value: None if it is undefined or not finite, text if it is not standard."""
    if text[:8].rstrip() in COMMENTARY and len(text) == CARD_BYTES:
        return text[:8].rstrip(), text[8:].rstrip()
    if len(text) == CARD_BYTES and (plain := PLAIN_CARD.fullmatch(text)):
        kind = str(plain.lastgroup)
        return plain["key"], build_json_value(PLAIN_VALUES[kind](plain[kind]))
    return parse_odd_card(text)


def parse_odd_card(text: str) -> tuple[str, Any]:
    """Parse any card as astropy does; where astropy can't, take the text as it stands."""
    from astropy.io import fits  # where it is needed: the web server never reads a file, and starts without astropy
    from astropy.io.fits.verify import VerifyError

    card = fits.Card.fromstring(text)
    try:
        return card.keyword, build_json_value(card.value)
    except VerifyError:
        value = text[:CARD_BYTES].partition("=")[2].partition("/")[0].strip(" '")  # 10,5 or an unquoted date or NaN
    return card.keyword, None if value.lower().lstrip("+-") in {"nan", "inf", "infinity"} else value


def parse_headers(header_bytes: bytes) -> Headers:
    """Parse cards to JSON values by key; the first of a key counts, HISTORY and COMMENT are joined."""
    from astropy.utils.exceptions import AstropyWarning  # as above

    headers: Headers = {}
    comments: dict[str, list[str]] = {"HISTORY": [], "COMMENT": []}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)  # tells of each card that breaks the standard
        for key, value in map(parse_card, split_cards(header_bytes)):
            if key in comments:
                comments[key].append(str(value))
            else:
                headers.setdefault(key, value)
    return headers | {key: " ".join(lines) for key, lines in comments.items() if lines}


def get_length(headers: Headers, key: str, default: int | None = None) -> int:
    """Return a length; ValueError if the card is missing or no length."""
    value = headers.get(key, default)
    if type(value) is not int or value < 0:
        raise ValueError(f"{key} is {value!r}")
    return value


def count_data_bytes(headers: Headers) -> int:
    """Return the length of an HDU's data in bytes, without padding (section 4.4.1, equations 1 and 2; 6.1.1, 4).

    Raises
    ------
    ValueError
        If a card that gives the length is missing or wrong.
    """
    axes = [get_length(headers, f"NAXIS{number}") for number in range(1, get_length(headers, "NAXIS") + 1)]
    groups, parameters = get_length(headers, "GCOUNT", 1), get_length(headers, "PCOUNT", 0)
    bits = headers.get("BITPIX")
    if bits not in (8, 16, 32, 64, -32, -64):
        raise ValueError(f"BITPIX is {bits!r}")
    if axes and axes[0] == 0 and headers.get("GROUPS") is True:
        axes = axes[1:]  # random groups
    return abs(bits) // 8 * groups * (parameters + math.prod(axes)) if axes else 0


def build_image_headers(table: Headers) -> Headers:
    """Turn the header of a tile-compressed image, which is a table's, into the image's own."""
    own = {key: value for key, value in table.items() if not (TABLE_CARD.fullmatch(key) or IMAGE_CARD.fullmatch(key))}
    if own.get("EXTNAME") == "COMPRESSED_IMAGE":
        del own["EXTNAME"]  # the compressor's, not the image's
    image = {RENAMED_CARDS.get(key, key[1:]): value for key, value in table.items() if IMAGE_CARD.fullmatch(key)}
    return own | image


def drop_compression(hdus: list[Headers]) -> list[Headers]:
    """Give the headers that the file has when it is uncompressed: the empty primary HDU of a compressor goes."""
    compressed = [headers.get("ZIMAGE") is True for headers in hdus]
    if len(hdus) > 1 and compressed[1] and WRAPPER_CARDS.issuperset(hdus[0]):
        hdus, compressed = hdus[1:], compressed[1:]
    return [build_image_headers(hdu) if packed else hdu for hdu, packed in zip(hdus, compressed, strict=True)]


def read_hdu(file: File, offset: int, size: int) -> tuple[Headers, int] | None:
    """Read the header of the HDU at an offset, and where its data end; None where no HDU begins."""
    fileobj = file.fileobj
    fileobj.seek(offset)
    if fileobj.read(8) != (b"XTENSION" if offset else b"SIMPLE  "):
        return None
    fileobj.seek(offset)
    try:
        headers = parse_headers(read_header_bytes(fileobj))
    except NoEndError as error:
        is_cut_short = error.is_cut_short and size >= BLOCK_BYTES  # less is no beginning of a FITS file
        raise (build_truncated_error if is_cut_short else build_invalid_error)(file, str(error)) from None
    try:
        end = fileobj.tell() + count_data_bytes(headers)
    except ValueError as error:
        raise build_invalid_error(
            file, f"its header at byte {offset} does not tell its data's length ({error})"
        ) from None
    if end > size:
        raise build_truncated_error(file, f"its headers promise {end} bytes and it has {size}")
    return headers, end


def read_fits_headers(file: File) -> list[Headers]:
    """Read the header of every HDU of a FITS file; tile-compressed images show as the images that they are.

    The padding after the last HDU may be missing, and what follows it and is no HDU is ignored (section 3.5).

    Raises
    ------
    FileSpecificationException
        ``fits.empty``, ``fits.invalid``, or ``fits.truncated`` where an HDU is not all there.
    """
    size, offset = len(file), 0
    if not size:
        raise FileSpecificationException(f"{file} is empty", code="fits.empty")
    hdus: list[Headers] = []
    while offset < size and (hdu := read_hdu(file, offset, size)):
        headers, end = hdu
        hdus.append(headers)
        offset = math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES
    if not hdus:
        raise build_invalid_error(file, "it does not begin with SIMPLE")
    return drop_compression(hdus)

"""The forms in which frames are taken home: each writes batches of frames as a stream, of which nothing is kept."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import orjson

from app.downloads.actions import Links
from app.exports.columns import COLUMNS, Value
from app.exports.script import write_script
from app.frames.queries import FoundFrame
from app.frames.records import build_records

Batches = Iterable[list[FoundFrame]]

#: What makes a spreadsheet calculate a text, rather than show it (OWASP, CSV injection).
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
END_OF_TABLE = "</TABLE>"
REGIONS_BEGIN = "# Region file format: DS9 version 4.1\nglobal color=green width=1\nicrs\n"
NOT_IN_A_REGION = re.compile(r"[{}\x00-\x1f\x7f]")  # in its text


@dataclass(frozen=True)
class Format:
    """A form of an export, by the media type under which it goes out."""

    media_type: str
    write: Callable[[Batches], Iterator[bytes]]
    related_frames: bool = False  # whether it names them


def write_csv(batches: Batches) -> Iterator[bytes]:
    """Write CSV as RFC 4180 says; no text is one that a spreadsheet would calculate."""
    yield join_csv([[column.name for column in COLUMNS]])
    for batch in batches:
        yield join_csv([defuse(column.value(frame)) for column in COLUMNS] for frame in batch)


def join_csv(rows: Iterable[list[Value]]) -> bytes:
    """Write rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def defuse(value: Value) -> Value:
    """Return what no spreadsheet calculates."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_BEGINS) else value


def write_votable(batches: Batches) -> Iterator[bytes]:
    """Write a VOTable: astropy its head and its end, we the rows between."""
    head, end, rest = _build_empty_votable().partition(END_OF_TABLE)
    yield f"{head}<DATA><TABLEDATA>\n".encode()
    for batch in batches:
        yield "".join(_build_row(frame) for frame in batch).encode()
    yield f"</TABLEDATA></DATA>{end}{rest}".encode()


def _build_empty_votable() -> str:
    # It takes a second to import, and most processes never need it.
    from astropy.io.votable.tree import CooSys, Field, Resource, TableElement, VOTableFile

    document, resource = VOTableFile(version="1.4"), Resource(type="results")
    table = TableElement(document, name="frames")
    document.resources.append(resource)
    resource.coordinate_systems.append(CooSys(ID="icrs", system="ICRS"))
    resource.tables.append(table)
    for column in COLUMNS:
        is_text, is_position = column.datatype in {"char", "unicodeChar"}, column.ucd.startswith("pos.")
        options: dict[str, Any] = {"arraysize": "*"} if is_text else {}
        options |= {"unit": column.unit} if column.unit else {}
        options |= {"ref": "icrs"} if is_position else {}
        field = Field(document, name=column.name, datatype=column.datatype, ucd=column.ucd, **options)
        field.description = column.description
        table.fields.append(field)
    written = io.BytesIO()
    document.to_xml(written)
    return written.getvalue().decode()


def _build_row(frame: FoundFrame) -> str:
    cells = (column.value(frame) for column in COLUMNS)
    texts = ("" if cell is None else escape(NOT_IN_XML.sub("\ufffd", str(cell))) for cell in cells)
    return f"<TR>{''.join(f'<TD>{text}</TD>' for text in texts)}</TR>\n"


def write_json_lines(batches: Batches) -> Iterator[bytes]:
    """Write the records of ``/frames/``, one a line."""
    for batch in batches:
        records = build_records(batch, Links(), {})
        yield b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z) for record in records)


def write_regions(batches: Batches) -> Iterator[bytes]:
    """Write the footprints, with the basenames beside them, as DS9 reads them."""
    yield REGIONS_BEGIN.encode()
    for batch in batches:
        yield "".join(_build_region(frame) for frame in batch if frame.row.area is not None).encode()


def _build_region(frame: FoundFrame) -> str:
    corners = ",".join(f"{degrees:.7f}" for corner in frame.row.area[:-1] for degrees in corner)
    return f"polygon({corners}) # text={{{NOT_IN_A_REGION.sub('_', frame.row.basename)}}}\n"


def write_urls(batches: Batches) -> Iterator[bytes]:
    """Write the links of the newest files, one a line."""
    (url,) = (column for column in COLUMNS if column.name == "url")
    for batch in batches:
        yield "".join(f"{link}\n" for frame in batch if (link := url.value(frame))).encode()


#: By the ending of their names.
FORMATS = {
    "csv": Format("text/csv", write_csv),
    "vot": Format("application/x-votable+xml", write_votable),
    "jsonl": Format("application/x-ndjson", write_json_lines, related_frames=True),
    "reg": Format("text/x-ds9-regions", write_regions),
    "txt": Format("text/plain", write_urls),
    "sh": Format("application/x-sh", write_script),
}

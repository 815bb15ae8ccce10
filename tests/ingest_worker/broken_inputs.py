"""Broken and odd inputs, each said once: how to make it, how it comes in, and what must become of it.

``python -m tests.ingest_worker.broken_inputs`` sends them to an archive of its own, and writes docs/broken-inputs.md.
"""

import gzip
import io
import os
import socket
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.reference import PROJECT_DIR
from tests.fits_factory import write_cards, write_fits
from tests.live import LiveArchive, running_archive

PAGE = PROJECT_DIR / "docs" / "broken-inputs.md"
PAGE_HEAD = """# What becomes of broken files

Each of these inputs is sent to a running archive by the tests. What can be read of a frame goes in; of everything else
the sender learns what is wrong. “Refused” means at once, without a job. `/data` is a folder of INGEST_ROOTS. The codes
are explained in [ingest-errors.md](ingest-errors.md). This page is made from the outcomes: `make broken-inputs`.

| input | state | code | message |
|---|---|---|---|
"""
PATIENCE_S = 60.0
BLOCK, CARD = 2880, 80
ZEROS = gzip.compress(bytes(2**24), 1)  # a gzip file may have many such parts
OBSERVED = "2024-02-19T13:56:05"

Make = Callable[[Path], Any]


@dataclass(frozen=True)
class BrokenInput:
    """One input. A state of ``refused`` means that the request is answered with an error, and there is no job."""

    title: str
    filename: str
    make: Make
    state: str = "archived"
    code: str = ""
    words: str = ""
    by_path: bool = False
    path: Callable[[Path], str] = str  # of the place where it is made, the path that is submitted
    metadata: str = ""
    disturb: Callable[[Path], AbstractContextManager[Any]] = field(default=nullcontext)  # between submission and end


# How they are made.


def frame(**cards: Any) -> Make:
    return lambda path: write_fits(path, **({"OBJECT": ascii(path.name)} | cards))


def dated(text: Any) -> Make:
    return frame(**{"DATE-OBS": text})


def raw(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def cut(size: int, **options: Any) -> Make:
    """A frame of which only the beginning came, or, if the size is negative, all but the end."""

    def make(path: Path) -> None:
        many = {f"KEY{number}": number for number in range(100)}
        path.write_bytes(write_fits(path, **many, **options).read_bytes()[:size])

    return make


def cards(*texts: str | bytes, **options: Any) -> Make:
    """A frame with cards that no FITS library would write, in front of its END card."""
    return lambda path: write_cards(write_fits(path, **({"OBJECT": path.name} | options)), texts)


def replaced(old: bytes, new: bytes, **options: Any) -> Make:
    """A frame in which some bytes are exchanged for as many others."""

    def make(path: Path) -> None:
        content = write_fits(path, **({"OBJECT": path.name} | options)).read_bytes()
        assert old in content
        path.write_bytes(content.replace(old.ljust(len(new)), new.ljust(len(old)), 1))

    return make


def tar(**members: Make | bytes | str) -> Make:
    """A tar file: members that are made, have a content, or are links to a place."""
    return lambda path: write_tar(path, members)


def write_tar(path: Path, members: dict[str, Any]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, member in members.items():
            info, content = tarfile.TarInfo(name), b""
            if isinstance(member, str):
                info.type, info.linkname = tarfile.SYMTYPE, member
            elif isinstance(member, bytes):
                content = member
            else:
                member(path.with_suffix(".member"))
                content = path.with_suffix(".member").read_bytes()
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def bomb(kind: bytes, size: int) -> Make:
    """A tar file of one member that unpacks to a thousand times the bytes that come."""

    def make(path: Path) -> None:
        info = tarfile.TarInfo("bomb.fits")
        info.type, info.size = kind, size
        parts = size // 2**24 + 1
        path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT)) + ZEROS * parts)

    return make


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))  # such a path may have but 107 bytes


@contextmanager
def vanishing(path: Path) -> Iterator[None]:
    path.unlink()
    yield


@contextmanager
def changing(path: Path) -> Iterator[None]:
    """Write a file's last byte again and again."""
    is_over = threading.Event()

    def write() -> None:
        with path.open("r+b", buffering=0) as file:
            while not is_over.wait(0.0005):
                file.seek(-1, os.SEEK_END)
                file.write(b"\0")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        is_over.set()
        writer.join()


def many(text: str, size: int = 10 * 2**20) -> list[str]:
    return [text.format(number) for number in range(size // CARD)]


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


FAILED, REFUSED = "failed", "refused"
SIP = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}
HEADER_CARDS = "".join(f"{text:80}" for text in ("SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 0")).encode()

INPUTS = [
    # cut short
    BrokenInput("no byte", "empty.fits", raw(b""), FAILED, "fits.empty", "empty.fits"),
    BrokenInput("cut within the first header block", "cut-0.fits", cut(1000), FAILED, "fits.invalid", "END"),
    *(
        BrokenInput(f"cut after header block {n}", f"cut-{n}.fits", cut(n * BLOCK), FAILED, "fits.truncated", "END")
        for n in (1, 2, 3)
    ),
    BrokenInput("cut within a card", "cut-card.fits", cut(BLOCK + 1000), FAILED, "fits.truncated", "END"),
    BrokenInput("cut after the header", "cut-4.fits", cut(4 * BLOCK), FAILED, "fits.truncated", "promise"),
    BrokenInput("cut within the pixels", "cut-pixels.fits", cut(-5000), FAILED, "fits.truncated", "promise"),
    *(
        BrokenInput(
            f"compressed, cut after block {n}", f"cut-{n}.fits.fz", cut(n * BLOCK, compressed=True), FAILED, code, words
        )
        for n, code, words in (
            (1, "header.missing", "PROPID"),
            (2, "fits.truncated", "END"),
            (3, "fits.truncated", "END"),
        )
    ),
    # not FITS, or not quite
    BrokenInput("junk", "junk.fits", raw(bytes(range(256)) * 50), FAILED, "fits.invalid", "SIMPLE"),
    BrokenInput(
        "junk after SIMPLE", "junk-card.fits", raw(HEADER_CARDS + bytes(range(256)) * 50), FAILED, "fits.invalid", "END"
    ),
    BrokenInput("a web page", "page.fits", raw(b"<html>502 Bad Gateway</html>"), FAILED, "fits.invalid", "SIMPLE"),
    BrokenInput("gzip called FITS", "packed.fits", raw(ZEROS), FAILED, "fits.invalid", "SIMPLE"),
    BrokenInput("no END card", "no-end.fits", replaced(b"END ", b"ENDE"), FAILED, "fits.invalid", "END"),
    BrokenInput(
        "BITPIX of 7",
        "bitpix.fits",
        replaced(b"BITPIX  =                   16", b"BITPIX  =                    7"),
        FAILED,
        "fits.invalid",
        "BITPIX",
    ),
    BrokenInput("no BITPIX", "no-bitpix.fits", replaced(b"BITPIX", b"BITPOX"), FAILED, "fits.invalid", "BITPIX"),
    BrokenInput(
        "999999999 axes",
        "axes.fits",
        replaced(b"NAXIS   =                    2", b"NAXIS   =            999999999"),
        FAILED,
        "fits.invalid",
        "NAXIS3",
    ),
    BrokenInput(
        "an axis of 10¹⁸ pixels",
        "axis.fits",
        replaced(b"NAXIS1  =                   48", b"NAXIS1  =  1000000000000000000"),
        FAILED,
        "fits.truncated",
        "promise",
    ),
    BrokenInput(
        "an axis of -1 pixels",
        "negative.fits",
        replaced(b"NAXIS1  =                   48", b"NAXIS1  =                   -1"),
        FAILED,
        "fits.invalid",
        "NAXIS1",
    ),
    # headers
    BrokenInput(
        "required keywords are missing",
        "missing.fits",
        frame(PROPID=None, SITEID=None),
        FAILED,
        "header.missing",
        "PROPID, SITEID",
    ),
    BrokenInput("HIERARCH cards", "hierarch.fits", cards("HIERARCH ESO DET CHIP1 NAME = 'kb05'")),
    BrokenInput("CONTINUE cards", "continue.fits", cards("LONGTEXT= 'one &'", "CONTINUE  'two'")),
    BrokenInput("a CONTINUE card that continues nothing", "continues.fits", cards("CONTINUE  'two'")),
    BrokenInput("duplicate keywords", "duplicate.fits", cards("SITEID  = 'ogg'", "SITEID  = 'lsc'")),
    BrokenInput(
        "cards that are none", "odd-cards.fits", cards("lower   = 1", "=======", "KEY=5", "VALUE   = 10,5", "Q = 'open")
    ),
    BrokenInput("text after END", "after-end.fits", cards("END", "SITEID  = 'ogg'")),
    BrokenInput("10 MB of cards", "cards.fits", cards(*many("K{:<7}= 'text' / a comment"))),
    BrokenInput("2 MB of HIERARCH cards", "hierarchs.fits", cards(*many("HIERARCH ESO DET K{} = 1", 2 * 2**20))),
    BrokenInput("10 MB of HISTORY", "history.fits", cards(*many("HISTORY step {}"))),
    BrokenInput(
        "4 MB of one CONTINUEd text", "text.fits", cards("LONGTEXT= 'a&'", *many("CONTINUE  'text {}&'", 4 * 2**20))
    ),
    BrokenInput(
        "17 MB of header", "header.fits", cards(*many("HISTORY step {}", 17 * 2**20)), FAILED, "fits.invalid", "16 MiB"
    ),
    BrokenInput("non-ASCII characters", "latin.fits", cards(b"OBSERVER= 'Andr\xe9'", "TITLE   = 'café'")),
    BrokenInput("control characters", "control.fits", cards(b"OBSERVER= 'a\x00\x07\x1b[31mb'")),
    BrokenInput(
        "NUL and a slash in SITEID",
        "site-nul.fits",
        replaced(b"'coj", b"'c\0/"),
        FAILED,
        "header.unsafe_path",
        "SITEID",
    ),
    BrokenInput("../ in SITEID", "site-path.fits", frame(SITEID="../../etc"), FAILED, "header.unsafe_path", "SITEID"),
    BrokenInput("<script> in OBJECT", "script.fits", frame(OBJECT="<script>alert(1)</script>")),
    BrokenInput("SQL in PROPID", "sql.fits", frame(PROPID="'; DROP TABLE frame; --")),
    BrokenInput(
        "an OBJECT of 600 characters", "object.fits", frame(OBJECT="x" * 600), FAILED, "record.invalid", "target_name"
    ),
    BrokenInput(
        "EXPTIME that is no number", "exptime.fits", frame(EXPTIME="ten"), FAILED, "header.bad_number", "EXPTIME"
    ),
    BrokenInput("EXPTIME of NaN", "exptime-nan.fits", cards("EXPTIME = NaN", EXPTIME=None)),
    BrokenInput(
        "BLKUID of 70 digits",
        "blkuid.fits",
        cards(f"BLKUID  = {'9' * 70}", BLKUID=None),
        FAILED,
        "header.bad_number",
        "BLKUID",
    ),
    BrokenInput(
        "RLEVEL of 10 digits", "rlevel.fits", frame(RLEVEL=9_999_999_999), FAILED, "record.invalid", "reduction_level"
    ),
    # where it looks at
    BrokenInput("no WCS", "no-wcs.fits", frame(CTYPE1=None, CTYPE2=None, CRVAL1=None, CRVAL2=None)),
    BrokenInput("NaN in the WCS", "nan-wcs.fits", cards("CRVAL1  = NaN", CRVAL1=None)),
    BrokenInput("a declination of 10³⁰", "far-wcs.fits", frame(CRVAL2=1e30)),
    BrokenInput("a singular CD matrix", "singular-wcs.fits", frame(CD1_1=0.0)),
    BrokenInput("pixels of 10³⁰⁰ degrees", "large-wcs.fits", frame(CD1_1=1e300, CD2_2=1e300)),
    BrokenInput("a projection that there is not", "no-projection.fits", frame(CTYPE1="RA---XYZ", CTYPE2="DEC--XYZ")),
    BrokenInput("coordinates in a table", "tab-wcs.fits", frame(CTYPE1="RA---TAB", CTYPE2="DEC--TAB")),
    BrokenInput("a SIP polynomial of order 10⁹", "sip.fits", frame(**SIP, A_ORDER=10**9, B_ORDER=10**9)),
    BrokenInput("a SIP polynomial of order 20,000", "sip-20000.fits", frame(**SIP, A_ORDER=20_000, B_ORDER=20_000)),
    # when it was taken
    *(
        BrokenInput(f"DATE-OBS of {text}", f"date-{number}.fits", dated(text))
        for number, text in enumerate(
            (
                "2024-02-19",
                "2024-02-19T13:56",
                "2024-02-19 13:56:05.261",
                f"{OBSERVED}Z",
                f"{OBSERVED}+02:00",
                "20240219T135605",
            )
        )
    ),
    BrokenInput("a leap second", "leap.fits", dated("2016-12-31T23:59:60.5")),
    BrokenInput("30 February", "february.fits", dated("2024-02-30T00:00:00"), FAILED, "header.bad_date", "2024-02-30"),
    BrokenInput("25 o'clock", "hour.fits", dated("2024-02-19T25:00:00"), FAILED, "header.bad_date", "DATE-OBS"),
    BrokenInput("DATE-OBS of 19/02/98", "old-date.fits", dated("19/02/98"), FAILED, "header.bad_date", "19/02/98"),
    BrokenInput(
        "DATE-OBS of the year 9999", "late.fits", dated("9999-12-31T23:59:59"), FAILED, "header.bad_date", "9999"
    ),
    # names
    BrokenInput("an unknown extension", "report.docx", raw(b"PK"), FAILED, "filetype.unknown", ".docx"),
    BrokenInput("no extension", "extension", frame(), FAILED, "filetype.unknown", "extension"),
    BrokenInput("a name that IGNORED_CHARS has", "a-l00.fits", frame(), FAILED, "file.ignored", "IGNORED_CHARS"),
    BrokenInput("a name with spaces, quotes and accents", "Süd'o <b> %2e.fits", frame()),
    BrokenInput("../ in the name of an upload", "../up.fits", frame(), REFUSED, "filename.bad", "slash"),
    BrokenInput("a name of 300 characters", f"{'n' * 300}.fits", frame(), REFUSED, "filename.bad", "255"),
    BrokenInput(
        "NUL in a path", "nul.fits", frame(), REFUSED, "bad_parameter", "control", by_path=True, path="{}\0.fits".format
    ),
    BrokenInput(
        "../ in a path",
        "dots.fits",
        frame(),
        REFUSED,
        "path.outside_roots",
        "INGEST_ROOTS",
        by_path=True,
        path=lambda path: f"{path.parent}/../../../../../../../../etc/passwd",
    ),
    # files that are none
    BrokenInput("a directory", "folder.fits", Path.mkdir, FAILED, "file.irregular", "folder.fits", by_path=True),
    BrokenInput("a FIFO", "fifo.fits", os.mkfifo, FAILED, "file.irregular", "fifo.fits", by_path=True),
    BrokenInput("a socket", "socket.fits", listen, FAILED, "file.irregular", "socket.fits", by_path=True),
    BrokenInput(
        "a symlink out of INGEST_ROOTS",
        "link.fits",
        lambda path: path.symlink_to("/etc/passwd"),
        REFUSED,
        "path.outside_roots",
        "INGEST_ROOTS",
        by_path=True,
    ),
    BrokenInput(
        "a symlink to itself",
        "loop.fits",
        lambda path: path.symlink_to(path),
        REFUSED,
        "path.outside_roots",
        "INGEST_ROOTS",
        by_path=True,
    ),
    BrokenInput(
        "a file that is not there", "missing-file.fits", str, FAILED, "file.missing", "submit it again", by_path=True
    ),
    BrokenInput(
        "a file that vanishes before it is read",
        "vanishing.fits",
        frame(),
        FAILED,
        "file.missing",
        "vanishing.fits",
        by_path=True,
        disturb=vanishing,
    ),
    BrokenInput(
        "a file that changes while it is read",
        "changing.fits",
        frame(shape=(2000, 2000)),
        "waiting",
        "store.checksum_mismatch",
        "changed while it was read",
        by_path=True,
        disturb=changing,
    ),
    # tar files
    BrokenInput(
        "a tar with no FITS",
        "no-fits.tar.gz",
        tar(**{"notes.txt": b"no frame"}),
        FAILED,
        "tar.no_fits",
        "no-fits.tar.gz",
    ),
    BrokenInput("a tar with nothing", "nothing.tar.gz", tar(), FAILED, "tar.no_fits", "nothing.tar.gz"),
    BrokenInput("junk called tar", "junk.tar.gz", raw(bytes(range(256)) * 50), FAILED, "tar.invalid", "junk.tar.gz"),
    BrokenInput(
        "a tar with a broken FITS file", "broken.tar.gz", tar(**{"a.fits": b"junk"}), FAILED, "fits.invalid", "SIMPLE"
    ),
    BrokenInput("../ and / in a tar's names", "paths.tar.gz", tar(**{"../../a.fits": frame(), "/etc/b.fits": frame()})),
    BrokenInput(
        "a tar with a link for a FITS file",
        "link.tar.gz",
        tar(**{"a.fits": "/etc/passwd"}),
        FAILED,
        "tar.no_fits",
        "link.tar.gz",
    ),
    BrokenInput(
        "a tar bomb: a member of 3 GB",
        "bomb.tar.gz",
        bomb(tarfile.REGTYPE, 3 * 2**30),
        FAILED,
        "tar.too_large",
        "unpack",
    ),
    BrokenInput(
        "a tar bomb: a name of 1 GB",
        "name-bomb.tar.gz",
        bomb(tarfile.GNUTYPE_LONGNAME, 2**30),
        FAILED,
        "tar.too_large",
        "name",
    ),
    BrokenInput("a gzip bomb: 3 GB of zeros", "zeros.tar.gz", raw(ZEROS * 192), FAILED, "tar.no_fits", "zeros.tar.gz"),
    # metadata
    BrokenInput(
        "a thumbnail without metadata",
        "thumb-small.jpg",
        raw(b"\xff\xd8"),
        FAILED,
        "metadata.missing",
        "frame_basename",
    ),
    BrokenInput(
        "metadata nested 1,000 deep",
        "nested.fits",
        frame(),
        REFUSED,
        "bad_parameter",
        "file_metadata",
        metadata=nested(1000),
    ),
    BrokenInput(
        "NUL in metadata", "nul-metadata.fits", frame(), REFUSED, "bad_parameter", "NUL", metadata='{"a": "\\u0000"}'
    ),
    BrokenInput(
        "metadata of 1 MB",
        "metadata.fits",
        frame(),
        REFUSED,
        "request_entity_too_large",
        "",
        metadata='{"a": "' + "x" * 2**20 + '"}',
    ),
]


# How they are sent.


@dataclass(frozen=True)
class Outcome:
    """What became of an input."""

    state: str
    code: str
    message: str
    error_class: str = ""
    worker: str = ""


def send_all(archive: LiveArchive, folder: Path) -> dict[str, Outcome]:
    """Send all inputs to an archive, whose INGEST_ROOTS must hold the folder; return their outcomes by title."""
    with ExitStack() as until_settled:
        answers = {sent.title: send(archive, sent, folder, until_settled) for sent in INPUTS}
        return {title: settle(archive, answer, folder) for title, answer in answers.items()}


def send(archive: LiveArchive, sent: BrokenInput, folder: Path, until_settled: ExitStack) -> Any:
    path = folder / (sent.filename if len(sent.filename) < 255 and "/" not in sent.filename else "frame.fits")
    sent.make(path)
    if sent.by_path:
        answer = archive.request("POST", "/ingest/jobs", json={"filepath": sent.path(path)})
    else:
        form = {"file_metadata": sent.metadata} if sent.metadata else None
        files = {"file": (sent.filename, path.read_bytes())}
        answer = archive.request("POST", "/ingest/jobs", files=files, data=form)
    until_settled.enter_context(sent.disturb(path))
    return answer.json()


def settle(archive: LiveArchive, answer: Any, folder: Path) -> Outcome:
    if "id" not in answer:
        return Outcome("refused", answer["code"], answer["detail"].replace(str(folder), "/data"))
    deadline_s = time.monotonic() + PATIENCE_S
    while (job := archive.request("GET", f"/ingest/jobs/{answer['id']}").json())["state"] in {"queued", "running"}:
        assert time.monotonic() < deadline_s, job
        time.sleep(0.05)
    last = job["history"][0]
    message = job["error_message"].replace(str(folder), "/data")
    return Outcome(job["state"], job["error_code"], message, job["error_class"], last["worker"])


# How the page shows them.


def build_page(outcomes: Mapping[str, Outcome]) -> str:
    """Return docs/broken-inputs.md."""
    rows = (
        f"| {escape(title)} | {found.state} | {f'`{found.code}`' if found.code else ''} | {escape(found.message)} |\n"
        for title, found in outcomes.items()
    )
    return PAGE_HEAD + "".join(rows)


def escape(text: str) -> str:
    return text.replace("|", "&#124;").replace("<", "&lt;").replace("\n", " ")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        data_dir, folder = Path(name) / "archive", Path(name) / "inputs"
        data_dir.mkdir()
        folder.mkdir()
        with running_archive(data_dir, INGEST_ROOTS=str(folder)) as archive:
            page = build_page(send_all(archive, folder))
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()

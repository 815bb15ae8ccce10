"""Attacks by files, their names and their paths, and what becomes of them on the way out."""

import csv
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.attacks.attack import Chapter
from tests.attacks.attacker import HIDDEN, Answer
from tests.attacks.site import ODD_NAMES, SCRIPT, SECRET_KEY, Site
from tests.fits_factory import write_fits
from tests.frames_factory import A_FRAME
from tests.ingest_worker.broken_inputs import bomb, tar

FILES = Chapter("Files and their names")
BOUNDARY = "boundary"
MD5 = "0" * 31


def upload(site: Site, disposition: str, content: bytes = b"x", metadata: str = "{}") -> Answer:
    """Send a file whose part has this head."""
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file_metadata"\r\n\r\n{metadata}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; {disposition}\r\n\r\n'
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    sent = body.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    return site.holder("telescope").ask("POST", "/ingest/jobs", headers, body=sent)


def settle(site: Site, answer: Answer) -> str:
    """Return what became of a file that was taken."""
    job = site.archive.wait(answer.json["id"])
    return f"{job['state']} `{job['error_code']}`" if job["error_code"] else job["state"]


@FILES.add(
    "a filepath of ../, an absolute one elsewhere, file://, http://, ~, with NUL (14 ways)",
    "a file of the server",
    "400 `bad_parameter`, 400 `path.outside_roots`",
)
def name_paths(site: Site) -> Iterator[Answer]:
    root = site.folder
    for path in (
        *("/etc/passwd", f"{root}/../secret.fits", f"{root}/../../../../etc/passwd", f"{root}x/a.fits", "etc/passwd"),
        *("file:///etc/passwd", f"{site.canary.url}a.fits", "~/a.fits", f"{root}/a\0.fits", "/proc/self/environ"),
        *(f"{site.archive.data_dir}/secret_key", "//etc/passwd", "x" * 5000, "/" + "x" * 300 + ".fits"),
    ):
        yield site.holder("telescope").ask("POST", "/ingest/jobs", json={"filepath": path})


@FILES.add(
    "a symlink out of INGEST_ROOTS: a file, a folder, a chain, a loop",
    "a file of the server",
    "400 `path.outside_roots`",
)
def link_symbolically(site: Site) -> Iterator[Answer | str]:
    secret = write_fits(site.archive.data_dir / "secret.fits", **{"PROPID": HIDDEN})
    telescope, links = site.holder("telescope"), site.folder / "links"
    links.mkdir(exist_ok=True)
    targets = {
        "file.fits": secret,
        "folder": secret.parent,
        "chain.fits": links / "file.fits",
        "loop.fits": links / "loop.fits",
    }
    for name, target in targets.items():
        (links / name).unlink(missing_ok=True)
        (links / name).symlink_to(target)
    for name in ("file.fits", "folder/secret.fits", "chain.fits", "loop.fits"):
        yield telescope.ask("POST", "/ingest/jobs", json={"filepath": str(links / name)})


@FILES.add(
    "a multipart name of ../, a drive, quotes, filename*, NUL, a line break, 300 signs, nothing (14 ways)",
    "to write elsewhere",
    "400 `bad_request`, 400 `filename.bad`",
)
def name_uploads(site: Site) -> Iterator[Answer]:
    for name in (
        "../a.fits",
        "/etc/a.fits",
        "..",
        ".",
        ".hidden.fits",
        "a/b.fits",
        "",
        "n" * 300 + ".fits",
        "\U0001f52d" * 70 + ".fits",
        "a\0.fits",
        "a\rb.fits",
    ):
        yield upload(site, f'filename="{name}"')
    yield upload(site, "filename*=UTF-8''..%2f..%2fa.fits")
    yield upload(site, "filename*=UTF-8''a%0d%0ab.fits")
    yield upload(site, 'filename="a.fits"; filename="../b.fits"')
    assert sorted(path.name for path in site.archive.data_dir.iterdir() if path.suffix == ".fits") in (
        [],
        ["secret.fits"],
    )


@FILES.add(
    "names that deceive: right-to-left, look-alikes, accents of their own, invisible signs, %2e, ／",
    "one frame taken for another, or a path",
    "200, 202, failed `header.unsafe_path`",
)
def deceive(site: Site) -> Iterator[Answer | str]:
    for name in ODD_NAMES:
        frame = site.nobody.get(f"/frames/{site.frames[name]}/")
        assert frame.json["basename"] == name
        for path in (urlsplit(frame.json["url"]).path, f"/frame-funpack/{site.frames[name]}/funpack/"):
            file = site.nobody.get(path)
            assert not re.search(r"[/\\\x7f-\uffff]", file.get("Content-Disposition")), file
            yield file
        yield frame
    assert len({site.frames[name] for name in ODD_NAMES}) == len(ODD_NAMES)
    answer = upload(
        site,
        'filename="C:\\\\a\\\\b \\"quoted\\" \'; ls.fits"',
        write_fits(site.folder / "odd.fits", TITLE="odd").read_bytes(),
    )
    yield answer
    yield settle(site, answer)


@FILES.add(
    "all these in one zip, for whoever unpacks it", "to write outside the folder, or one file over another", "200"
)
def slip_out(site: Site) -> Iterator[Answer]:
    answer = site.nobody.ask("POST", "/frames/zip/", json={"frame_ids": list(site.frames.values())})
    names = zipfile.ZipFile(io.BytesIO(answer.body)).namelist()
    folders, files = zip(*(name.split("/", 1) for name in names), strict=True)
    assert len(set(folders)) == 1
    assert len(files) == len({unicodedata.normalize("NFC", file).casefold() for file in files}) == len(ODD_NAMES) + 3
    assert not [
        file for file in files if "/" in file or "\\" in file or file[0] in ".-=+@ " or not file.isprintable()
    ], files
    yield answer


@FILES.add(
    "a posted record whose basename, extension, site, day or key is a path",
    "a file of the server, or another frame's",
    "201, 400 `bad_parameter`, 400 `filetype.unknown`, 400 `header.bad_date`, 400 `header.unsafe_path`, "
    "404 `file_missing`",
)
def post_paths(site: Site) -> Iterator[Answer]:
    path = "../../../../etc/passwd"
    in_record = [{name: path} for name in ("basename", "site_id", "instrument_id")]
    in_header = [{"headers": {name: path}} for name in ("SITEID", "INSTRUME", "DAY-OBS", "ORIGNAME", "L1IDBIAS")]
    extensions = [{"extension": text} for text in (f".fits/{path}", f"/{path}", "", ".fits\0")]
    in_file = [{"key": path}, {"key": ".."}, *extensions, {"md5": path}, {"store_path": path}, {"size": -1}]
    for number, change in enumerate([*in_record, *in_header, *({"version_set": [file]} for file in in_file)]):
        file = {"key": "1", "md5": f"{number:032}", "extension": ".fits"}
        record = {**A_FRAME, "basename": f"posted-{number}", **change}
        record["version_set"] = [file | other for other in record.get("version_set", [{}])]
        answer = site.holder("telescope").ask("POST", "/frames/", json=record)
        if answer.status == 201:
            yield site.nobody.get(urlsplit(answer.json["url"]).path)  # it was told of a file that is not there
        yield answer


@FILES.add("a thumbnail that is a web page, SVG or a script", "code run by a reader's browser", "200, archived")
def post_pictures(site: Site) -> Iterator[Answer | str]:
    contents = [
        f"<html><body>{SCRIPT}</body></html>",
        '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "alert(1)",
    ]
    known = {
        "frame_basename": "public",
        "DATE-OBS": "2024-02-19T13:56:05",
        "DAY-OBS": "20240219",
        "INSTRUME": "kb05",
        "SITEID": "coj",
        "TELID": "1m0a",
    }
    for size, content in zip(("small", "medium", "large"), contents, strict=True):
        metadata = json.dumps(known | {"size": size})
        answer = upload(site, f'filename="public-{size}.jpg"', content.encode(), metadata)
        yield settle(site, answer)
        picture = site.nobody.get(f"/frames/{site.frames['public']}/previews/{size}.jpg")
        assert (picture.get("Content-Type"), picture.get("X-Content-Type-Options")) == ("image/jpeg", "nosniff"), (
            picture
        )
        yield picture


@FILES.add(
    "a tar of 3 GB in 3 MB, a tar with paths of ../ and links to /etc",
    "memory, or a file of the server",
    "failed `tar.no_fits`, failed `tar.too_large`",
)
def send_tars(site: Site) -> Iterator[str]:
    for name, make in {
        "bomb.tar.gz": bomb(b"0", 3 * 2**30),
        "links.tar.gz": tar(**{"../../a.fits": "/etc/passwd"}),
    }.items():
        make(site.folder / name)
        yield settle(site, upload(site, f'filename="{name}"', (site.folder / name).read_bytes()))


@FILES.add(
    "addresses of the attacker's server in whatever takes a text",
    "that the archive asks it, from the inside",
    "200, 302, 400, 400 `bad_parameter`, 404 `not_found`",
)
def call_out(site: Site) -> Iterator[Answer]:
    address = site.canary.url
    for name in ("position", "basename", "target_name", "covers", "cursor", "submitter"):
        yield site.nobody.get(f"/frames/?{name}={address}")
        yield site.nobody.get(
            f"/?{name}={address}&next={address}", {"Referer": address, "Origin": address, "Accept": "text/html"}
        )
    telescope = site.holder("telescope")
    yield telescope.ask("POST", "/ingest/jobs", json={"filepath": address, "file_metadata": {"url": address}})
    file = {"key": address, "md5": f"{MD5}f", "extension": ".fits", "url": address}
    yield telescope.ask(
        "POST", "/frames/", json={**A_FRAME, "basename": "called", "version_set": [file], "url": address}
    )
    yield site.nobody.get("/login/portal?next=" + address)
    yield site.nobody.get(f"/login/portal/callback?state=x&code={address}&iss={address}")
    assert site.canary.requests == []


@FILES.add(
    "names that a spreadsheet calculates, in every answer that one could open", "code run by whoever opens it", "200"
)
def inject_formulas(site: Site) -> Iterator[Answer]:
    frame_id = site.frames["=HYPERLINK(1)"]
    answer = site.nobody.ask("POST", "/frames/zip/", json={"frame_ids": [frame_id, site.frames["-rf"]]})
    with zipfile.ZipFile(io.BytesIO(answer.body)) as zipped:
        manifest = next(name for name in zipped.namelist() if name.endswith("MANIFEST.txt"))
        cells = [cell for line in zipped.read(manifest).decode().splitlines() for cell in line.split("\t")]
    assert not [cell for cell in cells if cell[0] in "=+-@\t"], cells
    yield answer
    table = site.nobody.get("/export.csv")
    cells = [cell for row in csv.reader(io.StringIO(table.body.decode(), newline="")) for cell in row]
    assert "'=HYPERLINK(1)" in cells
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t"} and not re.fullmatch(r"-[\d.]+", cell)]
    yield table
    for rule in site.app.url_map.iter_rules():
        if not rule.arguments and "GET" in rule.methods and rule.rule != "/export.csv":
            assert "csv" not in site.operator.get(rule.rule).get("Content-Type"), rule


@FILES.add(
    "the socket of the embedded Redis, for another user of the machine",
    "to give workers code to run",
    "only its owner may enter",
)
def enter_redis(site: Site) -> Iterator[str]:
    place = site.archive.data_dir / "redis" / "redis.sock"
    assert place.is_socket()
    assert place.stat().st_mode & 0o077 == place.parent.stat().st_mode & 0o077 == 0
    yield "only its owner may enter"


@FILES.add("the list of processes, and the environment of Redis", "the secrets that programs are started with", "none")
def list_processes(site: Site) -> Iterator[str]:
    programs = dict(_list_programs())
    own = {folder: words for folder, words in programs.items() if str(site.archive.data_dir) in words}
    assert not [words for words in programs.values() if SECRET_KEY in words]
    redis = [folder for folder, words in own.items() if "redis-server" in words]
    assert redis
    assert not [folder for folder in redis if SECRET_KEY in (folder / "environ").read_text()]
    yield "none"


def _list_programs() -> Iterator[tuple[Path, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            yield folder, (folder / "cmdline").read_bytes().decode(errors="replace")

"""Attacks by what a request is made of: its lines, its headers, its length, its body."""

import gzip
import itertools
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote, urlsplit

from app.reference import PROJECT_DIR
from tests.attacks.attack import Chapter
from tests.attacks.attacker import HTML, Answer
from tests.attacks.site import Site

PROTOCOL = Chapter("Requests that are none")
EVIL = "evil.example"
SMUGGLED = b"GET /profile/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
FORM = "application/x-www-form-urlencoded"


def build(site: Site, *lines: str, body: bytes = b"") -> bytes:
    """Return a POST with these lines in its head."""
    host = urlsplit(site.archive.url).netloc
    head = "".join(f"{line}\r\n" for line in ("POST /api-token-auth/ HTTP/1.1", f"Host: {host}", *lines))
    return head.encode("latin-1") + b"\r\n" + body


@PROTOCOL.add(
    "two requests in one: Content-Length with Transfer-Encoding, two lengths, odd codings and chunks (23 ways)",
    "a request that a proxy takes for part of another",
    "400, 400 `bad_parameter`, 400 `broken_body`, 501",
)
def smuggle(site: Site) -> Iterator[Answer]:
    length, chunked = f"Content-Length: {len(SMUGGLED) + 5}", "Transfer-Encoding: chunked"
    heads = [
        (length, chunked),
        (chunked, length),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5, 6",),
        *(
            (f"Content-Length: {value}",)
            for value in ("+5", "-5", "5 5", "0x5", "５".encode().decode("latin-1"), "", "1e1")
        ),
        *(
            (f"Transfer-Encoding: {value}",)
            for value in ("xchunked", "chunked, identity", "chunked chunked", "\x0bchunked")
        ),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding:\tchunked", "Transfer-Encoding: identity"),
        ("X: y\nTransfer-Encoding: chunked",),
        ("Transfer_Encoding: chunked", "Content-Length: 0"),
    ]
    for head in heads:
        answer = site.nobody.send(build(site, f"Content-Type: {FORM}", *head, body=b"0\r\n\r\n" + SMUGGLED))
        assert b"proposals" not in answer.rest + answer.body, (head, answer)
        yield answer
    for chunk in (b"-1\r\n", b"zz\r\n", b"0x5\r\nabcde\r\n", b"5;\r\nabc"):
        answer = site.nobody.send(build(site, f"Content-Type: {FORM}", chunked, body=chunk + SMUGGLED))
        assert b"proposals" not in answer.rest + answer.body, (chunk, answer)
        yield answer


@PROTOCOL.add(
    "headers folded over lines, with NUL, a bare CR or LF, a blank before the colon, no name, no host",
    "a header that a proxy reads otherwise",
    "200, 400",
)
def break_headers(site: Site) -> Iterator[Answer]:
    for line in (
        "X: a\r\n Authorization: Token x",
        "X: a\x00b",
        "X: a\rb",
        "X : a",
        ": a",
        "no colon",
        "X\x00: a",
        "X(: a",
        f"Host: {EVIL}",
        "Host:",
    ):
        yield site.nobody.send(build(site, line))
    yield site.nobody.send(b"GET / HTTP/1.1\r\n\r\n")
    for first in (
        b"GET /",
        b"GET  / HTTP/1.1",
        b"GET / HTTP/9.9",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\x00",
        b"\r\n" * 9,
    ):
        yield site.nobody.send(first + b"\r\nHost: 127.0.0.1\r\n\r\n")


@PROTOCOL.add(
    "TRACE, CONNECT, PUT, DELETE, PATCH and words of one's own; X-HTTP-Method-Override, _method",
    "to write by what looks like a read, or have one's cookie read out",
    "200, 400, 400 `bad_parameter`, 405 `method_not_allowed`",
)
def tamper_with_verbs(site: Site) -> Iterator[Answer]:
    frame = f"/frames/{site.frames['public']}/"
    for method, path in itertools.product(
        ("TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "GETS", "get"), ("/frames/", frame)
    ):
        answer = site.operator.ask(method, path, site.cookie("mine"))
        assert "mine" not in answer.text
        yield answer
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        yield site.operator.get(frame, {name: "DELETE"})
    yield site.operator.get(f"{frame}?_method=DELETE")
    assert site.nobody.get(frame).status == 200


@PROTOCOL.add(
    "another host: by Host, by several, by X-Forwarded-…, Forwarded, X-Original-URL, an absolute address",
    "links that lead elsewhere, or another address's answer in a cache",
    "200, 400 `bad_host`, 404, 404 `not_found`",
)
def poison_host(site: Site) -> Iterator[Answer]:
    netloc = urlsplit(site.archive.url).netloc
    for host in (
        EVIL,
        f"{EVIL}:80",
        f"{netloc}@{EVIL}",
        f"{netloc}.{EVIL}",
        f"{netloc}, {EVIL}",
        f"{netloc}/{EVIL}",
        f"[::1]{EVIL}",
    ):
        yield site.nobody.get("/", {"Host": host, **HTML})
        yield site.nobody.get("/frames/", {"Host": host})
    names = (
        "X-Forwarded-Host",
        "X-Forwarded-Server",
        "X-Host",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Prefix",
    )
    names += ("X-Forwarded-For", "X-Forwarded-Port", "X-Script-Name", "SCRIPT_NAME", "Forwarded", "Via", "Referer")
    for path, headers in itertools.product(("/", "/frames/", "/login"), ({}, HTML)):
        for name in names:
            value = (
                f"host={EVIL};for={EVIL}" if name == "Forwarded" else f"http://{EVIL}/" if name == "Referer" else EVIL
            )
            yield _assert_ours(site.nobody.get(path, {name: value, **headers}))
        yield _assert_ours(site.nobody.get(f"http://{EVIL}{path}", headers))
        yield _assert_ours(site.nobody.get(f"//{EVIL}{path}", headers))


def _assert_ours(answer: Answer) -> Answer:
    assert EVIL not in f"{answer.headers}", answer
    for address in re.findall(r'(?:href|src|action)="([^"]*)"|"(?:url|next|previous)": ?"([^"]*)"', answer.text):
        assert not "".join(address).startswith((f"http://{EVIL}", f"//{EVIL}", f"https://{EVIL}")), address
    return answer


@PROTOCOL.add("CR and LF in an address, a name, X-Request-Id", "a header of one's own in the answer", "200, 400, 404")
def split_answers(site: Site) -> Iterator[Answer]:
    lines = "%0d%0aX-Evil:%20yes%0d%0aSet-Cookie:%20session=evil"
    addresses = (
        f"/login?next=/{lines}",
        f"/{lines}",
        f"/frames/?basename={lines}",
        f"/downloads/x/{lines}",
        f"/static/{lines}",
    )
    for address in (*addresses, f"/frames/%E5%98%8D%E5%98%8A{lines}", f"/frames/{site.frames['public']}{lines}"):
        yield _assert_not_split(site.nobody.get(address, HTML))
    yield _assert_not_split(site.nobody.get("/frames/", {"X-Request-Id": "a\r\n X-Evil: yes"}))
    yield _assert_not_split(site.nobody.get("/frames/", {"X-Request-Id": "a%0d%0aX-Evil: yes"}))


def _assert_not_split(answer: Answer) -> Answer:
    assert not answer.get("X-Evil"), answer
    assert "session=evil" not in answer.get("Set-Cookie"), answer
    return answer


@PROTOCOL.add(
    "line breaks, ANSI signs and lines of the log in whatever the log says",
    "a line that nobody wrote",
    "200, 400, 400 `bad_credentials`, 400 `bad_parameter`, 401 `bad_token`, 404 `not_found`",
)
def inject_into_log(site: Site) -> Iterator[Answer]:
    forged = "2026-01-01T00:00:00.000000Z INFO    app: FORGED"
    for sign in ("%0a", "%0d%0a", "%1b[2J", "%c2%9b2J", "%e2%80%a8", "%e2%80%ae", "%00"):
        text = f"x{sign}{quote(forged)}"
        yield site.nobody.get(f"/{text}")
        yield site.nobody.get(f"/frames/?basename={text}")
        yield site.nobody.get(f"/login?next={text}", HTML)
        yield site.nobody.ask("POST", "/api-token-auth/", form={"username": f"x{chr(10)}{forged}", "password": "x"})
    for sign in ("\n", "\r", "\x1b[2J", "\x9b2J"):
        for name in ("User-Agent", "X-Request-Id", "Referer", "Authorization"):
            yield site.nobody.get("/frames/", {name: f"x{sign}{forged}"})
    yield site.nobody.send(f"GET /x\x1b[2J HTTP/1.1\r\nHost: {urlsplit(site.archive.url).netloc}\r\n\r\n".encode())
    for log in (site.archive.data_dir / "log").iterdir():
        lines = log.read_text().split("\n")
        assert [line for line in lines if not line.isprintable() and log.name != "redis.log"] == [], log
        assert not [line for line in lines if line.startswith(forged[:20])], log


@PROTOCOL.add("a line of 9 kB, 200 headers, a header of 9 kB, 10 MB of header", "memory", "200, 414, 431")
def send_large_heads(site: Site) -> Iterator[Answer]:
    yield site.nobody.get("/" + "a" * 9000)
    yield site.nobody.get("/frames/", [(f"X-{number}", "y") for number in range(200)])
    yield site.nobody.get("/frames/", {"X": "y" * 9000})
    yield site.nobody.get("/frames/", site.cookie("y" * 8000))
    yield site.nobody.get("/frames/", {"X": "y" * 10_000_000})


@PROTOCOL.add(
    "a body of 2 MB, of a claimed 10 TB, nested 100,000 deep, a number of 5,000 digits",
    "memory, or a fault",
    "400 `bad_json`, 400 `bad_parameter`, 400 `bad_request`, 400 `csrf`, 413 `request_entity_too_large`, "
    "413 `too_large`",
)
def send_large_bodies(site: Site) -> Iterator[Answer]:
    claimed = {"Content-Type": "application/json", "Content-Length": str(10**13)}
    for path in ("/api-token-auth/", "/frames/zip/", "/login"):
        yield site.nobody.ask("POST", path, {"Content-Type": "application/json"}, body=b" " * 2_000_000)
        yield site.nobody.ask("POST", path, claimed, body=b" " * 1_100_000)
        yield site.nobody.ask("POST", path, {"Content-Type": FORM}, body=b"username=" + b"x" * 900_000)
    for body in (
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"frame_ids": [' + b"9" * 5000 + b"]}",
        b'{"frame_ids": 1e9999}',
        b"NaN",
        b"\xff",
    ):
        yield site.nobody.ask("POST", "/frames/zip/", {"Content-Type": "application/json"}, body=body)


@PROTOCOL.add(
    "100,000 parameters: in an address, a form, a JSON body",
    "minutes of the server's time",
    "400, 400 `bad_parameter`, 400 `csrf`, 431",
)
def send_many_parameters(site: Site) -> Iterator[Answer]:
    names = [f"{number:x}" for number in range(100_000)]
    yield site.nobody.get("/frames/?" + "&".join(names))
    for path in ("/frames/", "/", "/thumbnails/", "/frames/aggregate/"):
        yield _assert_short(site.nobody.get(f"{path}?" + "&".join(names[:1700])))
        yield _assert_short(site.nobody.get(f"{path}?" + "&".join(["limit=1"] * 900)))
    for path in ("/frames/zip/", "/api-token-auth/", "/login"):
        yield _assert_short(site.nobody.ask("POST", path, {"Content-Type": FORM}, body="=&".join(names).encode()))
        yield _assert_short(site.nobody.ask("POST", path, json=dict.fromkeys(names[:80_000], 1)))
        yield _assert_short(site.nobody.ask("POST", path, json={"x" * 900_000: 1}))
    yield _assert_short(site.nobody.ask("POST", "/frames/zip/", json={"frame_ids": ["x"] * 200_000}))


def _assert_short(answer: Answer) -> Answer:
    """What is wrong with each is not told: that would be work, and a large answer."""
    assert len(answer.body) < 50_000, answer.body[:500]
    return answer


@PROTOCOL.add(
    "a form of 12,000 parts, a part's head of 1 MB, no end, no boundary",
    "memory, or a disk",
    "400 `bad_parameter`, 400 `bad_request`, 400 `csrf`, 413 `request_entity_too_large`",
)
def send_large_forms(site: Site) -> Iterator[Answer]:
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.fits"\r\n\r\n'
    bodies = [
        b"".join(part + b"\r\n" for _ in range(12_000)),
        b'--x\r\nContent-Disposition: form-data; name="a"\r\nX: ' + b"y" * 900_000,
        part + b"never ends",
        b"--x\r\n" * 10_000,
        b"",
    ]
    for path, body in itertools.product(("/ingest/jobs", "/frames/zip/", "/login"), bodies):
        for content_type in ("multipart/form-data; boundary=x", "multipart/form-data"):
            yield site.holder("telescope").ask("POST", path, {"Content-Type": content_type}, body=body)
    uploads = site.archive.data_dir / "uploads"
    assert not list(uploads.glob("receiving-*"))


@PROTOCOL.add("40 requests whose heads or bodies never end, while others ask", "all the server's threads", "200")
def drip(site: Site) -> Iterator[Answer]:
    address = urlsplit(site.archive.url)
    begun = b"POST /api-token-auth/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with ExitStack() as stack:
        for number in range(40):
            connection = stack.enter_context(socket.create_connection((address.hostname, address.port)))
            connection.sendall(begun + (b"Content-Length: 99\r\n\r\n" if number % 2 else b""))
        for _ in range(5):
            yield site.nobody.get("/frames/?limit=1")


@PROTOCOL.add("a body that unpacks to 1 GB: Content-Encoding gzip, deflate, br", "memory", "400 `bad_json`")
def send_packed_body(site: Site) -> Iterator[Answer]:
    packed = gzip.compress(bytes(2**24), 1) * 64
    for coding in ("gzip", "deflate", "br", "gzip, gzip"):
        headers = {"Content-Type": "application/json", "Content-Encoding": coding}
        yield site.nobody.ask("POST", "/frames/zip/", headers, body=packed[: 2**20])


@PROTOCOL.add(
    "a path of ../, its dots and slashes written in nine ways, below /static/ and elsewhere",
    "a file of the server",
    "308, 404 `link_invalid`, 404 `not_found`",
)
def traverse(site: Site) -> Iterator[Answer]:
    ways = ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "%252e%252e%252f", "..%c0%af", "....//")
    for way, root in itertools.product(
        ways, ("/static/", "/", "/downloads/", "/frames/", f"/frames/{site.frames['public']}/previews/")
    ):
        for target in ("wsgi.py", "etc/passwd"):
            answer = site.nobody.get(f"{root}{way * 3}{target}")
            assert "root:" not in answer.text
            assert "create_app" not in answer.text
            yield answer
    assert (PROJECT_DIR / "wsgi.py").exists()


@PROTOCOL.add(
    "answers for somebody, asked of a cache that all share", "another viewer's answer", "200, 401, 401 `not_logged_in`"
)
def poison_cache(site: Site) -> Iterator[Answer]:
    session = site.log_in("victim").headers
    token = site.holder("victim").headers
    for path in ("/", "/frames/", f"/frames/{site.frames['public']}/", "/account", "/profile/", "/frames/aggregate/"):
        for headers in (session, token, {**token, **HTML}):
            answer = site.victim.get(path, headers)
            assert "private" in answer.get("Cache-Control"), (path, answer)
            assert {"Cookie", "Authorization"} <= set(answer.get("Vary").split(", ")), (path, answer)
            yield answer

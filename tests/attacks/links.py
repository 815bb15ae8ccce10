"""Attacks on download links and on the ways to one frame."""

import itertools
import time
from collections.abc import Iterator

from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

from tests.attacks.attack import Chapter
from tests.attacks.attacker import HIDDEN, HTML, Answer
from tests.attacks.site import SECRET_KEY, Site

LINKS = Chapter("Download links and hidden frames")
HOUR_S = 3600
SALT = "downloads.version"


def split(link: str) -> tuple[str, str, str]:
    """Return the three parts of a link's token: what it grants, since when, and the signature."""
    payload, since, signature = link.split("/")[2].split(".")
    return payload, since, signature


def follow(site: Site, token: str, filename: str = "a.fits") -> Answer:
    return site.nobody.get(f"/downloads/{token}/{filename}")


class SignedAt(URLSafeTimedSerializer):
    """What signs as the archive does, at some other time."""

    def __init__(self, key: str, salt: str, seconds_ago: int) -> None:
        now_s = int(time.time())

        class Signer(URLSafeTimedSerializer.default_signer):
            def get_timestamp(self) -> int:
                return now_s - seconds_ago

        super().__init__(key, salt=salt, signer=Signer)


@LINKS.add("a link with one character changed, each in turn", "another file", "400, 404 `link_invalid`")
def tamper(site: Site) -> Iterator[Answer]:
    token = site.link(HIDDEN).split("/")[2]
    for place, sign in enumerate(token):  # none becomes a sign that means the same
        yield follow(site, token[:place] + chr(ord(sign) ^ 1 << 5) + token[place + 1 :])


@LINKS.add("the parts of two links put together", "a hidden file, with one's own signature", "404 `link_invalid`")
def swap(site: Site) -> Iterator[Answer]:
    own, other = split(site.link("public")), split(site.link(HIDDEN))
    for parts in set(itertools.product(*zip(own, other, strict=True))) - {own, other}:
        yield follow(site, ".".join(parts))


@LINKS.add("a link signed 49 hours ago", "a file for longer than its time", "404 `link_expired`")
def expire(site: Site) -> Iterator[Answer]:
    yield follow(site, SignedAt(SECRET_KEY, SALT, 49 * HOUR_S).dumps(1))


@LINKS.add("a link signed tomorrow, or in a hundred years", "a link that never ends", "404 `link_expired`")
def extend(site: Site) -> Iterator[Answer]:
    for ahead_s in (24 * HOUR_S, 100 * 365 * 24 * HOUR_S):
        yield follow(site, SignedAt(SECRET_KEY, SALT, -ahead_s).dumps(1))


@LINKS.add(
    "a link signed with another key, no key, or for another purpose",
    "a link of one's own making",
    "400 `bad_parameter`, 404 `link_invalid`",
)
def forge(site: Site) -> Iterator[Answer]:
    yield follow(site, SignedAt("another key", SALT, 0).dumps(1))
    yield follow(site, SignedAt("", SALT, 0).dumps(1))
    yield follow(site, SignedAt(SECRET_KEY, "cookie-session", 0).dumps(1))
    yield follow(site, URLSafeSerializer(SECRET_KEY, salt="frames.cursor").dumps(1))
    yield follow(site, split(site.link("public"))[0])
    yield site.nobody.get(f"/frames/?cursor={site.link('public').split('/')[2]}")


@LINKS.add("a link with another file's name, or a path, at its end", "another file", "200, 404 `not_found`")
def rename(site: Site) -> Iterator[Answer]:
    token = site.link("public").split("/")[2]
    for filename in (
        f"{HIDDEN}.fits",
        "..%2f..%2f..%2fetc%2fpasswd",
        "../../../etc/passwd",
        "%00",
        "a%0d%0aX-Evil:%20y",
    ):
        answer = follow(site, token, filename)
        assert answer.status == 404 or answer.get("Content-Disposition") == "attachment; filename=public.fits", answer
        assert not answer.get("X-Evil")
        yield answer


@LINKS.add(
    "1,000 ranges of one file, absurd ones, and other units",
    "the server's memory",
    "200, 206, 416 `requested_range_not_satisfiable`",
)
def ask_for_ranges(site: Site) -> Iterator[Answer]:
    link = site.link("public")
    for ranges in ("bytes=" + ",".join(f"{n}-" for n in range(1000)), "bytes=0-0", "bytes=-" + "9" * 40, "lines=1-2"):
        yield site.nobody.get(link, {"Range": ranges})
    yield site.nobody.get(link, {"Range": f"bytes={'9' * 40}-"})


@LINKS.add(
    "a hidden frame by its number, at every address, as nobody and as another user",
    "a hidden frame",
    "404 `frame_not_found`, 404 `thumbnail_not_found`",
)
def guess(site: Site) -> Iterator[Answer]:
    hidden = site.frames[HIDDEN]
    for attacker in (site.nobody, *map(site.holder, ("member", "reader", "telescope"))):
        for path in ("", "headers/", "related/", "previews/small.jpg"):
            yield attacker.get(f"/frames/{hidden}/{path}")
        yield attacker.get(f"/frame-funpack/{hidden}/funpack/")
        yield attacker.get(f"/frame-catalog/{hidden}/catalog/")
        yield attacker.ask("POST", "/frames/zip/", json={"frame_ids": [hidden]})
        yield attacker.ask("POST", "/frames/zip/", form={"frame_ids[0]": hidden, "auth_token": ""})


@LINKS.add(
    "numbers of 0, −1, 2⁶³, 10³⁰ and in other digits",
    "a fault",
    "400 `bad_parameter`, 404 `frame_not_found`, 404 `not_found`, 404 `thumbnail_not_found`, 404 `version_not_found`",
)
def ask_for_odd_numbers(site: Site) -> Iterator[Answer]:
    for number in ("-1", 2**63, 10**30, "%D9%A9" * 6, "1.0", "0x1", "1%00", "1;2", "+1"):
        yield site.nobody.get(f"/frames/{number}/")
        yield site.nobody.get(f"/thumbnails/{number}/")
        yield site.holder("telescope").get(f"/versions/{number}/")
    for number in (-1, 0, 2**63, 10**30, 1.5, "1 OR 1=1", None, [1], {"a": 1}, True):
        yield site.nobody.ask("POST", "/frames/zip/", json={"frame_ids": [number]})


@LINKS.add(
    "a token in the address, by eight names",
    "to be let in by what proxies and browsers write down",
    "400 `bad_parameter`, 404",
)
def put_token_into_address(site: Site) -> Iterator[Answer]:
    token = site.tokens["operator"]
    for name in ("token", "auth_token", "access_token", "api_key", "apikey", "key", "authorization", "Authorization"):
        for path in ("/frames/", f"/frames/{site.frames[HIDDEN]}/"):
            yield site.nobody.get(f"{path}?{name}={token}")
        yield site.nobody.get(f"/frames/{site.frames[HIDDEN]}/?{name}={token}", HTML)
    log = (site.archive.data_dir / "log" / "access.log").read_text()
    assert "auth_token=…" in log
    assert f"auth_token={token}" not in log
